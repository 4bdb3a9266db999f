import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

import { createToken, type User } from '@slipway/contract'
import { says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

const CHAT = '/openai/v1/chat/completions'
const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }

let world: GatewayWorld
let user: User
let token: string

beforeAll(async () => {
  world = await GatewayWorld.start({
    CODER_AI_GATEWAY_MAX_CONCURRENCY: '2',
    CODER_AI_GATEWAY_SEND_ACTOR_HEADERS: 'true',
  })
  const client = await world.server.user('asker')
  user = await world.account(client)
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  await world.provider({ name: 'openai' })
  await world.provider({ name: 'anthropic', type: 'anthropic', base_url: world.upstream.url })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => {
  world.upstream.answer = () => undefined
})

async function ask(path: string, body?: unknown, headers: Record<string, string> = bearer()) {
  const response = await fetch(`${world.server.url}/api/v2/ai-gateway${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const bearer = () => ({ authorization: `Bearer ${token}` })

it('AG-8: whoever may not ask is not listened to, however long the body is', async () => {
  const body = 'x'.repeat(33 * 1024 * 1024)
  expect(await ask(CHAT, body, {})).toMatchObject({ status: 400 })
  expect(await ask(CHAT, body, { authorization: 'Bearer nonsense' })).toMatchObject({ status: 403 })
})

it.each([
  ['x-coder-ai-governance-token and Authorization', '/openai/v1/models', ['authorization']],
  ['x-coder-ai-governance-token and X-Api-Key', '/anthropic/v1/models', ['x-api-key']],
  ['both', '/anthropic/v1/models', ['x-api-key', 'authorization']],
] as const)('AG-13: a token in %s is no key of the provider', async (_, path, names) => {
  const headers: Record<string, string> = { 'x-coder-ai-governance-token': token, 'x-other': `key ${token}` }
  for (const name of names) headers[name] = name === 'authorization' ? `Bearer ${token}` : token
  const { status } = await ask(`${path}?key=${token}&x=1`, undefined, headers)
  expect(status).toBe(200)
  const request = world.upstream.requests.at(-1)
  expect(request?.key).toBe('sk-of-the-deployment-1')
  expect(request?.path).toBe('/v1/models?x=1')
  expect(JSON.stringify(request?.headers)).not.toContain(token)
})

it('AG-16: providers learn who asks where it is recorded, and from nobody but us', async () => {
  world.upstream.play(says('Hi'))
  await ask(CHAT, hello, { ...bearer(), 'x-ai-bridge-actor-id': 'x' })
  expect(world.upstream.requests.at(-1)?.headers).toMatchObject({
    'x-ai-bridge-actor-id': user.id,
    'x-ai-bridge-actor-metadata-username': 'asker',
  })
  await ask('/openai/v1/models', undefined, { ...bearer(), 'x-ai-bridge-actor-id': 'x' })
  expect(world.upstream.requests.at(-1)?.headers).not.toHaveProperty('x-ai-bridge-actor-id')
})

it('AG-78: text that no database holds is no reason not to answer', async () => {
  world.upstream.play(says('Hi'), says('Hi'))
  const odd = '"\\ud800\\u0000x"'
  const chat = await ask(CHAT, `{"model":${odd},"messages":[{"role":"tool","tool_call_id":${odd}}]}`)
  expect(chat.status).toBe(200)
  const { status } = await ask(
    '/anthropic/v1/messages',
    `{"model":"m","max_tokens":1,"messages":[],"metadata":{"user_id":"_session_\\ud800\\u0000x"}}`,
    { ...bearer(), 'user-agent': 'claude-cli/2' },
  )
  expect(status).toBe(200)
  const { interceptions } = await world.records(user.id)
  expect(interceptions.at(-1)).toMatchObject({ client: 'Claude Code', client_session_id: '\ufffdx' })
})

it('AG-54: a key that is limited for no time at all is not one that was refused', async () => {
  const { name } = await world.provider()
  world.upstream.answer = () => ({ status: 429, headers: { 'Retry-After': '0' } })
  const { status, headers } = await ask(`/${name}/v1/chat/completions`, hello)
  expect([status, headers.get('retry-after')]).toEqual([429, '0'])
})

it('AG-19: a provider that cannot be reached, behind a path that is relayed only', async () => {
  const { name } = await world.provider({ base_url: 'http://127.0.0.1:9/v1' })
  const { status, text } = await ask(`/${name}/v1/models`)
  expect([status, JSON.parse(text).message]).toEqual([502, 'upstream proxy error'])
})

it('AG §4: an own key is refused with the reason, where none may be brought', async () => {
  await using strict = await GatewayWorld.start({ CODER_AI_GATEWAY_ALLOW_BYOK: 'false' })
  const response = await fetch(`${strict.server.url}/api/v2/ai-gateway${CHAT}`, {
    method: 'POST',
    headers: { 'x-coder-ai-governance-token': 'x' },
  })
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({
    message: 'Bring Your Own Key (BYOK) mode is not enabled.',
    detail: 'Contact your administrator to enable it with --ai-gateway-allow-byok.',
  })
})

it('AG-64: requests that wait in a connection behind others give their places back with it', async () => {
  world.upstream.answer = ({ kind }) => (kind === 'models' ? undefined : { steps: ['one ', { stall: true }] })
  const before = world.upstream.requests.length
  const body = JSON.stringify({ ...hello, stream: true })
  const request = `POST /api/v2/ai-gateway${CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(world.server.url).port) })
  socket.on('error', () => undefined)
  socket.write(request + request)
  await until('both to be asked', () => world.upstream.requests.length === before + 2)
  expect((await ask('/openai/v1/models')).status).toBe(503)
  socket.destroy()
  await until('a place to be free', async () => (await ask('/openai/v1/models')).status === 200)
  // With one place taken the other one is free as well.
  const left = new AbortController()
  const open = await fetch(`${world.server.url}/api/v2/ai-gateway${CHAT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer() },
    body,
    signal: left.signal,
  })
  expect(open.status).toBe(200)
  expect((await ask('/openai/v1/models')).status).toBe(200)
  left.abort()
  await until('all to have been ended', async () =>
    (await world.records(user.id)).interceptions.every((row) => row.ended_at !== null),
  )
})

it('AG-B6: what a provider sends is relayed as far as it can be, and speaks for nobody else', async () => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeEarlyHints({ link: '</x>; rel=preload' })
    response.socket?.end(
      'HTTP/1.1 400 Odd\r\nX-Request-Id: r-1\r\nX-Odd: \u2603\r\nClear-Site-Data: "*"\r\nSet-Cookie: a=b\r\n' +
        'Retry-After-Ms: 1500\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n',
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const { name } = await world.provider({ base_url: `http://127.0.0.1:${port}/v1` })
    for (const answer of [
      await ask(`/${name}/v1/chat/completions`, hello),
      await ask(`/${name}/v1/models`),
    ]) {
      expect([answer.status, answer.text]).toEqual([400, '{}'])
      expect(answer.headers.get('x-request-id')).toBe('r-1')
      expect(answer.headers.get('retry-after')).toBe('2')
      for (const kept of ['clear-site-data', 'set-cookie', 'trailer'])
        expect(answer.headers.get(kept)).toBeNull()
    }
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
