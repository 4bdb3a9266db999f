// A server of Node alone that answers POST with a session and GET with events that never end: the baseline of open streams.
import { createServer } from 'node:http'

const open = new Set()
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    open.add(response)
    response.on('close', () => open.delete(response))
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.flushHeaders()
    return
  }
  request.resume().on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Mcp-Session-Id': crypto.randomUUID() })
    response.end('{}')
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}`)
})
