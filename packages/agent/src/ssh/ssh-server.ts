import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import ssh2, { type Connection } from 'ssh2'

import { describeError, type Logger } from '@slipway/request-log'
import { ForwardedAgent } from './agent-forwarding.ts'
import { serveForwarding } from './forwarding.ts'
import { type SessionSurroundings, serveSession } from './session.ts'

/** What SSH connections need of the workspace. */
export interface SshServerOptions extends SessionSurroundings {
  /** PEM of the host key; known once the manifest is. */
  readonly hostKey: () => string
  readonly log: Logger
}

const GOODBYE_MS = 5_000
/** A client that says nothing is asked whether it is still there; it is gone when it answers none of these. */
const KEEPALIVE_MS = 30_000
const KEEPALIVE_PROBES = 3

/**
 * The SSH server of a workspace (AC-110). It has no port: connections come through the tunnel, which has
 * authenticated them, so any user name and no password will do.
 */
export class SshServer implements Disposable {
  readonly #options: SshServerOptions
  readonly #connections = new Set<Connection>()
  #server: ssh2.Server | undefined
  #closing = false
  #onEmpty: () => void = () => undefined

  constructor(options: SshServerOptions) {
    this.#options = options
  }

  /** Open connections, for the statistics of the agent. */
  get connections(): number {
    return this.#connections.size
  }

  /** Serves SSH on a byte stream. @throws Error once the server is closing. */
  serve(stream: Duplex): void {
    if (this.#closing) throw new Error('the workspace is stopping')
    const server = this.#server ?? this.#start()
    server.injectSocket(asSocket(stream))
  }

  #start(): ssh2.Server {
    const server = new ssh2.Server(
      {
        hostKeys: [this.#options.hostKey()],
        ident: 'Slipway',
        // Authenticated encryption first. No ChaCha20: the client's order decides, OpenSSH's begins with it, and it
        // is half as fast here.
        algorithms: {
          cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'],
        },
        keepaliveInterval: KEEPALIVE_MS,
        keepaliveCountMax: KEEPALIVE_PROBES,
      },
      (connection) => this.#accept(connection),
    )
    this.#server = server
    return server
  }

  #accept(connection: Connection): void {
    this.#connections.add(connection)
    const closing = new DisposableStack()
    const sessions = new Set<Disposable>()
    connection.on('authentication', (request) => request.accept())
    connection.on('error', (error) =>
      this.#options.log.debug('an SSH connection failed', { error: describeError(error) }),
    )
    connection.on('ready', () => {
      closing.use(serveForwarding(connection, this.#options.log))
      const agent = closing.use(new ForwardedAgent(connection))
      connection.on('session', (accept) => {
        const session = accept()
        const served = serveSession(session, agent, this.#options)
        sessions.add(served)
        session.on('close', () => sessions.delete(served))
      })
    })
    connection.on('close', () => {
      this.#connections.delete(connection)
      if (this.#connections.size === 0) this.#onEmpty()
      for (const session of sessions) session[Symbol.dispose]()
      closing[Symbol.dispose]()
    })
  }

  /** Says goodbye to all clients and takes no new ones; waits for them at most 5 s (AC-119). */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#connections.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GOODBYE_MS)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
      this[Symbol.dispose]()
    })
  }

  [Symbol.dispose](): void {
    this.#closing = true
    for (const connection of this.#connections) connection.end()
  }
}

/** The library asks for a socket but uses it as the byte stream that it is. */
function asSocket(stream: Duplex): Socket {
  if (stream instanceof Socket) return stream
  const socket: unknown = Object.assign(stream, { setNoDelay: () => stream, remoteAddress: '127.0.0.1' })
  return socket as Socket
}
