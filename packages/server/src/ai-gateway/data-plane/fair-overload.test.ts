import { once } from 'node:events'
import { connect } from 'node:net'

import { afterEach, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken, type UpdateAIGatewaySettingsRequest, updateAIGatewaySettings } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { Gate, says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

let world: GatewayWorld
afterEach(() => world[Symbol.asyncDispose]())

async function start(env: Record<string, string> = {}): Promise<void> {
  world = await GatewayWorld.start(env)
  await world.provider({ name: 'openai' })
  world.upstream.answer = ({ text }) =>
    text.includes('stall') ? { steps: ['one ', { stall: true }] } : says('Hi')
}

const tokenOf = async (client: Client): Promise<string> =>
  (await client.call(createToken, { params: { user: 'me' }, body: {} })).key

const ask = (token: string, content = 'Say hi', signal?: AbortSignal): Promise<Response> =>
  fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content }] }),
    ...(signal === undefined ? {} : { signal }),
  })
const models = (token: string): Promise<Response> =>
  fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/models`, {
    headers: { authorization: `Bearer ${token}` },
  })
const statusOf = async (asked: Promise<Response>): Promise<number> => {
  const response = await asked
  await response.text()
  return response.status
}
const set = (body: UpdateAIGatewaySettingsRequest) => world.owner.call(updateAIGatewaySettings, { body })
/** A value of a metric of the server; undefined while it is not there. */
const metric = async (name: string): Promise<number | undefined> => {
  const response = await fetch(`${world.server.url}/api/v2/debug/metrics`, { headers: world.owner.headers })
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

it('AG-B13: a user has so many requests at once, and others are not concerned', async () => {
  await start()
  const [first, second] = [await world.server.user('first'), await world.server.user('second')]
  const tokens = [await tokenOf(first), await tokenOf(first)] as const
  await set({ max_concurrency_per_user: 1 })
  const open = new AbortController()
  await ask(tokens[0], 'stall', open.signal)
  // AG-69: whichever token the user asks with.
  const refused = await until('the limit to hold', async () => {
    const response = await ask(tokens[1])
    const text = await response.text()
    return response.status === 503 ? { response, text } : undefined
  })
  expect(refused.response.headers.get('retry-after')).toBe('1')
  expect(JSON.parse(refused.text)).toMatchObject({
    message: 'You have too many requests under way. Please try again later.',
    error: { code: 'gateway_at_capacity', type: 'overloaded_error' },
  })
  expect(await statusOf(ask(await tokenOf(second)))).toBe(200)
  open.abort()
  await until('the place to be free', async () => (await statusOf(ask(tokens[0]))) === 200)
})

it('AG-B13: requests wait for a place before they are refused, and the refusal says when to come back', async () => {
  await start({ CODER_AI_GATEWAY_MAX_CONCURRENCY: '1' })
  const token = await tokenOf(world.owner)
  const open = new AbortController()
  await ask(token, 'stall', open.signal)
  const full = await ask(token)
  expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await full.json()).toMatchObject({
    message: 'AI Bridge is currently at capacity. Please try again later.',
  })
  await set({ queue_length: 1, queue_timeout_ms: 60_000 })
  const name = 'coder_ai_gateway_overload_waiting{limit="concurrency"}'
  let waiting: Promise<number> | undefined
  await until('one to wait', async () => {
    waiting ??= statusOf(ask(token)).then((status) => {
      if (status !== 200) waiting = undefined
      return status
    })
    return (await metric(name)) === 1
  })
  expect(await statusOf(ask(token))).toBe(503)
  open.abort()
  expect(await waiting).toBe(200)
  expect(await metric(name)).toBe(0)
  expect(await metric('coder_ai_gateway_overload_waits_total{limit="concurrency",outcome="admitted"}')).toBe(
    1,
  )
  expect(await metric('coder_ai_gateway_overload_rejections_total{limit="concurrency"}')).toBeGreaterThan(1)
})

it('AG-B13: what is only relayed counts towards the rate, unless it is set otherwise (ID-219)', async () => {
  for (const counts of [true, false]) {
    await start({
      CODER_AI_GATEWAY_RATE_LIMIT: '1',
      ...(counts ? {} : { CODER_AIBRIDGE_RATE_LIMIT_PASSTHROUGH: 'false' }),
    })
    const token = await tokenOf(world.owner)
    const burst = await Promise.all(Array.from({ length: 5 }, () => statusOf(models(token))))
    expect(burst.filter((status) => status === 200).length === 5).toBe(!counts)
    const asked = await Promise.all(Array.from({ length: 5 }, () => statusOf(ask(token))))
    expect(asked).toContain(429)
    if (counts) await world[Symbol.asyncDispose]()
  }
})

it('AG-58: a server that stops lets requests under way end, and those that wait go', async () => {
  await start({ CODER_AI_GATEWAY_MAX_CONCURRENCY: '1' })
  await set({ queue_length: 5, queue_timeout_ms: 60_000 })
  const token = await tokenOf(world.owner)
  const gate = new Gate()
  world.upstream.answer = () => ({ steps: ['one ', { wait: gate.opened }, 'two'] })
  const open = await ask(token)
  const waiting = ask(token)
  const name = 'coder_ai_gateway_overload_waiting{limit="concurrency"}'
  await until('one to wait', async () => (await metric(name)) === 1)
  const stopped = world.server.stop()
  const refused = await waiting
  expect([refused.status, await refused.json()]).toMatchObject([500, { message: 'server closed' }])
  gate.open()
  const text = await open.text()
  expect(text).toContain('two')
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  await stopped
})

it('AG-58: what does not end until the deadline is cut off, at the provider too', async () => {
  await start()
  const open = await ask(await tokenOf(world.owner), 'stall')
  const request = await until('the request', () => world.upstream.requests.at(-1))
  const ended = open.text().then(
    () => 'ended',
    () => 'cut',
  )
  await world.server.stop()
  expect(await ended).toBe('cut')
  expect(await request.ended()).toBe('aborted')
})

it('AG-6, AG-58: where the gateway is off, its paths say so; a connection without a request holds no end up', async () => {
  const lines: string[] = []
  const log = createLogger({ level: 'warn', sink: { write: (line) => void lines.push(line) } })
  world = await GatewayWorld.start({ CODER_AI_GATEWAY_ENABLED: 'false' }, log)
  const response = await fetch(`${world.server.url}/api/v2/ai-gateway/openai/v1/chat/completions`, {
    method: 'POST',
    body: '{}',
  })
  expect(response.status).toBe(403)
  expect(await response.text()).toContain('--ai-gateway-enabled')
  const ahead = connect(Number(new URL(world.server.url).port), '127.0.0.1')
  await once(ahead, 'connect')
  await world.server.stop()
  expect(lines.join('')).not.toContain('did not finish in time')
})
