import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** An HTTP server that answers everything like this. */
export async function answering(
  answer: Parameters<typeof createServer>[1] & object,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An MCP server that answers these methods by hand, and a request for a stream like this. */
export function speaking(
  methods: Readonly<Record<string, () => Promise<unknown>>>,
  stream: (response: ServerResponse) => void = (response) => void response.writeHead(405).end(),
): ReturnType<typeof answering> {
  const all: Readonly<Record<string, () => Promise<unknown>>> = {
    initialize: async () => ({
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'by hand', version: '1' },
    }),
    ...methods,
  }
  return answering((request, response) => {
    if (request.method === 'GET') return stream(response)
    void json(request).then(async (message) => {
      const { id, method } = Object(message)
      if (id === undefined) return response.writeHead(202).end()
      const answer = all[method]
      const body =
        answer === undefined
          ? { error: { code: -32_601, message: 'Method not found' } }
          : { result: await answer() }
      response.setHeader('Content-Type', 'application/json')
      return response.end(JSON.stringify({ jsonrpc: '2.0', id, ...body }))
    })
  })
}
