import { once } from 'node:events'
import { createServer, type Server } from 'node:http'

import { describeError, type Logger } from '@slipway/request-log'
import type { Config } from '../config/index.ts'

/** Scrapers ask in seconds; who takes longer to say what they want is none. */
const REQUEST_MS = 10_000

/**
 * Serves metrics on an address of their own: every path, to everybody who reaches it, without TLS (OP-80). The server
 * runs without it when the address cannot be used.
 */
export class MetricsListener implements AsyncDisposable {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** @returns undefined when it is off or cannot listen, which is logged. */
  static async start(options: {
    readonly config: Pick<Config, 'prometheusEnable' | 'prometheusAddress'>
    readonly log: Logger
    readonly metrics: () => Promise<string>
  }): Promise<MetricsListener | undefined> {
    const { config, log, metrics } = options
    if (!config.prometheusEnable || config.prometheusAddress === undefined) return undefined
    const server = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
      (request, response) => {
        request.resume()
        metrics().then(
          (text) => response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').end(text),
          (error: unknown) => {
            log.warn('metrics could not be rendered', { error: describeError(error) })
            response.writeHead(500).end()
          },
        )
      },
    )
    const { host, port } = config.prometheusAddress
    try {
      server.listen(port, host)
      await once(server, 'listening')
    } catch (error) {
      log.error('the metrics listener cannot listen; the server runs without it', {
        setting: '--prometheus-address',
        error: describeError(error),
      })
      return undefined
    }
    const listener = new MetricsListener(server)
    log.info('metrics are served', { url: listener.url })
    return listener
  }

  /** URL that it listens on. */
  get url(): string {
    const at = this.#server.address()
    if (at === null || typeof at === 'string') throw new Error('the metrics listener has no address')
    return `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}
