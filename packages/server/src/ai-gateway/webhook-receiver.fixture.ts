import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request to a webhook. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly raw: string
  readonly body: Record<string, unknown>
}

/** A service that webhooks are sent to. */
export class WebhookReceiver implements AsyncDisposable {
  readonly url: string
  readonly received: Received[] = []
  /** What it answers; never does so where this never resolves. */
  answer: (request: Received) => Promise<{ readonly status: number; readonly body?: unknown }> =
    async () => ({
      status: 200,
    })
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    server.on('request', async (request, response) => {
      const raw = await text(request)
      const { method = '', url: path = '', headers } = request
      const received = { method, path, headers, raw, body: JSON.parse(raw) }
      this.received.push(received)
      const { status, body } = await this.answer(received)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}))
    })
  }

  static async start(): Promise<WebhookReceiver> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new WebhookReceiver(server)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
