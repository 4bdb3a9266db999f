import { request } from 'node:http'

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createWorkspace, getWorkspace } from '@slipway/contract'
import { freePort, importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'

/** What an app answers, by path, to a request that asks for nothing of the kind. */
const ANSWERS = {
  '/switches': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello',
  '/below': 'HTTP/1.1 099 Strange\r\nContent-Length: 0\r\n\r\n',
  '/above': 'HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n',
  '/header': 'HTTP/1.1 200 OK\r\nX-Bell: a\x07b\r\nContent-Length: 0\r\n\r\n',
  '/twice': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc',
  '/noise': 'SSH-2.0-no-web-server\r\n',
  '/nothing': '',
}

const APP = (port: number): string => `
const answers = ${JSON.stringify(ANSWERS)}
require('node:net').createServer((socket) => {
  socket.on('error', () => socket.destroy())
  socket.once('data', (head) => socket.end(answers[String(head).split(' ')[1]] ?? 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nOK', 'latin1'))
}).listen(${port}, '127.0.0.1')
`

let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  const port = await freePort()
  const template = await importTemplate(owner, 'hostile', {
    'template.ts': `
      import { defineTemplate, local } from '@slipway/template'
      export default defineTemplate({
        workspace: () => ({
          runtime: local(),
          agents: [{
            name: 'main',
            startupScript: ${JSON.stringify(`cat > "$HOME/app.cjs" <<'END'\n${APP(port)}\nEND\nnohup ${process.execPath} "$HOME/app.cjs" > /dev/null 2>&1 &`)},
            apps: [{ slug: 'app', displayName: 'app', url: 'http://localhost:${port}', share: 'owner' as const }],
          }],
        }),
      })`,
  })
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  await until('the agent', async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
    return latest_build.resources[0]?.agents?.[0]?.lifecycle_state === 'ready'
  })
  await until('the app', async () => (await ask('/fine')) === 200)
})
afterAll(() => server[Symbol.asyncDispose]())

/** Status of the app's answer; 0 when the connection was cut. */
function ask(path: string): Promise<number> {
  return new Promise((resolve) => {
    request(`${server.url}/@owner/dev.main/apps/app${path}`, { headers: owner.headers })
      .on('response', (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      .on('error', () => resolve(0))
      .end()
  })
}

it.each(Object.keys(ANSWERS))('ID-119: an app that answers %s breaks its own answer only', async (path) => {
  const status = await ask(path)
  expect(status === 502 || (path === '/above' && status === 999), `status ${status}`).toBe(true)
  expect(await ask('/fine')).toBe(200)
})
