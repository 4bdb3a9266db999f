import type { Server } from 'node:http'
import type { Socket } from 'node:net'

import type { FastifyInstance } from 'fastify'

import type { Logger } from '@slipway/request-log'
import type { Config } from '../config/index.ts'
import { TlsListener } from './tls-listener.ts'

/** What answers requests, on whatever they arrive. */
export interface Served {
  readonly server: FastifyInstance
  /** Lets upgrade requests of another listener pass as well. */
  readonly attach: (listener: Server) => void
}

/** Where requests arrive: plain, over TLS, or both (OP-26). */
export class Listeners {
  readonly #served: Served
  readonly #config: Config
  readonly #log: Logger
  readonly #connections = new Set<Socket>()
  #http: string | undefined
  #tls: TlsListener | undefined

  constructor(served: Served, config: Config, log: Logger) {
    this.#served = served
    this.#config = config
    this.#log = log
    served.server.server.on('connection', (socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

  /** @throws Error naming the setting when one of them cannot listen. */
  async start(): Promise<void> {
    const { server, attach } = this.#served
    const { httpAddress, tlsEnable } = this.#config
    await server.ready()
    if (tlsEnable)
      this.#tls = await TlsListener.start({
        config: this.#config,
        log: this.#log,
        attach,
        handle: (request, response) => server.routing(request, response),
      })
    if (httpAddress !== undefined) this.#http = await server.listen({ ...httpAddress })
  }

  /** URL of the plain listener; undefined while it is off. */
  get http(): string | undefined {
    return this.#http
  }

  /** URL of the TLS listener; undefined while it is off. */
  get tls(): string | undefined {
    return this.#tls?.url
  }

  /** Where this machine reaches the server. @throws Error before it listens. */
  get url(): string {
    const url = this.http ?? this.tls
    if (url === undefined) throw new Error('nothing listens yet')
    return url
  }

  /** Reads the certificates again (OP-15). @throws Error naming the file that cannot be used. */
  async reload(): Promise<void> {
    await this.#tls?.reload()
  }

  /** Stops accepting; settles when every request has ended. */
  async close(): Promise<void> {
    const closed = Promise.all([this.#served.server.close(), this.#tls?.[Symbol.asyncDispose]()])
    // What browsers and HTTP clients have opened ahead of a request does not pass for idle by itself.
    for (const socket of this.#connections) if (socket.bytesRead === 0) socket.destroy()
    await closed
  }

  /** Cuts what has not ended. */
  closeAllConnections(): void {
    this.#served.server.server.closeAllConnections()
    this.#tls?.server.closeAllConnections()
  }
}
