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

/** The socket that stands for the client's own SSH agent; disposing removes it. */
export interface ForwardedAgent extends Disposable {
  readonly path: string
}

/**
 * Opens a socket in the workspace whose connections reach the client's SSH agent (openssh-portable PROTOCOL,
 * agent forwarding).
 *
 * @returns undefined when the SSH library has no way to open such channels, or there is no room for the socket.
 */
export function forwardAgent(connection: Connection): ForwardedAgent | undefined {
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
    [Symbol.dispose]: () => {
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
