import { randomUUID } from 'node:crypto'

import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, jsonSchema, type LanguageModel, streamText, type ToolSet, tool } from 'ai'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type AIProvider,
  putUserAIProviderKey,
  suspendUser,
  type User,
  updateAIProvider,
} from '@slipway/contract'
import { callsTools, Gate, says, until } from '@slipway/testkit'
import { costOfChats } from './costs.ts'
import { GatewayWorld } from './gateway.fixture.ts'
import { GatewayError, gatewayErrorCode } from './gateway-error.ts'
import { sdkBaseUrl } from './sdk-base-url.ts'

let world: GatewayWorld
let serial = 0
let client: Client
let user: User
let provider: AIProvider

beforeAll(async () => {
  world = await GatewayWorld.start()
})
afterAll(() => world[Symbol.asyncDispose]())
// Somebody new, at a provider without a past.
beforeEach(async () => {
  serial += 1
  client = await world.server.user(`user${serial}`)
  user = await world.account(client)
  provider = await world.provider()
})

const CHAT = '/v1/chat/completions'
const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }
const ask = (body: unknown = hello, init: RequestInit = {}, name = provider.name) =>
  world.ask({ ownerId: user.id, provider: name }, CHAT, body, init)
/** The status, once all of the answer was read. */
const statusOf = async (asked: Promise<Response>): Promise<number> => {
  const response = await asked
  await response.text()
  return response.status
}
const codeOf = async (response: Response) => gatewayErrorCode(await response.text())
const records = () => world.records(user.id)

const tools: ToolSet = {
  read_file: tool({
    description: 'Reads a file.',
    inputSchema: jsonSchema<{ path: string }>({ type: 'object', properties: { path: { type: 'string' } } }),
  }),
}

function modelOf(type: AIProvider['type'], name: string): LanguageModel {
  const found = world.providers.find(name)
  const baseURL = found === undefined ? undefined : sdkBaseUrl(found)
  if (baseURL === undefined) throw new Error('no base URL')
  const fetch = world.gateway.fetchFor({ ownerId: user.id, provider: name })
  const options = { baseURL, apiKey: 'replaced', fetch }
  switch (type) {
    case 'anthropic':
      return createAnthropic(options)('claude-test')
    case 'google':
      return createGoogleGenerativeAI(options)('gemini-test')
    case 'bedrock':
      return createAmazonBedrock({ ...options, region: 'eu-west-1' })('anthropic.claude-test')
    default:
      return createOpenAI(options).responses('gpt-test')
  }
}

describe('AG-78: each family is relayed and recorded', () => {
  const usage = { input: 100, cached: 40, output: 30 }
  const speech = (call: string) => ({
    steps: ['Let me look. ', { call: { id: call, name: 'read_file', args: { path: 'a.txt' } } }],
    usage,
  })
  const bedrock = {
    settings: {
      _type: 'bedrock',
      _version: 1,
      region: 'eu-west-1',
      model: 'm',
      small_fast_model: 's',
      access_key: 'AKIAEXAMPLE0123456789',
      access_key_secret: 'secret-of-aws',
    },
    api_keys: [],
  }

  it.each([
    ['openai', '/v1', {}, 'openai'],
    ['anthropic', '', {}, 'anthropic'],
    ['google', '/v1beta', {}, 'openai'],
    ['bedrock', '', bedrock, 'anthropic'],
  ] as const)('AG-78: %s, streamed and whole', async (type, path, extra, family) => {
    const { name } = await world.provider({ type, base_url: world.upstream.url + path, ...extra })
    for (const streamed of [true, false]) {
      world.upstream.play(speech(`call-${streamed}`))
      const asked = {
        model: modelOf(type, name),
        tools,
        prompt: `Read it, streamed: ${streamed}`,
        maxRetries: 0,
      }
      const calls = streamed
        ? await streamText({
            ...asked,
            onError: ({ error }) => {
              throw error
            },
          }).toolCalls
        : (await generateText(asked)).toolCalls
      expect(calls).toMatchObject([{ toolName: 'read_file', input: { path: 'a.txt' } }])
    }
    const { interceptions, tokens, prompts, tools: choices } = await records()
    expect(interceptions).toHaveLength(2)
    for (const interception of interceptions)
      expect(interception).toMatchObject({
        provider: family,
        provider_name: name,
        model: expect.stringMatching(/-test$/),
        client: 'Coder Agents',
        credential_kind: 'centralized',
        error_type: null,
        ended_at: expect.any(Date),
        metadata: { Username: user.username, request_user_agent: expect.stringMatching(/^coder-agents\//) },
      })
    expect(prompts.map(({ prompt }) => prompt).sort()).toEqual([
      'Read it, streamed: false',
      'Read it, streamed: true',
    ])
    expect(choices.map(({ tool: named, input }) => [named, JSON.parse(input)])).toEqual([
      ['read_file', { path: 'a.txt' }],
      ['read_file', { path: 'a.txt' }],
    ])
    // Google names no call.
    if (type !== 'google')
      expect(choices.map((one) => one.provider_tool_call_id).sort()).toEqual(['call-false', 'call-true'])
    // AG-30, AG-36, AG-43: each token is counted once.
    for (const row of tokens)
      expect(row).toMatchObject({
        input_tokens: 60,
        output_tokens: 30,
        cache_read_input_tokens: 40,
        cache_write_input_tokens: 0,
      })
    expect(tokens).toHaveLength(2)
  })

  it('AG-30: chat completions, streamed and whole', async () => {
    for (const stream of [true, false]) {
      world.upstream.play({
        ...callsTools({ id: `c-${stream}`, name: 'ls', args: { a: 1 } }, { name: 'rm' }),
        usage,
      })
      const response = await ask({ ...hello, stream, stream_options: { include_usage: true } })
      await response.text()
    }
    const { tokens, tools } = await records()
    expect(tokens).toMatchObject([
      { input_tokens: 60, output_tokens: 30, cache_read_input_tokens: 40 },
      { input_tokens: 60, output_tokens: 30, cache_read_input_tokens: 40 },
    ])
    // AG-B5: all calls of an answer.
    expect(tools.map(({ tool: name, input }) => `${name} ${input}`).sort()).toEqual([
      'ls {"a":1}',
      'ls {"a":1}',
      'rm {}',
      'rm {}',
    ])
  })

  it('AG-45: what a model lets out of its reasoning', async () => {
    const { name } = await world.provider({ type: 'anthropic', base_url: world.upstream.url })
    world.upstream.play({ steps: [{ reasoning: 'First, think.', signature: 'x' }, 'Hi'] })
    await streamText({ model: modelOf('anthropic', name), prompt: 'Think' }).text
    const { thoughts } = await records()
    expect(thoughts).toMatchObject([{ content: 'First, think.', metadata: { source: 'thinking' } }])
  })

  it('AG-20: bytes of the request and the answer pass as they are', async () => {
    const body =
      '{"model":"gpt-test", "messages":[{"role":"user","content":"Say hi"}],"unknown":1.0,"stream":true}'
    world.upstream.play(says('Hi ', 'there'))
    const response = await world.ask({ ownerId: user.id, provider: provider.name }, CHAT, hello, { body })
    const relayed = await response.text()
    expect(world.upstream.requests.at(-1)?.text).toBe(body)
    world.upstream.play(says('Hi ', 'there'))
    const direct = await fetch(world.upstream.url + CHAT, { method: 'POST', body })
    expect(events(relayed)).toBe(events(await direct.text()))
    expect(response.headers.get('content-type')).toContain('text/event-stream')
  })
})

/** An answer without what differs from one to the next. */
function events(stream: string): string {
  return stream.replaceAll(/"(?:id|created|system_fingerprint)":(?:"[^"]*"|\d+)/g, '')
}

describe('AG-15: what the provider is told', () => {
  it('AG-15: the credential of the deployment, and nothing of ours', async () => {
    world.upstream.play(says('Hi'))
    const response = await world.ask(
      { ownerId: user.id, provider: provider.name, rootChatId: randomUUID(), workspaceId: randomUUID() },
      CHAT,
      hello,
      {
        headers: {
          authorization: 'Bearer replaced',
          'x-api-key': 'replaced',
          cookie: 'coder_session_token=x',
          'coder-session-token': 'x',
          'x-coder-anything': 'x',
          'x-ai-bridge-actor-id': 'spoofed',
          'openai-organization': 'org-1',
        },
      },
    )
    await response.text()
    const headers = world.upstream.requests.at(-1)?.headers ?? {}
    expect(headers.authorization).toBe('Bearer sk-of-the-deployment-1')
    expect(headers['openai-organization']).toBe('org-1')
    expect(headers['user-agent']).toMatch(/^coder-agents\//)
    expect(
      Object.keys(headers).filter((name) => /^(?:cookie|x-api-key|x-ai|x-coder|coder)/.test(name)),
    ).toEqual([])
    expect(JSON.stringify(headers)).not.toContain('replaced')
  })

  it('AG-15: only the provider’s own address gets its key', async () => {
    const call = world.gateway.fetchFor({ ownerId: user.id, provider: provider.name })
    await expect(
      call('http://127.0.0.1:9/v1/chat/completions', { method: 'POST', body: '{}' }),
    ).rejects.toThrow(TypeError)
  })

  it('CH-507: the user’s own key comes before the deployment’s', async () => {
    const params = { user: 'me', provider: provider.name }
    await client.call(putUserAIProviderKey, { params, body: { api_key: 'sk-of-the-user-012345' } })
    world.upstream.play(says('Hi'))
    await (await ask()).text()
    expect(world.upstream.requests.at(-1)?.key).toBe('sk-of-the-user-012345')
    expect((await records()).interceptions).toMatchObject([
      { credential_kind: 'byok', credential_hint: 'sk-o...2345' },
    ])
  })

  it('AG-16: who asks, where that is switched on', async () => {
    await using telling = await GatewayWorld.start({ CODER_AI_GATEWAY_SEND_ACTOR_HEADERS: 'true' })
    const { name } = await telling.provider()
    const owner = await telling.account(telling.owner)
    telling.upstream.play(says('Hi'))
    await (await telling.ask({ ownerId: owner.id, provider: name }, CHAT, hello)).text()
    expect(telling.upstream.requests.at(-1)?.headers).toMatchObject({
      'x-ai-bridge-actor-id': owner.id,
      'x-ai-bridge-actor-metadata-username': 'owner',
    })
  })
})

describe('AG-107: providers that cannot be used', () => {
  it('AG-107: one that is off, gone, without a key or not there is refused by its own word', async () => {
    const bare = await world.provider({ api_keys: [] })
    const off = await world.provider({ enabled: false })
    const before = world.upstream.requests.length
    for (const [name, status, code] of [
      [bare.name, 401, 'missing_credential'],
      [off.name, 503, 'provider_disabled'],
      ['absent', 404, 'route_not_supported'],
    ] as const) {
      const response = await ask(hello, {}, name)
      expect(response.status).toBe(status)
      expect(await codeOf(response)).toBe(code)
    }
    expect(world.upstream.requests).toHaveLength(before)
    expect((await records()).interceptions).toEqual([])
  })

  it('AG-107: a change on another replica is known here at once, and one broken provider hurts no other', async () => {
    const broken = await world.provider({ api_keys: ['sk-broken'] })
    await sql`update ai_provider_keys set api_key = '\\x0102030405' where provider_id = ${broken.id}`.execute(
      world.database.db,
    )
    await world.owner.call(updateAIProvider, {
      params: { idOrName: provider.name },
      body: { base_url: `${world.upstream.url}/elsewhere/v1` },
    })
    await until('the change to arrive', () =>
      world.providers.find(provider.name)?.baseUrl.includes('elsewhere'),
    )
    expect(world.providers.find(broken.name)).toMatchObject({ status: 'error', keys: [] })
    expect(await codeOf(await ask(hello, {}, broken.name))).toBe('missing_credential')
    world.upstream.play(says('Hi'))
    expect(await statusOf(ask())).toBe(200)
  })

  it('AG-B1: a stream goes on through a change of its provider', async () => {
    const gate = new Gate()
    world.upstream.play({ steps: ['one ', { wait: gate.opened }, 'two'] })
    const response = await ask({ ...hello, stream: true })
    await world.owner.call(updateAIProvider, {
      params: { idOrName: provider.name },
      body: { enabled: false, base_url: 'http://127.0.0.1:9/v1' },
    })
    await until('the change to arrive', () => world.providers.find(provider.name)?.enabled === false)
    gate.open()
    expect(await response.text()).toContain('[DONE]')
    expect(await statusOf(ask())).toBe(503)
  })
})

describe('AG-53: the pool of keys', () => {
  const keys = ['sk-one-0123456789abcdef', 'sk-two-0123456789abcdef', 'sk-tri-0123456789abcdef'] as const
  const refuse = (
    refusals: Readonly<Record<string, { status: number; headers?: Record<string, string> }>>,
  ) => {
    world.upstream.answer = ({ key = '' }) => refusals[key] ?? says('Hi')
  }
  const limited = (seconds?: number) => ({
    status: 429,
    ...(seconds === undefined ? {} : { headers: { 'Retry-After': String(seconds) } }),
  })
  beforeEach(async () => {
    provider = await world.provider({ api_keys: [...keys] })
    return () => {
      world.upstream.answer = () => undefined
    }
  })
  const used = (from: number) => world.upstream.requests.slice(from).map(({ key }) => key)

  it('AG-53: a key that is limited or refused gives way to the next, and rests', async () => {
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
    [529, 'overloaded'],
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

describe('AG-80: threads', () => {
  it('AG-80: the result of a tool call goes on in its thread, but only for the same user', async () => {
    const call = `call-${randomUUID()}`
    const result = {
      ...hello,
      messages: [...hello.messages, { role: 'tool', tool_call_id: call, content: 'x' }],
    }
    world.upstream.play(callsTools({ id: call, name: 'ls' }), callsTools({ name: 'ls' }), says('done'))
    await (await ask()).text()
    await (await ask(result)).text()
    const other = await world.account(await world.server.user(`other${serial}`))
    await (await world.ask({ ownerId: other.id, provider: provider.name }, CHAT, result)).text()
    const [first, second] = (await records()).interceptions
    expect(second).toMatchObject({
      thread_parent_id: first?.id,
      thread_root_id: first?.id,
      session_id: first?.id,
    })
    expect((await world.records(other.id)).interceptions).toMatchObject([{ thread_parent_id: null }])
  })
})

describe('AG-113: budgets', () => {
  const everyone = async (): Promise<string> => {
    const { rows } = await sql<{ id: string }>`select id from organizations where is_default`.execute(
      world.database.db,
    )
    return rows[0]?.id ?? ''
  }
  const price = (model: string, input: number, output: number) =>
    sql`insert into ai_model_prices (provider, model, source, input_price, output_price)
        values ('openai', ${model}, 'custom', ${input}, ${output})`.execute(world.database.db)
  const limit = async (micros: number) =>
    sql`insert into user_ai_budget_overrides (user_id, group_id, spend_limit_micros)
        values (${user.id}, ${await everyone()}, ${micros})`.execute(world.database.db)

  it('AG-110: tokens cost what the model costs at that moment, and add up by day', async () => {
    const model = `priced-${serial}`
    await price(model, 3_000_000, 15_000_000)
    for (const _ of [1, 2]) {
      world.upstream.play({ ...says('Hi'), usage: { input: 1_000, cached: 400, output: 100 } })
      await (await ask({ ...hello, model })).text()
    }
    const { tokens } = await records()
    // 600 × 3 + 100 × 15, and nothing for what has no price of its own.
    expect(tokens).toMatchObject([
      {
        cost_micros: 3_300,
        input_price_micros: 3_000_000,
        output_price_micros: 15_000_000,
        cache_read_price_micros: null,
        effective_group_id: await everyone(),
      },
      { cost_micros: 3_300 },
    ])
    const spend = await world.database.db
      .selectFrom('ai_user_daily_spend')
      .selectAll()
      .where('user_id', '=', user.id)
      .execute()
    expect(spend).toEqual([
      {
        user_id: user.id,
        effective_group_id: await everyone(),
        day: new Date().toISOString().slice(0, 10),
        spend_micros: 6_600,
      },
    ])
  })

  it('AG-110: a model without a price costs an unknown amount', async () => {
    world.upstream.play(says('Hi'))
    await (await ask({ ...hello, model: 'nobody-knows' })).text()
    expect((await records()).tokens).toMatchObject([{ cost_micros: null, input_tokens: 10 }])
    expect(await world.context.metrics.metrics()).toContain(
      `coder_ai_gateway_cost_control_unpriced_token_usage_records_total{provider="${provider.name}",provider_type="openai",model="nobody-knows"} 1`,
    )
  })

  it('AG-113: whoever has spent their budget is refused until the next month', async () => {
    const model = `dear-${serial}`
    await price(model, 1_000_000_000, 0)
    await limit(1_000_000)
    world.upstream.play({ ...says('Hi'), usage: { input: 1_000, output: 0 } })
    expect(await statusOf(ask({ ...hello, model }))).toBe(200)
    await until('the cost', async () => (await records()).tokens[0]?.cost_micros)
    const before = world.upstream.requests.length
    const response = await ask({ ...hello, model })
    expect(response.status).toBe(403)
    const body = await response.text()
    expect(body).toContain('AI budget of US$1.00 exceeded. Please contact an administrator for more details.')
    expect(gatewayErrorCode(body)).toBe('budget_exceeded')
    expect(world.upstream.requests).toHaveLength(before)
    world.clock.advance(32 * 86_400_000)
    world.upstream.play(says('Hi'))
    expect(await statusOf(ask({ ...hello, model }))).toBe(200)
    world.clock.advance(-32 * 86_400_000)
  })

  it('AG-113: a budget of nothing blocks everything, and one that cannot be looked at too', async () => {
    await limit(0)
    expect(await codeOf(await ask())).toBe('budget_exceeded')
    await sql`alter table ai_user_daily_spend rename to elsewhere`.execute(world.database.db)
    try {
      const response = await ask()
      expect(response.status).toBe(500)
      expect(await codeOf(response)).toBe('internal_error')
    } finally {
      await sql`alter table elsewhere rename to ai_user_daily_spend`.execute(world.database.db)
    }
  })

  it('AG-111: of several budgets the highest counts, and one of the user’s own above all', async () => {
    const { db } = world.database
    const organization = await everyone()
    const group = async (name: string, micros: number | undefined): Promise<string> => {
      const { rows } = await sql<{ id: string }>`
        insert into groups (organization_id, name) values (${organization}, ${name}) returning id`.execute(db)
      const id = rows[0]?.id ?? ''
      await sql`insert into group_members (group_id, user_id) values (${id}, ${user.id})`.execute(db)
      if (micros !== undefined)
        await sql`insert into group_ai_budgets (group_id, spend_limit_micros) values (${id}, ${micros})`.execute(
          db,
        )
      return id
    }
    const effective = async () =>
      (
        await sql<{ group_id: string; spend_limit_micros: number | null; limit_source: string | null }>`
          select * from ai_effective_budget(${user.id}::uuid)`.execute(db)
      ).rows
    expect(await effective()).toEqual([
      { group_id: organization, spend_limit_micros: null, limit_source: null },
    ])
    await group(`none-${serial}`, undefined)
    await group(`low-${serial}`, 5)
    const high = await group(`high-${serial}`, 7)
    expect(await effective()).toEqual([{ group_id: high, spend_limit_micros: 7, limit_source: 'group' }])
    await limit(3)
    expect(await effective()).toEqual([
      { group_id: organization, spend_limit_micros: 3, limit_source: 'user_override' },
    ])
    // AG-115: whoever leaves the group loses the budget that goes with it.
    await sql`delete from organization_members where user_id = ${user.id}`.execute(db)
    expect(await effective()).toEqual([])
  })

  it('a user who is suspended or gone asks nothing', async () => {
    await world.owner.call(suspendUser, { params: { user: user.username } })
    expect(await codeOf(await ask())).toBe('unauthorized')
    expect(
      await codeOf(await world.ask({ ownerId: randomUUID(), provider: provider.name }, CHAT, hello)),
    ).toBe('unauthorized')
  })
})

describe('CH-804: what chats cost', () => {
  it('CH-804: is summed over the tree of a chat, by its owner’s records alone', async () => {
    const rootChatId = randomUUID()
    const model = `chatty-${serial}`
    await sql`insert into ai_model_prices (provider, model, source, input_price)
      values ('openai', ${model}, 'custom', 1000000)`.execute(world.database.db)
    const inChat = (subchatId: string | undefined, named: string, ownerId = user.id) => {
      world.upstream.play({ ...says('Hi'), usage: { input: 50, output: 1 } })
      return world
        .ask({ ownerId, provider: provider.name, rootChatId, subchatId }, CHAT, { ...hello, model: named })
        .then((response) => response.text())
    }
    await inChat(undefined, model)
    await inChat(randomUUID(), model)
    await inChat(undefined, 'unpriced')
    await inChat(undefined, model, (await world.account(world.owner)).id)
    expect((await records()).interceptions).toMatchObject([
      { client_session_id: rootChatId, session_id: rootChatId },
      { session_id: rootChatId },
      { session_id: rootChatId },
    ])
    expect(await costOfChats(world.context, { ownerId: user.id, rootChatId })).toEqual({
      totalCostMicros: 100,
      requestCount: 3,
      unpricedRequestCount: 1,
    })
    expect(await costOfChats(world.context, { ownerId: user.id, rootChatId: randomUUID() })).toEqual({
      totalCostMicros: 0,
      requestCount: 0,
      unpricedRequestCount: 0,
    })
  })
})

describe('CH-508: the key of a user’s chats', () => {
  it('CH-508: is made once, whoever asks at the same time, and extended before it expires', async () => {
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => world.gateway.keyFor(user.id)))
    expect(new Set([first, ...others]).size).toBe(1)
    const row = async () =>
      world.database.db
        .selectFrom('api_keys')
        .selectAll()
        .where('id', '=', first ?? '')
        .executeTakeFirstOrThrow()
    const made = await row()
    expect(made).toMatchObject({
      token_name: `chatd_${user.id}_session_token`,
      user_id: user.id,
      scopes: ['aibridge_interception:create'],
    })
    world.clock.advance(29 * 86_400_000 + 60_000)
    expect(await world.gateway.keyFor(user.id)).toBe(first)
    expect((await row()).expires_at.getTime()).toBeGreaterThan(made.expires_at.getTime() + 28 * 86_400_000)
    world.clock.advance(-29 * 86_400_000 - 60_000)
    world.upstream.play(says('Hi'))
    await (
      await world.ask({ ownerId: user.id, provider: provider.name, apiKeyId: first }, CHAT, hello)
    ).text()
    expect((await records()).interceptions).toMatchObject([{ api_key_id: first }])
  })
})
