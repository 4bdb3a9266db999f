import Anthropic from '@anthropic-ai/sdk'
import { sql } from 'kysely'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken, suspendUser, type User } from '@slipway/contract'
import { callsTools, Gate, says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

let world: GatewayWorld
let client: Client
let user: User
let token: string

beforeAll(async () => {
  world = await GatewayWorld.start()
  client = await world.server.user('asker')
  user = await world.account(client)
  token = (await client.call(createToken, { params: { user: 'me' }, body: {} })).key
  await world.provider({ name: 'openai' })
  await world.provider({ name: 'anthropic', type: 'anthropic', base_url: world.upstream.url })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(() => {
  world.upstream.answer = () => undefined
})

const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }
const bearer = () => ({ authorization: `Bearer ${token}` })

interface Asked {
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly method?: string
  readonly prefix?: string
  readonly signal?: AbortSignal
  readonly server?: string
}

function ask(
  path: string,
  { headers = bearer(), body, method, prefix, signal, server }: Asked = {},
): Promise<Response> {
  return fetch(`${server ?? world.server.url}${prefix ?? '/api/v2/ai-gateway'}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  })
}
const CHAT = '/openai/v1/chat/completions'
const lastRecord = async () => {
  const { interceptions } = await world.records(user.id)
  return interceptions.at(-1)
}

describe('AG-2: clients of models', () => {
  it('AG-25: OpenAI’s own client works, streamed and whole, under both prefixes', async () => {
    for (const prefix of ['ai-gateway', 'aibridge']) {
      const sdk = new OpenAI({
        baseURL: `${world.server.url}/api/v2/${prefix}/openai/v1`,
        apiKey: token,
        maxRetries: 0,
      })
      world.upstream.play({ ...says('Hi ', 'there'), usage: { input: 9, cached: 4, output: 2 } })
      const stream = await sdk.chat.completions.create({
        model: 'gpt-test',
        stream: true,
        messages: [{ role: 'user', content: 'Say hi' }],
      })
      const ids = new Set<string>()
      let said = ''
      for await (const chunk of stream) {
        ids.add(chunk.id)
        said += chunk.choices[0]?.delta.content ?? ''
      }
      expect(said).toBe('Hi there')
      const record = await lastRecord()
      expect([...ids]).toEqual([record?.id])
      expect(record).toMatchObject({ provider: 'openai', provider_name: 'openai', error_type: null })
      // AG-27: what it takes to know the tokens.
      expect(world.upstream.requests.at(-1)?.body).toMatchObject({
        n: 1,
        stream_options: { include_usage: true },
      })
      world.upstream.play(says('Hi'))
      const whole = await sdk.responses.create({ model: 'gpt-test', input: 'Say hi' })
      expect(whole.output_text).toBe('Hi')
    }
    const { tokens } = await world.records(user.id)
    expect(tokens[0]).toMatchObject({ input_tokens: 5, output_tokens: 2, cache_read_input_tokens: 4 })
  })

  it('AG-25: Anthropic’s own client works', async () => {
    const sdk = new Anthropic({
      baseURL: `${world.server.url}/api/v2/ai-gateway/anthropic`,
      apiKey: token,
      maxRetries: 0,
    })
    world.upstream.play(callsTools({ id: 'call-1', name: 'ls', args: { path: '.' } }), says('Hi'))
    const message = await sdk.messages
      .stream({ model: 'claude-test', max_tokens: 10, messages: [{ role: 'user', content: 'List' }] })
      .finalMessage()
    expect(message.content).toMatchObject([{ type: 'tool_use', name: 'ls', input: { path: '.' } }])
    expect(message.id).toBe((await lastRecord())?.id)
    const plain = await sdk.messages.create({
      model: 'claude-test',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'Say hi' }],
    })
    expect(plain.id).toBe((await lastRecord())?.id)
    expect(world.upstream.requests.at(-1)?.key).toBe('sk-of-the-deployment-1')
  })

  it('AG-20, AG-40: the request passes to the byte but for what is added', async () => {
    world.upstream.play(says('Hi'))
    await (
      await ask('/anthropic/v1/messages', { body: '{"model":"m", "max_tokens":1e1,"messages":[]}' })
    ).text()
    expect(world.upstream.requests.at(-1)?.text).toBe('{"model":"m", "max_tokens":1e1,"messages":[]}')
    world.upstream.play(says('Hi'))
    const body = '{"x":1.0,"stream":true,"messages":[],"stream_options":{"a":1},"model":"m"}'
    await (await ask(CHAT, { body })).text()
    expect(world.upstream.requests.at(-1)?.text).toBe(
      '{"x":1.0,"stream":true,"messages":[],"stream_options":{"a":1,"include_usage":true},"model":"m","n":1}',
    )
  })

  it('AG-35, AG-B2: events reach the client as they come', async () => {
    const gate = new Gate()
    world.upstream.play({ steps: ['one', { wait: gate.opened }, 'two'] })
    const response = await ask('/openai/v1/responses', { body: { model: 'm', input: 'x', stream: true } })
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('x-slipway-interception-id')).toMatch(/^[0-9a-f-]{36}$/)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    while (!seen.includes('one')) seen += (await reader?.read())?.value ?? ''
    expect(seen).not.toContain('two')
    gate.open()
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
      seen += part.value
    expect(seen).toContain('response.completed')
  })
})

describe('AG-10: who asks', () => {
  it('AG-10: a token of this deployment, in the place of a key', async () => {
    world.upstream.play(says('Hi'))
    expect((await ask(CHAT, { body: hello, headers: { 'x-api-key': token } })).status).toBe(200)
    const before = world.upstream.requests.length
    for (const [headers, status, text] of [
      [{}, 400, 'no authentication key provided'],
      [{ 'coder-session-token': token }, 400, 'no authentication key provided'],
      [{ authorization: `Basic ${token}` }, 400, 'no authentication key provided'],
      [{ authorization: 'Bearer nonsense' }, 403, 'unauthorized'],
      [{ authorization: `Bearer ${token.slice(0, -1)}!` }, 403, 'unauthorized'],
    ] as const) {
      const response = await ask(CHAT, { body: hello, headers })
      expect(response.status).toBe(status)
      expect(await response.text()).toContain(text)
    }
    expect((await ask('/openai/v1/models', { method: 'HEAD', headers: {} })).status).toBe(400)
    expect(world.upstream.requests).toHaveLength(before)
  })

  it('AG-11: whoever is suspended asks nothing, nor does a token that may do other things only', async () => {
    const gone = await world.server.user('gone')
    const key = (await gone.call(createToken, { params: { user: 'me' }, body: {} })).key
    await world.owner.call(suspendUser, { params: { user: 'gone' } })
    const narrow = await client.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'], token_name: 'narrow' },
    })
    for (const one of [key, narrow.key])
      expect((await ask(CHAT, { body: hello, headers: { authorization: `Bearer ${one}` } })).status).toBe(403)
  })

  it('AG-13: with a key of one’s own, which is all that the provider sees', async () => {
    world.upstream.play(says('Hi'), says('Hi'))
    const own = { 'x-coder-ai-governance-token': token, authorization: 'Bearer sk-user-0123456789abcdef' }
    expect((await ask(CHAT, { body: hello, headers: own })).status).toBe(200)
    const { headers, key } = world.upstream.requests.at(-1) ?? { headers: {}, key: '' }
    expect(key).toBe('sk-user-0123456789abcdef')
    expect(JSON.stringify(headers)).not.toContain(token)
    expect(await lastRecord()).toMatchObject({ credential_kind: 'byok', credential_hint: 'sk-u...cdef' })
    // AG-14: this family looks for a key first.
    await (
      await ask('/anthropic/v1/messages', { body: hello, headers: { ...own, 'x-api-key': 'sk-ant-user' } })
    ).text()
    const last = world.upstream.requests.at(-1)?.headers
    expect([last?.['x-api-key'], last?.authorization]).toEqual(['sk-ant-user', undefined])
  })

  it('AG-18: nothing of ours reaches the provider', async () => {
    world.upstream.play(says('Hi'))
    await (
      await ask(CHAT, {
        body: hello,
        headers: {
          ...bearer(),
          'x-ai-bridge-actor-id': 'x',
          'x-coder-anything': 'x',
          'user-agent': 'codex_cli_rs/0.87.0',
        },
      })
    ).text()
    const names = Object.keys(world.upstream.requests.at(-1)?.headers ?? {})
    expect(names.filter((name) => /^(?:x-ai|x-coder|cookie)/.test(name))).toEqual([])
    expect(await lastRecord()).toMatchObject({ client: 'Codex' })
  })
})

describe('AG-3: what is relayed', () => {
  it('AG-19: some paths pass without being recorded', async () => {
    const before = (await world.records(user.id)).interceptions.length
    const response = await ask('/openai/v1/models?x=1&access_token=secret')
    expect(response.status).toBe(200)
    await response.text()
    const request = world.upstream.requests.at(-1)
    expect(request?.path).toBe('/v1/models?x=1')
    expect(request?.key).toBe('sk-of-the-deployment-1')
    expect(request?.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': expect.stringContaining('127.0.0.1'),
    })
    expect((await world.records(user.id)).interceptions).toHaveLength(before)
  })

  it.each([
    '/openai/v1/files',
    '/openai/v1/completions',
    '/openai/v1/models/..%2Ffiles',
    '/openai/v1/responses/',
    '/nope/v1/messages',
    '/nope',
    '/openai',
    '/openai/',
    '/anthropic/v1/chat/completions',
  ])('AG-3: %s is not', async (path) => {
    const before = world.upstream.requests.length
    for (const method of ['GET', 'POST'])
      for (const prefix of ['/api/v2/ai-gateway', '/api/v2/aibridge']) {
        const response = await ask(path, { method, prefix })
        expect(response.status).toBe(404)
        expect(await response.text()).toContain(`route not supported: ${method} ${path}`)
      }
    expect(world.upstream.requests).toHaveLength(before)
  })

  it('AG-5, ID-96: nor are addresses of our own with another method, which is a wrong one', async () => {
    const sessions = await ask('/sessions', { method: 'POST' })
    expect([sessions.status, sessions.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await ask('/proxy')).status).toBe(404)
  })

  it('AG-3, AG-9: what is refused is named in the envelope of every family', async () => {
    const response = await ask('/openai/v1/files')
    expect(await response.json()).toEqual({
      message: 'route not supported: GET /openai/v1/files',
      type: 'error',
      error: {
        type: 'invalid_request_error',
        code: 'route_not_supported',
        message: 'route not supported: GET /openai/v1/files',
        param: null,
      },
      request_id: expect.any(String),
    })
  })

  it('AG-4: nor does one that is off', async () => {
    const { name } = await world.provider({ enabled: false })
    const response = await ask(`/${name}/anything`)
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('provider_disabled')
  })

  it('AG-33: nor requests that go on without their client', async () => {
    const response = await ask('/openai/v1/responses', { body: { model: 'm', input: 'x', background: true } })
    expect(response.status).toBe(501)
    expect(await response.text()).toContain('currently not supported by AI Gateway","code":"501"')
  })

  it('AG §4: nor bodies that are too long', async () => {
    const body = 'x'.repeat(33 * 1024 * 1024)
    const response = await ask(CHAT, { body })
    expect(response.status).toBe(413)
    expect(await response.text()).toContain(
      'Request body too large. The maximum allowed request body size is 32MiB.',
    )
  })
})

describe('AG-51: failures', () => {
  it('AG-53: a key that is limited gives way, and AG-54 says so when none is left', async () => {
    const { name } = await world.provider({ api_keys: ['sk-a-0123456789', 'sk-b-0123456789'] })
    world.upstream.answer = ({ key }) =>
      key === 'sk-a-0123456789' ? { status: 429, headers: { 'Retry-After': '5' } } : says('Hi')
    expect((await ask(`/${name}/v1/chat/completions`, { body: hello })).status).toBe(200)
    world.upstream.answer = () => ({ status: 429, headers: { 'Retry-After': '3' } })
    const response = await ask(`/${name}/v1/chat/completions`, { body: hello })
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3'])
    expect((await ask(`/${name}/v1/models`)).status).toBe(429)
  })

  it('AG-B3: an answer that is cut off says so in the words of its API', async () => {
    world.upstream.play({ steps: ['one ', { cut: 'reset' }] })
    const chat = await (await ask(CHAT, { body: { ...hello, stream: true } })).text()
    expect(chat).toContain('"code":"upstream_disconnected"')
    expect(chat).not.toContain('[DONE]')
    world.upstream.play({ steps: ['one ', { cut: 'reset' }] })
    const messages = await (
      await ask('/anthropic/v1/messages', { body: { ...hello, max_tokens: 1, stream: true } })
    ).text()
    expect(messages).toContain('event: error')
    expect(messages).not.toContain('message_stop')
  })

  it('AG-11: a failure of ours is never one of the token', async () => {
    const fresh = (await client.call(createToken, { params: { user: 'me' }, body: { token_name: 'fresh' } }))
      .key
    await sql`alter table api_keys rename to elsewhere`.execute(world.database.db)
    try {
      const response = await ask(CHAT, { body: hello, headers: { authorization: `Bearer ${fresh}` } })
      expect(response.status).toBe(500)
      expect(await response.json()).toMatchObject({ error: { code: 'internal_error' } })
    } finally {
      await sql`alter table elsewhere rename to api_keys`.execute(world.database.db)
    }
  })
})

describe('AG-63: overload', () => {
  const other = async (env: Record<string, string>) => {
    const busy = await GatewayWorld.start(env)
    const { name } = await busy.provider({ name: 'openai' })
    const key = (await busy.owner.call(createToken, { params: { user: 'me' }, body: {} })).key
    const headers = { authorization: `Bearer ${key}` }
    return { busy, name, key, headers, server: busy.server.url }
  }

  it('AG-64: so many at once, released however a request ends', async () => {
    const { busy, headers, server } = await other({ CODER_AI_GATEWAY_MAX_CONCURRENCY: '1' })
    await using _ = busy
    const open = async (signal?: AbortSignal) => {
      busy.upstream.play({ steps: ['one ', { stall: true }] })
      const response = await ask(CHAT, {
        server,
        headers,
        body: { ...hello, stream: true },
        ...(signal === undefined ? {} : { signal }),
      })
      expect(response.status).toBe(200)
      return response
    }
    const caller = new AbortController()
    await open(caller.signal)
    for (const prefix of ['/api/v2/ai-gateway', '/api/v2/aibridge']) {
      const refused = await ask('/openai/v1/models', { server, headers, prefix })
      expect(refused.status).toBe(503)
      expect(await refused.json()).toMatchObject({
        message: 'AI Bridge is currently at capacity. Please try again later.',
      })
    }
    // AG-69
    expect(
      (await ask('/sessions', { server, headers: { 'coder-session-token': headers.authorization.slice(7) } }))
        .status,
    ).toBe(200)
    caller.abort()
    await until('the place to be free', async () => {
      const response = await ask('/openai/v1/models', { server, headers })
      await response.text()
      return response.status === 200
    })
  })

  it('AG-65, ID-125: so many in a second from each token', async () => {
    const { busy, key, headers, server } = await other({ CODER_AI_GATEWAY_RATE_LIMIT: '2' })
    await using _ = busy
    const statuses = async (given: Record<string, string>) =>
      Promise.all(
        [1, 2, 3, 4, 5].map(async () => {
          const response = await ask('/openai/v1/models', { server, headers: given })
          const text = await response.text()
          if (response.status === 429) {
            expect(response.headers.get('retry-after')).toBe('1')
            expect(JSON.parse(text)).toMatchObject({
              message: "You've been rate limited. Please try again later.",
            })
          }
          return response.status
        }),
      )
    const burst = await statuses({ ...headers, 'x-coder-bypass-ratelimit': 'true' })
    expect(burst.filter((status) => status === 429).length).toBeGreaterThanOrEqual(1)
    expect(burst.filter((status) => status === 200).length).toBeGreaterThanOrEqual(2)
    // Another header with the same token is the same caller; whoever has none is counted by address.
    expect(
      (await statuses({ 'x-api-key': key })).filter((status) => status === 429).length,
    ).toBeGreaterThanOrEqual(1)
    expect((await statuses({})).filter((status) => status === 429).length).toBeGreaterThanOrEqual(1)
  })
})
