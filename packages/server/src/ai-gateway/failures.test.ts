import { sql } from 'kysely'
import { beforeEach, describe, expect, it } from 'vitest'

import { getAIProvider, testAIProvider } from '@slipway/contract'
import { says, until } from '@slipway/testkit'
import { GatewayError, gatewayErrorCode } from './exchange/gateway-error.ts'
import {
  ask,
  codeOf,
  goOnWith,
  hello,
  meetNewcomers,
  provider,
  records,
  statusOf,
  user,
  world,
} from './newcomer.fixture.ts'

meetNewcomers()

describe('AG-53: the pool of keys', () => {
  const keys = ['sk-one-0123456789abcdef', 'sk-two-0123456789abcdef', 'sk-tri-0123456789abcdef'] as const
  const refuse = (
    refusals: Readonly<
      Record<string, { status: number; message?: string; headers?: Record<string, string> }>
    >,
  ) => {
    world.upstream.answer = ({ key = '' }) => refusals[key] ?? says('Hi')
  }
  const limited = (seconds?: number) => ({
    status: 429,
    ...(seconds === undefined ? {} : { headers: { 'Retry-After': String(seconds) } }),
  })
  beforeEach(async () => {
    goOnWith(await world.provider({ api_keys: [...keys] }))
    return () => {
      world.upstream.answer = () => undefined
    }
  })
  /** What another replica shows of the keys. */
  const troubles = async () => {
    await world.gateway.parts.troubles.settle()
    const { api_keys } = await world.owner.call(getAIProvider, { params: { idOrName: provider.name } })
    return api_keys.map(({ trouble }) => trouble)
  }
  const kinds = async () => (await troubles()).map((trouble) => trouble?.kind)
  const used = (from: number) => world.upstream.requests.slice(from).map(({ key }) => key)

  it('AG-B18: what requests find wrong with keys is shown by every replica until they work again', async () => {
    const refusal = { status: 401, message: `There is no key ${keys[1]}.` }
    refuse({ [keys[0]]: limited(3_600), [keys[1]]: refusal, [keys[2]]: { status: 403 } })
    const began = Date.now()
    expect(await statusOf(ask())).toBe(403)
    await until('both replicas to know', async () => (await kinds()).every((kind) => kind !== undefined))
    const found = await troubles()
    expect(found).toMatchObject([
      { kind: 'rate_limited', error: 'Rate limit reached.' },
      { kind: 'unauthorized', error: `There is no key ${'*'.repeat(keys[1].length)}.` },
      { kind: 'forbidden', error: 'the provider has answered 403', until: null },
    ])
    expect(Date.parse(found[0]?.until ?? '') - began).toBeGreaterThan(3_590_000)
    // Another key works: that says nothing of these.
    refuse({})
    expect(await statusOf(ask())).toBe(200)
    expect(await kinds()).toEqual(['rate_limited', 'unauthorized', undefined])
    // The test of a provider lifts no limit.
    await world.owner.call(testAIProvider, { params: { idOrName: provider.name } })
    expect(await kinds()).toEqual(['rate_limited', undefined, undefined])
    world.clock.advance(3_600_001)
    expect(await statusOf(ask())).toBe(200)
    expect(await kinds()).toEqual([undefined, undefined, undefined])
  })

  it('AG-53, AG-81: a key that is limited or refused gives way to the next, which is recorded, and rests', async () => {
    const from = world.upstream.requests.length
    refuse({ [keys[0]]: limited(5), [keys[1]]: { status: 401 } })
    expect(await statusOf(ask())).toBe(200)
    expect(used(from)).toEqual([...keys])
    expect(await statusOf(ask())).toBe(200)
    expect(used(from)).toEqual([...keys, keys[2]])
    expect((await records()).interceptions).toMatchObject([
      { credential_hint: 'sk-t...cdef' },
      { credential_hint: 'sk-t...cdef' },
    ])
    // AG-52: five seconds, and a minute.
    world.clock.advance(5_001)
    refuse({})
    await (await ask()).text()
    expect(used(from).at(-1)).toBe(keys[0])
    const metrics = await world.context.metrics.metrics()
    for (const prefix of ['coder_ai_gateway', 'coder_aibridged']) {
      expect(metrics).toContain(
        `${prefix}_key_pool_state_transitions_total{provider="${provider.name}",reason="rate_limited"} 1`,
      )
      expect(metrics).toContain(`${prefix}_key_pool_state{provider="${provider.name}",state="temporary"} 1`)
    }
  })

  it('AG-53: any other refusal is final', async () => {
    for (const status of [400, 403, 500]) {
      const from = world.upstream.requests.length
      refuse({ [keys[0]]: { status } })
      expect(await statusOf(ask())).toBe(status)
      expect(used(from)).toEqual([keys[0]])
    }
    const { interceptions } = await records()
    expect(interceptions.map((one) => one.error_type)).toEqual([
      'bad_request',
      'unauthorized',
      'server_error',
    ])
    // AG-99: not even where the provider repeats the key.
    refuse({ [keys[0]]: { status: 403, message: `${keys[0]} may not.` } })
    const stars = `${'*'.repeat(keys[0].length)} may not.`
    expect(await (await ask()).text()).toContain(stars)
    expect((await records()).interceptions.at(-1)?.error_message).toBe(stars)
  })

  it('AG-54: while all rest, callers hear when to come back', async () => {
    refuse({ [keys[0]]: limited(5), [keys[1]]: limited(3), [keys[2]]: limited(10) })
    // The last refusal is passed on as it came.
    const last = await ask()
    expect([last.status, last.headers.get('retry-after')]).toEqual([429, '10'])
    const from = world.upstream.requests.length
    const response = await ask()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3'])
    expect(await response.json()).toMatchObject({
      message: 'all configured keys are rate-limited (retry after 3s)',
      error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    })
    expect(used(from)).toEqual([])
    expect((await records()).interceptions).toMatchObject([
      { error_type: 'rate_limited' },
      { error_type: 'rate_limited' },
    ])
  })

  it('AG-54: keys that are all refused are for the administrator', async () => {
    const refused = { status: 401 }
    refuse({ [keys[0]]: refused, [keys[1]]: refused, [keys[2]]: refused })
    expect(await statusOf(ask())).toBe(401)
    const response = await ask()
    expect([response.status, response.headers.get('retry-after')]).toEqual([502, null])
    expect(await response.json()).toMatchObject({
      message: 'all configured keys failed authentication. Contact your Administrator',
      error: { type: 'api_error', code: 'keys_refused' },
    })
    world.clock.advance(60_001)
    refuse({})
    expect(await statusOf(ask())).toBe(200)
  })
})

describe('AG-82: how requests fail', () => {
  it.each([
    [400, 'bad_request'],
    [403, 'unauthorized'],
    [408, 'timeout'],
    [418, 'unknown'],
    [500, 'server_error'],
    [503, 'overloaded'],
    [529, 'server_error'],
    [404, 'bad_request'],
    [413, 'bad_request'],
    [422, 'bad_request'],
  ] as const)('AG-82: a %i of the provider reaches the caller as it is, as %s', async (status, type) => {
    world.upstream.play({ status, message: 'What is wrong.', headers: { 'X-RateLimit-Remaining': '7' } })
    const response = await ask()
    expect(response.status).toBe(status)
    expect(response.headers.get('x-ratelimit-remaining')).toBe('7')
    const body = await response.text()
    expect(body).toContain('What is wrong.')
    expect(gatewayErrorCode(body)).toBeUndefined()
    expect((await records()).interceptions).toMatchObject([
      { error_type: type, error_message: 'What is wrong.', ended_at: expect.any(Date) },
    ])
  })

  it.each([
    [529, 'overloaded'],
    [503, 'server_error'],
  ])('AG-82: a %i of Anthropic’s API is %s', async (status, type) => {
    const { name } = await world.provider({ type: 'anthropic', base_url: world.upstream.url })
    world.upstream.play({ status, message: 'What is wrong.' })
    const asked = world.ask({ ownerId: user.id, provider: name }, '/v1/messages', { ...hello, max_tokens: 9 })
    expect(await statusOf(asked)).toBe(status)
    expect((await records()).interceptions).toMatchObject([{ error_type: type }])
  })

  it('AG-50: a provider that cannot be reached', async () => {
    const { name } = await world.provider({ base_url: 'http://127.0.0.1:9/v1' })
    const response = await world.gateway.fetchFor({ ownerId: user.id, provider: name })(
      'http://127.0.0.1:9/v1/chat/completions',
      { method: 'POST', body: JSON.stringify(hello) },
    )
    expect(response.status).toBe(502)
    expect(await codeOf(response)).toBe('upstream_unreachable')
    expect((await records()).interceptions).toMatchObject([{ error_type: 'server_error' }])
    world.upstream.play({ connection: 'reset' })
    expect(await codeOf(await ask())).toBe('upstream_unreachable')
  })

  it('AG-51: an error in the middle is passed on, and what came before it counts', async () => {
    const { name } = await world.provider({ type: 'anthropic', base_url: world.upstream.url })
    world.upstream.play({ steps: ['The', { error: { type: 'overloaded_error', message: 'Overloaded' } }] })
    const response = await world.ask({ ownerId: user.id, provider: name }, '/v1/messages', {
      ...hello,
      max_tokens: 10,
      stream: true,
    })
    expect(response.status).toBe(200)
    const text = await response.text()
    expect(text).toContain('overloaded_error')
    expect(text).not.toContain('message_stop')
    const { interceptions, tokens } = await records()
    expect(interceptions).toMatchObject([{ error_type: 'overloaded', error_message: 'Overloaded' }])
    expect(tokens).toMatchObject([{ input_tokens: 10, metadata: { incomplete: true } }])
  })

  it('AG-B3: an answer that is cut off never looks complete', async () => {
    world.upstream.play({ steps: ['one ', { cut: 'reset' }] })
    const response = await ask({ ...hello, stream: true })
    await expect(response.text()).rejects.toThrow()
    await until('the end to be recorded', async () => (await records()).interceptions[0]?.ended_at)
    expect((await records()).interceptions).toMatchObject([
      {
        error_type: 'server_error',
        error_message: expect.stringContaining('ended the answer in the middle'),
      },
    ])
    world.upstream.play({ steps: ['one ', { cut: 'reset' }] })
    const again = await ask({ ...hello, stream: true })
    await expect(
      (async () => {
        for await (const _ of again.body ?? []) {
          // To the end.
        }
      })(),
    ).rejects.toBeInstanceOf(GatewayError)
  })

  it('AG-24: a caller who leaves ends the request at the provider at once', async () => {
    const caller = new AbortController()
    world.upstream.play({ steps: ['one ', { stall: true }], usage: { input: 7 } })
    const response = await ask({ ...hello, stream: true }, { signal: caller.signal })
    const reader = response.body?.getReader()
    await reader?.read()
    const request = world.upstream.requests.at(-1)
    caller.abort(new Error('enough'))
    await expect(reader?.read().then(() => reader.read())).rejects.toThrow()
    await until('the provider to notice', () => request?.end === 'aborted')
    await until('the end to be recorded', async () => (await records()).interceptions[0]?.ended_at)
    expect((await records()).interceptions).toMatchObject([
      { error_type: 'unknown', error_message: 'the client ended the request' },
    ])
  })

  it('AG-24: so does one who lets go of the body, or never reads it', async () => {
    for (const leave of [
      async (response: Response) => response.body?.cancel(),
      async (response: Response) => {
        const reader = response.body?.getReader()
        await reader?.read()
        await reader?.cancel()
      },
    ]) {
      world.upstream.play({ steps: ['one ', { stall: true }] })
      const response = await ask({ ...hello, stream: true })
      const request = world.upstream.requests.at(-1)
      await leave(response)
      await until('the provider to notice', () => request?.end === 'aborted')
    }
    await until('both ends', async () =>
      (await records()).interceptions.every((one) => one.error_type === 'unknown'),
    )
  })

  it('AG-24: and one who leaves before the answer begins', async () => {
    const caller = new AbortController()
    world.upstream.play({ connection: 'silent' })
    const asked = ask(hello, { signal: caller.signal })
    await world.upstream.nextRequest(
      (request) => request.text.includes('Say hi') && request.end === undefined,
    )
    caller.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    expect((await records()).interceptions).toMatchObject([{ error_type: 'unknown' }])
  })

  it('AG-78: what cannot be recorded is not asked', async () => {
    await sql`alter table aibridge_interceptions rename to elsewhere`.execute(world.database.db)
    const before = world.upstream.requests.length
    try {
      const response = await ask()
      expect(response.status).toBe(500)
      expect(await response.json()).toMatchObject({
        message: 'failed to record interception',
        error: { code: 'internal_error' },
      })
      expect(world.upstream.requests).toHaveLength(before)
    } finally {
      await sql`alter table elsewhere rename to aibridge_interceptions`.execute(world.database.db)
    }
  })

  it('AG-78: a record that cannot be stored is lost alone', async () => {
    await sql`alter table aibridge_token_usages rename to elsewhere`.execute(world.database.db)
    try {
      world.upstream.play(says('Hi'))
      expect(await (await ask()).text()).toContain('Hi')
    } finally {
      await sql`alter table elsewhere rename to aibridge_token_usages`.execute(world.database.db)
    }
    const { interceptions, prompts, tokens } = await records()
    expect(interceptions).toMatchObject([{ ended_at: expect.any(Date), error_type: null }])
    expect(prompts).toHaveLength(1)
    expect(tokens).toEqual([])
    expect(world.lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        record: 'token usage',
        interception_id: interceptions[0]?.id,
      }),
    )
  })

  it('AG-84: counts that cannot be are not stored', async () => {
    world.upstream.play({ ...says('Hi'), usage: { input: 2_000_000_000_000, output: 1 } })
    await (await ask()).text()
    expect((await records()).tokens).toEqual([])
  })

  it('AG §4: a body that is no JSON, or too long, is refused', async () => {
    expect(await statusOf(ask(hello, { body: 'nope' }))).toBe(400)
    expect(await statusOf(ask(hello, { body: '[]' }))).toBe(400)
    const long = await ask(hello, { body: 'x'.repeat(32 * 1024 * 1024 + 1) })
    expect(long.status).toBe(413)
    expect((await records()).interceptions).toEqual([])
  })
})
