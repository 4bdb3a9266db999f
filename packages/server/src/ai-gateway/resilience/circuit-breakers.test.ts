import { afterAll, beforeAll, expect, it } from 'vitest'

import type { User } from '@slipway/contract'
import { says } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'
import { CircuitBreakers, type Outcome } from './circuit-breakers.ts'

const circuit = { provider: 'p', route: '/v1/messages', model: 'm' }
let now = 0

function breakers(enabled = true): CircuitBreakers {
  const settings = { enabled, failureThreshold: 2, interval: 10_000, timeout: 30_000, maxRequests: 2 }
  return new CircuitBreakers(settings, () => now)
}
const fails = (all: CircuitBreakers, ...outcomes: Outcome[]): void => {
  for (const outcome of outcomes) all.enter(circuit)(outcome)
}
const isOpen = (all: CircuitBreakers, of = circuit): boolean => {
  try {
    all.enter(of)('unknown')
    return false
  } catch {
    return true
  }
}

it('AG-59: failures in a row open it, for this provider, route and model alone', () => {
  const all = breakers()
  fails(all, 'failure', 'success', 'failure', 'unknown')
  expect(isOpen(all)).toBe(false)
  fails(all, 'failure')
  expect(isOpen(all)).toBe(true)
  for (const other of [{ provider: 'q' }, { route: '/v1/responses' }, { model: 'n' }])
    expect(isOpen(all, { ...circuit, ...other })).toBe(false)
  const off = breakers(false)
  fails(off, 'failure', 'failure', 'failure')
  expect(isOpen(off)).toBe(false)
})

it('AG-59: failures count for the interval', () => {
  const all = breakers()
  fails(all, 'failure')
  now += 10_000
  fails(all, 'failure')
  expect(isOpen(all)).toBe(false)
})

it('AG-59: a clock that is set back keeps it open for no longer', () => {
  const all = breakers()
  fails(all, 'failure', 'failure')
  now -= 3_600_000
  expect(isOpen(all)).toBe(false)
})

it('AG-59: after the timeout so many may try, and one failure opens it again', () => {
  const all = breakers()
  const late = all.enter(circuit)
  fails(all, 'failure', 'failure')
  now += 29_999
  expect(isOpen(all)).toBe(true)
  now += 1
  const first = all.enter(circuit)
  const second = all.enter(circuit)
  expect(isOpen(all)).toBe(true)
  // Whose client leaves has tried nothing.
  second('unknown')
  // Nor does an answer to what was asked long ago count.
  late('failure')
  first('success')
  all.enter(circuit)('failure')
  expect(isOpen(all)).toBe(true)
  now += 30_000
  fails(all, 'success', 'success')
  fails(all, 'failure')
  expect(isOpen(all)).toBe(false)
})

const CIRCUIT_OPEN = expect.stringContaining('circuit_open')

let world: GatewayWorld
let user: User

beforeAll(async () => {
  world = await GatewayWorld.start({
    CODER_AI_GATEWAY_CIRCUIT_BREAKER_ENABLED: 'true',
    CODER_AI_GATEWAY_CIRCUIT_BREAKER_FAILURE_THRESHOLD: '2',
    CODER_AI_GATEWAY_CIRCUIT_BREAKER_MAX_REQUESTS: '1',
  })
  user = await world.account(await world.server.user('asker'))
})
afterAll(() => world[Symbol.asyncDispose]())

it('AG-61: a provider that fails is left alone for a while, and the request is recorded', async () => {
  const { name } = await world.provider()
  const ask = (model: string) =>
    world.ask({ ownerId: user.id, provider: name }, '/v1/chat/completions', { model, messages: [] })
  world.upstream.answer = () => ({ status: 429 })
  await ask('a')
  world.clock.advance(61_000)
  world.upstream.answer = () => ({ status: 503 })
  for (const _ of [1, 2]) expect(await (await ask('a')).text()).not.toContain('circuit')
  const before = world.upstream.requests.length
  const refused = await ask('a')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30'])
  expect(await refused.json()).toMatchObject({
    type: 'error',
    error: { type: 'overloaded_error', code: 'circuit_open', message: 'circuit breaker is open' },
  })
  expect(world.upstream.requests).toHaveLength(before)
  expect((await world.records(user.id)).interceptions.at(-1)).toMatchObject({ error_type: 'server_error' })
  world.upstream.answer = () => says('Hi')
  expect((await ask('b')).status).toBe(200)
  world.clock.advance(30_000)
  expect((await ask('a')).status).toBe(200)
  expect((await ask('a')).status).toBe(200)
})

it.each([
  ['openai', '/v1/chat/completions', [500, 502, 503, 504, 529], [400, 408, 429]],
  ['anthropic', '/v1/messages', [500, 529], [429]],
] as const)(
  'AG-60: each 5xx of %s is a failure, and nothing else is',
  async (type, path, failures, answers) => {
    const base = type === 'openai' ? `${world.upstream.url}/v1` : world.upstream.url
    const third = async (status: number) => {
      const { name } = await world.provider({ type, base_url: base })
      world.upstream.answer = () => ({ status })
      const ask = async (): Promise<string> =>
        (await world.ask({ ownerId: user.id, provider: name }, path, { model: 'a', messages: [] })).text()
      await ask()
      await ask()
      return ask()
    }
    for (const status of failures) expect([status, await third(status)]).toEqual([status, CIRCUIT_OPEN])
    for (const status of answers) expect([status, await third(status)]).not.toEqual([status, CIRCUIT_OPEN])
  },
)

it('AG-60: what is only relayed is asked however often it fails', async () => {
  const { name } = await world.provider()
  world.upstream.answer = () => ({ status: 503 })
  const before = world.upstream.requests.length
  const key = world.owner.headers['Coder-Session-Token']
  for (const _ of [1, 2, 3]) {
    const response = await fetch(`${world.server.url}/api/v2/ai-gateway/${name}/v1/models`, {
      headers: { authorization: `Bearer ${key}` },
    })
    expect([response.status, await response.text()]).toEqual([503, expect.not.stringContaining('circuit')])
  }
  expect(world.upstream.requests).toHaveLength(before + 3)
})

it('AG-62: a provider that cannot be reached fails as well', async () => {
  const { name } = await world.provider({ base_url: 'http://127.0.0.1:9/v1' })
  const ask = async () =>
    (
      await world.gateway.fetchFor({ ownerId: user.id, provider: name })(
        'http://127.0.0.1:9/v1/chat/completions',
        { method: 'POST', body: '{"model":"a"}' },
      )
    ).status
  expect([await ask(), await ask(), await ask()]).toEqual([502, 502, 503])
})
