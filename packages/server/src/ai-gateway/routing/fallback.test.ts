import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type AIProvider,
  type CreateAIProviderRequest,
  putUserAIProviderKey,
  type UpdateAIProviderRoutingRequest,
  type User,
  updateAIProviderRouting,
  upsertGroupAIModelPolicy,
} from '@slipway/contract'
import { FakeModelProvider, says, type Turn } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

let world: GatewayWorld
let second: FakeModelProvider
let client: Client
let user: User
let serial = 0

beforeAll(async () => {
  world = await GatewayWorld.start({
    CODER_AI_GATEWAY_CIRCUIT_BREAKER_ENABLED: 'true',
    CODER_AI_GATEWAY_CIRCUIT_BREAKER_FAILURE_THRESHOLD: '2',
  })
  second = await FakeModelProvider.start()
})
afterAll(async () => {
  await second[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})
beforeEach(async () => {
  serial += 1
  client = await world.server.user(`user${serial}`)
  user = await world.account(client)
  world.upstream.answer = () => undefined
  second.answer = () => says('From the second')
})

const named = () => `p-${randomUUID().slice(0, 8)}`
const atSecond = (given: CreateAIProviderRequest = {}) =>
  world.provider({ name: named(), base_url: `${second.url}/v1`, api_keys: ['sk-of-the-second-1'], ...given })

/** Sets by which way requests to a provider go, for the gateway of the tests. */
async function route(provider: AIProvider, body: UpdateAIProviderRoutingRequest): Promise<void> {
  await world.owner.call(updateAIProviderRouting, { params: { idOrName: provider.id }, body })
  await world.gateway.parts.governance.refresh()
}

const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }
const ask = (provider: AIProvider, body: unknown = hello, init: RequestInit = {}): Promise<Response> =>
  world.ask({ ownerId: user.id, provider: provider.name }, '/v1/chat/completions', body, init)
const lastRecord = async () => (await world.records(user.id)).interceptions.at(-1)

describe('AG-B10: fallbacks', () => {
  it.each([500, 502, 503, 529])('AG-B10: a %i before the first byte goes on to the next', async (status) => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, { fallbacks: [{ provider: other.name, models: { 'gpt-test': 'big-test' } }] })
    world.upstream.answer = () => ({ status })
    const from = second.requests.length
    const response = await ask(first, { temperature: 0.5, ...hello, seed: 1.0 })
    expect(await response.text()).toContain('From the second')
    // AG-20: nothing but the name of the model is another.
    expect(second.requests.slice(from).map(({ text, key, path }) => [text, key, path])).toEqual([
      [
        JSON.stringify({ temperature: 0.5, ...hello, seed: 1.0 }).replace('gpt-test', 'big-test'),
        'sk-of-the-second-1',
        '/v1/chat/completions',
      ],
    ])
    expect(await lastRecord()).toMatchObject({
      provider_name: other.name,
      model: 'big-test',
      error_type: null,
      metadata: {
        attempts: [
          { provider: first.name, model: 'gpt-test', error: String(status) },
          { provider: other.name, model: 'big-test' },
        ],
      },
    })
    expect(await world.context.metrics.metrics()).toContain(
      `coder_ai_gateway_provider_fallbacks_total{provider="${first.name}",fallback="${other.name}"} 1`,
    )
  })

  it.each(['refused', 'reset', 'silent', 'nothing behind its head'])(
    'AG-B10: so does a connection that is %s',
    async (how) => {
      const first = await world.provider(how === 'refused' ? { base_url: 'http://127.0.0.1:9/v1' } : {})
      const other = await atSecond()
      await route(first, { fallbacks: [{ provider: other.name }], first_byte_timeout_ms: 200 })
      if (how === 'reset') world.upstream.answer = () => ({ connection: 'reset' })
      if (how === 'silent') world.upstream.answer = () => ({ connection: 'silent' })
      if (how === 'nothing behind its head')
        world.upstream.answer = () => ({ ...says('never'), cutAfterEvents: 0 })
      const response = await world.gateway.fetchFor({ ownerId: user.id, provider: first.name })(
        `${first.base_url}/chat/completions`,
        { method: 'POST', body: JSON.stringify({ ...hello, stream: true }) },
      )
      expect(response.status).toBe(200)
      expect(await response.text()).toContain('From the second')
      expect((await lastRecord())?.metadata).toMatchObject({
        attempts: [{ error: how === 'silent' ? 'timeout' : 'upstream_unreachable' }, {}],
      })
    },
  )

  it('AG-B10: so do keys that are all limited, and an open breaker', async () => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, { fallbacks: [{ provider: other.name }] })
    world.upstream.answer = () => ({ status: 429, headers: { 'retry-after': '5' } })
    for (const error of ['429', 'rate_limit_exceeded']) {
      await (await ask(first)).text()
      expect((await lastRecord())?.metadata).toMatchObject({ attempts: [{ error }, {}] })
    }
    world.clock.advance(6_000)
    world.upstream.answer = () => ({ status: 503 })
    const from = world.upstream.requests.length
    for (const error of ['503', '503', 'circuit_open']) {
      await (await ask(first)).text()
      expect((await lastRecord())?.metadata).toMatchObject({ attempts: [{ error }, {}] })
    }
    expect(world.upstream.requests).toHaveLength(from + 2)
    const metrics = await world.context.metrics.metrics()
    const labels = `{provider="${first.name}",endpoint="/v1/chat/completions",model="gpt-test"}`
    for (const prefix of ['coder_ai_gateway', 'coder_aibridged']) {
      expect(metrics).toContain(`${prefix}_circuit_breaker_trips_total${labels} 1`)
      expect(metrics).toContain(`${prefix}_circuit_breaker_rejects_total${labels} 1`)
      expect(metrics).toContain(`${prefix}_circuit_breaker_state${labels} 1`)
    }
    world.clock.advance(30_000)
    expect(await world.context.metrics.metrics()).toContain(
      `coder_ai_gateway_circuit_breaker_state${labels} 0.5`,
    )
    world.upstream.answer = () => says('Hi')
    for (const _ of [1, 2, 3]) expect(await (await ask(first)).text()).toContain('Hi')
    expect(await world.context.metrics.metrics()).toContain(
      `coder_ai_gateway_circuit_breaker_state${labels} 0\n`,
    )
  })

  it('AG-B10, AG-81: metrics and the hint of the key are those of the provider that was asked last', async () => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, { fallbacks: [{ provider: other.name, models: { 'gpt-test': 'big-test' } }] })
    world.upstream.answer = () => ({ status: 500 })
    await (await ask(first)).text()
    expect(await lastRecord()).toMatchObject({ credential_hint: 'sk...-1' })
    second.answer = () => ({ connection: 'reset' })
    await (await ask(first)).text()
    expect(await lastRecord()).toMatchObject({
      provider_name: other.name,
      error_type: 'server_error',
      credential_hint: '<failover key>',
    })
    const metrics = await world.context.metrics.metrics()
    expect(metrics).not.toMatch(new RegExp(`ai_gateway_interceptions_total\\{provider="${first.name}"`))
    for (const status of ['completed', 'failed'])
      expect(metrics).toContain(
        `ai_gateway_interceptions_total{provider="${other.name}",model="big-test",status="${status}",`,
      )
    expect(metrics).toContain(
      `ai_gateway_interceptions_duration_seconds_count{provider="${other.name}",model="big-test"} 2`,
    )
    expect(metrics).toMatch(
      new RegExp(`ai_gateway_interceptions_inflight\\{provider="${first.name}",model="gpt-test",[^}]*\\} 0`),
    )
  })

  it.each([400, 401, 403, 404, 408])('AG-B10: a %i is an answer', async (status) => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, { fallbacks: [{ provider: other.name }] })
    world.upstream.answer = () => ({ status })
    expect((await ask(first)).status).toBe(status)
    expect(await lastRecord()).toMatchObject({
      provider_name: first.name,
      metadata: expect.not.objectContaining({ attempts: expect.anything() }),
    })
  })

  it('AG-B10: the last of the row answers, with its own failure', async () => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, { fallbacks: [{ provider: other.name }] })
    world.upstream.answer = () => ({ status: 500, message: 'Of the first.' })
    second.answer = () => ({ status: 502, message: 'Of the second.' })
    const response = await ask(first)
    expect([response.status, await response.text()]).toEqual([502, expect.stringContaining('Of the second.')])
    expect(await lastRecord()).toMatchObject({
      provider_name: other.name,
      error_type: 'server_error',
      error_message: 'Of the second.',
    })
  })

  it('AG-51: nothing goes on to another once it has begun', async () => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, { fallbacks: [{ provider: other.name }] })
    world.upstream.answer = () => ({ steps: ['one', { cut: 'reset' }] })
    const from = second.requests.length
    const response = await ask(first, { ...hello, stream: true })
    await expect(response.text()).rejects.toThrow()
    expect(second.requests).toHaveLength(from)
  })

  it('AG-B10: nor does what somebody has left', async () => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, { fallbacks: [{ provider: other.name }] })
    world.upstream.answer = () => ({ connection: 'silent' })
    const from = [world.upstream.requests.length, second.requests.length]
    const caller = new AbortController()
    const asked = ask(first, hello, { signal: caller.signal })
    await world.upstream.nextRequest((request) => world.upstream.requests.indexOf(request) === from[0])
    caller.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    expect(second.requests).toHaveLength(from[1] ?? 0)
  })

  it('AG-B10: nor what users bring a key of their own for', async () => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, {
      fallbacks: [{ provider: other.name }],
      balance: [{ provider: other.name, weight: 9 }],
    })
    await client.call(putUserAIProviderKey, {
      params: { user: 'me', provider: first.id },
      body: { api_key: 'sk-of-my-own-1234' },
    })
    world.upstream.answer = () => ({ status: 503 })
    const from = second.requests.length
    expect((await ask(first)).status).toBe(503)
    expect(second.requests).toHaveLength(from)
  })

  it('AG-B10: only who is on, has a key, and may be used is fallen back on', async () => {
    const first = await world.provider()
    const others = [
      await atSecond({ enabled: false }),
      await atSecond({ api_keys: [] }),
      await atSecond({ name: named() }),
      await atSecond(),
    ]
    const forbidden = others[2]?.name ?? ''
    await route(first, {
      fallbacks: others.map(({ name }) => ({ provider: name })),
    })
    const [organization = ''] = user.organization_ids
    await world.owner.call(upsertGroupAIModelPolicy, {
      params: { group: organization },
      body: { deny: [`${forbidden}/*`] },
    })
    await world.gateway.parts.governance.refresh()
    try {
      world.upstream.answer = () => ({ status: 503 })
      expect(await (await ask(first)).text()).toContain('From the second')
      expect(await lastRecord()).toMatchObject({
        provider_name: others[3]?.name,
        metadata: { attempts: [{ provider: first.name }, { provider: others[3]?.name }] },
      })
    } finally {
      await world.owner.call(upsertGroupAIModelPolicy, {
        params: { group: organization },
        body: { deny: [] },
      })
      await world.gateway.parts.governance.refresh()
    }
  })
})

describe('AG-B10: shares', () => {
  const sessions = async (provider: AIProvider, count: number) => {
    const from = second.requests.length
    for (let number = 0; number < count; number += 1)
      await (
        await world.ask(
          { ownerId: user.id, provider: provider.name, rootChatId: `${serial}-session-${number}` },
          '/v1/chat/completions',
          hello,
        )
      ).text()
    return second.requests.length - from
  }

  it('AG-B10: sessions are spread by weight, and stay where they began', async () => {
    const [first, other] = [await world.provider(), await atSecond()]
    world.upstream.answer = () => says('Hi')
    await route(first, {
      weight: 1,
      balance: [{ provider: other.name, weight: 3, models: { 'gpt-test': 'big-test' } }],
    })
    const share = await sessions(first, 60)
    // 45 of 60 on average, and hardly ever outside of four deviations.
    expect(share).toBeGreaterThan(31)
    expect(share).toBeLessThan(59)
    expect(await sessions(first, 60)).toBe(share)
    const { interceptions } = await world.records(user.id)
    expect(interceptions.filter((one) => one.provider_name === other.name)).toHaveLength(2 * share)
    expect(interceptions.find((one) => one.provider_name === other.name)).toMatchObject({
      model: 'big-test',
      requested_model: 'gpt-test',
    })
  })

  it('AG-B10: who has no share is asked by fallback alone, and who fails gives way to the others', async () => {
    const [first, other] = [await world.provider(), await atSecond()]
    await route(first, { weight: 0, balance: [{ provider: other.name, weight: 1 }] })
    expect(await sessions(first, 5)).toBe(5)
    await route(first, { weight: 1 })
    second.answer = () => ({ status: 503 })
    world.upstream.answer = () => says('Hi')
    for (const session of ['a', 'b', 'c', 'd'])
      expect(
        (
          await world.ask(
            { ownerId: user.id, provider: first.name, rootChatId: session },
            '/v1/chat/completions',
            hello,
          )
        ).status,
      ).toBe(200)
  })
})

describe('AG-B11: keys', () => {
  it('AG-B11: sessions take turns, and keep their key', async () => {
    const keys = ['sk-one-0123456789abcdef', 'sk-two-0123456789abcdef', 'sk-tri-0123456789abcdef']
    const provider = await world.provider({ api_keys: keys })
    await route(provider, { key_strategy: 'round_robin' })
    world.upstream.answer = () => says('Hi')
    const from = world.upstream.requests.length
    for (const rootChatId of ['x', 'y', 'z', 'y', 'x'])
      await (
        await world.ask(
          { ownerId: user.id, provider: provider.name, rootChatId },
          '/v1/chat/completions',
          hello,
        )
      ).text()
    const [one, two, three] = keys
    expect(world.upstream.requests.slice(from).map(({ key }) => key)).toEqual([one, two, three, two, one])
  })

  it('AG-B11: or take the key with the fewest requests under way', async () => {
    const keys = ['sk-one-0123456789abcdef', 'sk-two-0123456789abcdef']
    const provider = await world.provider({ api_keys: keys })
    await route(provider, { key_strategy: 'least_busy' })
    world.upstream.answer = ({ text }) =>
      text.includes('wait') ? { steps: ['one', { stall: true }] } : says('Hi')
    const go = (rootChatId: string, content: string) =>
      world.ask({ ownerId: user.id, provider: provider.name, rootChatId }, '/v1/chat/completions', {
        model: 'gpt-test',
        stream: true,
        messages: [{ role: 'user', content }],
      })
    const from = world.upstream.requests.length
    const open = await go('x', 'wait')
    await (await go('y', 'hi')).text()
    await (await go('z', 'hi')).text()
    await open.body?.cancel()
    const [one, two] = keys
    expect(world.upstream.requests.slice(from).map(({ key }) => key)).toEqual([one, two, two])
  })
})

describe('AG-56: times', () => {
  it('AG-56: an answer that does not begin, that stops, or that takes too long ends', async () => {
    const provider = await world.provider()
    const open = async (turn: Turn, timeouts: UpdateAIProviderRoutingRequest) => {
      await route(provider, {
        first_byte_timeout_ms: null,
        idle_timeout_ms: null,
        total_timeout_ms: null,
        ...timeouts,
      })
      world.upstream.play(turn)
      return ask(provider, { ...hello, stream: true })
    }
    const late = await open({ connection: 'silent' }, { first_byte_timeout_ms: 100 })
    expect([late.status, await late.json()]).toMatchObject([504, { error: { code: 'timeout' } }])
    const idle = await open({ steps: ['one', { stall: true }] }, { idle_timeout_ms: 100 })
    await expect(idle.text()).rejects.toThrow('did not answer in time')
    const total = await open(
      { steps: Array.from({ length: 1_000 }, () => 'word '), paceMs: 20 },
      { total_timeout_ms: 300 },
    )
    await expect(total.text()).rejects.toThrow('did not answer in time')
    const { interceptions } = await world.records(user.id)
    expect(interceptions.map((one) => one.error_type)).toEqual(['timeout', 'timeout', 'timeout'])
  })
})
