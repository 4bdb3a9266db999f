// The least that stands between a client and a provider: each request is sent on by undici, and its answer piped back.
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { Agent, request } from 'undici'

const [upstream = ''] = process.argv.slice(2)
const dispatcher = new Agent({ pipelining: 1 })

const server = createServer((incoming, outgoing) => {
  const { host: _host, connection: _connection, 'content-length': _length, ...headers } = incoming.headers
  const forward = async (): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const answer = await request(`${upstream}${incoming.url ?? ''}`, {
      dispatcher,
      method: 'POST',
      headers: { ...headers, authorization: 'Bearer sk-bench' },
      body: Buffer.concat(chunks),
    })
    const { connection: _own, 'keep-alive': _alive, 'transfer-encoding': _framing, ...kept } = answer.headers
    outgoing.writeHead(answer.statusCode, kept)
    await pipeline(answer.body, outgoing)
  }
  forward().catch(() => outgoing.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) console.log(`http://127.0.0.1:${address.port}`)
})
process.once('SIGTERM', () => process.exit(0))
