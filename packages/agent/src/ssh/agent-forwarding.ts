import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'

import type { Connection } from 'ssh2'

import { splice } from '@slipway/tunnel'

const WINDOW = 2 * 1024 * 1024
const PACKET = 64 * 1024
const CHANNEL_TYPE = 'auth-agent@openssh.com'

/**
 * The client's own SSH agent as a socket in the workspace: one for a connection, opened for the first session that
 * asks, because what such a session leaves running may go on using it (openssh-portable PROTOCOL, agent forwarding).
 * Disposing removes it.
 */
export class ForwardedAgent implements Disposable {
  readonly #connection: Connection
  #open: { readonly path: string; readonly close: () => void } | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Where the socket lies.
   *
   * @returns undefined when the SSH library has no way to open such channels, or there is no room for the socket.
   */
  socket(): string | undefined {
    this.#open ??= forwardAgent(this.#connection)
    return this.#open?.path
  }

  [Symbol.dispose](): void {
    this.#open?.close()
    this.#open = undefined
  }
}

function forwardAgent(
  connection: Connection,
): { readonly path: string; readonly close: () => void } | undefined {
  if (!canOpenAgentChannels(connection)) return undefined
  const folder = makeFolder()
  if (folder === undefined) return undefined
  const file = path.join(folder, 'socket')
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    openAgentChannel(connection, (channel) => {
      if (channel === undefined) socket.destroy()
      else splice(socket, channel)
    })
  }).listen(file)
  server.on('error', () => server.close())
  return {
    path: file,
    close: () => {
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function makeFolder(): string | undefined {
  try {
    return mkdtempSync(path.join(tmpdir(), 'slipway-agent-'))
  } catch {
    return undefined
  }
}

/** The library's server opens several kinds of channels and has all parts for this one, but no method for it. */
interface Channels {
  readonly _chanMgr: { add(done: unknown): number }
  readonly _protocol: { openssh_authAgent(channel: number, window: number, packet: number): void }
}

function canOpenAgentChannels(connection: object): connection is Channels & Connection {
  return (
    '_chanMgr' in connection &&
    '_protocol' in connection &&
    typeof connection._protocol === 'object' &&
    connection._protocol !== null &&
    'openssh_authAgent' in connection._protocol
  )
}

function openAgentChannel(connection: Channels, done: (channel: Duplex | undefined) => void): void {
  const opened = Object.assign(
    (error: Error | undefined, channel: Duplex) => done(error === undefined ? channel : undefined),
    { type: CHANNEL_TYPE },
  )
  const number = connection._chanMgr.add(opened)
  if (number === -1) done(undefined)
  else connection._protocol.openssh_authAgent(number, WINDOW, PACKET)
}
