import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

import { createToken, type User } from '@slipway/contract'
import { says, type Turn } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

let world: GatewayWorld
let user: User
let token: string

beforeAll(async () => {
  world = await GatewayWorld.start()
  const client = await world.server.user('asker')
  user = await world.account(client)
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  await world.provider({ name: 'openai' })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => {
  world.upstream.answer = () => undefined
})

/** Asks with a key of one's own. */
const ask = (init: RequestInit = {}): Promise<Response> =>
  fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-coder-ai-governance-token': token,
      authorization: 'Bearer sk-of-my-own-1234',
    },
    body: JSON.stringify({ model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }),
    ...init,
  })
const soon = (status: number, headers: Record<string, string> = {}): Turn => ({
  status,
  headers: { 'retry-after-ms': '1', ...headers },
})
/** Plays these, and gives the status and how many requests it took. */
async function play(...turns: Turn[]): Promise<[status: number, requests: number]> {
  const from = world.upstream.requests.length
  world.upstream.answer = () => turns.shift()
  const response = await ask()
  await response.text()
  return [response.status, world.upstream.requests.length - from]
}

it.each([408, 409, 429, 500, 503])(
  'AG-55: a %i without a pool of keys is tried again, twice at most',
  async (status) => {
    expect(await play(soon(status), soon(status), says('Hi'))).toEqual([200, 3])
    expect(await play(soon(status), soon(status), soon(status), says('Hi'))).toEqual([status, 3])
  },
)

it('AG-55: what would be the same again is not', async () => {
  for (const status of [400, 401, 403, 404, 422])
    expect(await play(soon(status), says('Hi'))).toEqual([status, 1])
})

it('AG-55: the provider may say whether that helps', async () => {
  expect(await play(soon(503, { 'x-should-retry': 'false' }), says('Hi'))).toEqual([503, 1])
  expect(await play(soon(400, { 'x-should-retry': 'true' }), says('Hi'))).toEqual([200, 2])
})

it('AG-55: who is asked to wait for longer than 8 s is told so', async () => {
  const answers: Turn[] = [{ status: 429, headers: { 'retry-after': '9' } }, says('Hi')]
  world.upstream.answer = () => answers.shift()
  const response = await ask()
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '9'])
})

it('AG-55: a connection that fails is tried again after half a second, while the client is there', async () => {
  const began = performance.now()
  expect(await play({ connection: 'reset' }, says('Hi'))).toEqual([200, 2])
  expect(performance.now() - began).toBeGreaterThan(370)
  const from = world.upstream.requests.length
  world.upstream.answer = () => ({ status: 503, headers: { 'retry-after': '8' } })
  const client = new AbortController()
  const asked = ask({ signal: client.signal })
  await world.upstream.nextRequest((request) => world.upstream.requests.indexOf(request) === from)
  client.abort()
  await expect(asked).rejects.toThrow()
  await expect
    .poll(async () => (await world.records(user.id)).interceptions.at(-1)?.error_message)
    .toBe('the client ended the request')
  expect(world.upstream.requests).toHaveLength(from + 1)
})

it('AG-51: what has begun is not tried again', async () => {
  const from = world.upstream.requests.length
  world.upstream.answer = () => ({ steps: ['one', { cut: 'reset' }] })
  const response = await ask({
    body: JSON.stringify({ model: 'gpt-test', stream: true, messages: [] }),
  })
  expect(await response.text()).toContain('upstream_disconnected')
  expect(world.upstream.requests).toHaveLength(from + 1)
})

it('AG-55: with a pool of keys only another key is tried', async () => {
  const from = world.upstream.requests.length
  world.upstream.answer = () => soon(503)
  const response = await ask({
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  })
  expect(response.status).toBe(503)
  expect(world.upstream.requests).toHaveLength(from + 1)
})

it('AG-99: nor is a key shown where a provider repeats it, neither to the client nor in the record or the log', async () => {
  const key = 'sk-of/the+deployment=1'
  await world.provider({ name: 'escaping', api_keys: [key] })
  const asJson = key.replace('/', '\\/').replace('+', '\\u002b').replace('=', '\\u003D')
  const stars = '*'.repeat(asJson.length)
  const request = (path: string, stream: boolean, headers: Record<string, string>) =>
    fetch(`${world.server.url}/api/v2/ai-gateway/escaping/v1/${path}`, {
      method: path === 'models' ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      ...(path === 'models' ? {} : { body: JSON.stringify({ model: 'gpt-test', stream, messages: [] }) }),
    })
  const byKey = { authorization: `Bearer ${token}` }
  const recorded = async () => (await world.records(user.id)).interceptions.at(-1)
  for (const status of [400, 403]) {
    world.upstream.answer = () => ({ status, body: `{"error":{"message":"${asJson} may not."}}` })
    for (const path of ['chat/completions', 'responses', 'models']) {
      const response = await request(path, false, byKey)
      expect([response.status, await response.text()]).toEqual([
        status,
        `{"error":{"message":"${stars} may not."}}`,
      ])
    }
    expect(await recorded()).toMatchObject({ error_message: `${stars} may not.` })
  }
  // AG-51: in the middle of a stream.
  const begun = 'data: {"type":"response.created","response":{"id":"r"}}\n\n'
  world.upstream.answer = () => ({
    status: 200,
    headers: { 'Content-Type': 'text/event-stream' },
    body: `${begun}data: {"type":"error","message":"${asJson} may not."}\n\n`,
  })
  expect(await (await request('responses', true, byKey)).text()).toBe(
    `${begun}data: {"type":"error","message":"${stars} may not."}\n\n`,
  )
  await expect.poll(async () => (await recorded())?.error_message).toBe(`${stars} may not.`)
  // A key that users bring is for auditors as little.
  world.upstream.answer = ({ key: own = '' }) => ({ status: 403, message: `${own} may not.` })
  await (
    await request('chat/completions', false, {
      'x-coder-ai-governance-token': token,
      authorization: 'Bearer sk-of-my-own-1234',
    })
  ).text()
  expect((await recorded())?.error_message).toBe(`${'*'.repeat('sk-of-my-own-1234'.length)} may not.`)
})
