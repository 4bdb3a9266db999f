import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

import type { Client } from '@slipway/client'

/** What runs in the workspace: tells what it was asked, streams, and echoes WebSocket messages. */
const SERVER = (port: number): string => `
const http = require('node:http'), { createHash } = require('node:crypto')
const server = http.createServer((request, response) => {
  if (request.url.startsWith('/stream')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: first\\n\\n')
    request.on('close', () => response.end())
    return
  }
  if (request.url.startsWith('/cut')) {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('half')
    setTimeout(() => request.socket.destroy(), 50)
    return
  }
  let body = ''
  request.on('data', (chunk) => { body += chunk })
  request.on('end', () => {
    response.writeHead(200, {
      'content-type': 'application/json', 'set-cookie': ['own=1', 'other=2'],
      'access-control-allow-origin': '*', vary: 'Origin, Accept',
    })
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }))
  })
})
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n')
  socket.on('data', (frame) => {
    const length = frame[1] & 127, mask = frame.subarray(2, 6)
    const payload = Buffer.from(frame.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]))
    if ((frame[0] & 15) === 1) socket.write(Buffer.concat([Buffer.from([129, length]), payload]))
    else socket.end()
  })
  socket.on('error', () => socket.destroy())
})
server.listen(${port}, '127.0.0.1')
`

/** A template whose workspace serves that program under several apps. */
export const templateFile = (port: number): string => `
import { defineTemplate, local } from '@slipway/template'
const app = (slug: string, share: 'owner' | 'organization' | 'authenticated' | 'public', path = '') =>
  ({ slug, displayName: slug, url: 'http://localhost:${port}' + path, share, subdomain: true })
export default defineTemplate({
  workspace: () => ({
    runtime: local(),
    agents: [{
      name: 'Main',
      startupScript: ${JSON.stringify(`cat > "$HOME/server.cjs" <<'END'\n${SERVER(port)}\nEND\nnohup ${process.execPath} "$HOME/server.cjs" > "$HOME/server.log" 2>&1 &`)},
      apps: [
        app('mine', 'owner'), app('ours', 'organization'), app('known', 'authenticated'), app('all', 'public'),
        app('query', 'owner', '/?folder=%2Fhome'), app('below', 'owner', '/base'),
        { slug: 'silent', displayName: 'silent', url: 'http://localhost:1', share: 'owner' as const },
      ],
    }],
  }),
})
`

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Who asks, for which host, and how. */
export interface Asked {
  readonly as?: Client
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
  readonly body?: string
}

/** Asks a server at the address that is known once it runs. */
export function visitor(address: () => string): {
  readonly open: (url: string, asked?: Asked) => Promise<IncomingMessage>
  readonly ask: (url: string, asked?: Asked) => Promise<Answer>
} {
  return {
    open: (url, asked) => open(address(), url, asked),
    ask: async (url, asked) => {
      const response = await open(address(), url, asked)
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: await text(response).catch(() => '(cut)'),
      }
    },
  }
}

async function open(server: string, url: string, asked: Asked = {}): Promise<IncomingMessage> {
  const { hostname, port: serverPort } = new URL(server)
  const sent = httpRequest({
    hostname,
    port: serverPort,
    path: url,
    method: asked.method ?? 'GET',
    headers: {
      ...(asked.as === undefined ? {} : asked.as.headers),
      ...(asked.host === undefined ? {} : { Host: asked.host }),
      ...asked.headers,
    },
  })
  sent.end(asked.body)
  const [response] = await once(sent, 'response')
  return response
}
