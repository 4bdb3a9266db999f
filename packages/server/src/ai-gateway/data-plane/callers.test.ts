import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken, type User, upsertUserAIBudgetOverride } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

// Who may ask for what, and what of that reaches a provider (rows of the chapter's table that no other test has whole).

let world: GatewayWorld
let client: Client
let user: User
let token: string
let serial = 0
/** Of the server's log. */
const lines: Record<string, unknown>[] = []

beforeAll(async () => {
  const log = createLogger({
    level: 'info',
    sink: { write: (line) => void lines.push(JSON.parse(line)) },
  })
  world = await GatewayWorld.start({}, log)
  await world.provider({ name: 'openai' })
  await world.provider({ name: 'anthropic', type: 'anthropic', base_url: world.upstream.url })
  await world.provider({ name: 'copilot', type: 'copilot', base_url: world.upstream.url, api_keys: [] })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  serial += 1
  world.upstream.answer = ({ kind }) => (kind === 'models' ? undefined : says('Hi'))
  client = await world.server.user(`caller${serial}`)
  user = await world.account(client)
  token = await tokenOf(client)
})

const CHAT = '/openai/v1/chat/completions'
const MESSAGES = '/anthropic/v1/messages'
const MODELS = '/openai/v1/models'
const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }
const tokenOf = async (of: Client): Promise<string> =>
  (await of.call(createToken, { params: { user: 'me' }, body: {} })).key
const bearer = (key = token) => ({ authorization: `Bearer ${key}` })

interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly method?: string
  readonly server?: string
}

async function ask(path: string, { headers = bearer(), body, method, server }: Asked = {}) {
  const response = await fetch(`${server ?? world.server.url}/api/v2/ai-gateway${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const lastAsked = () => world.upstream.requests.at(-1)

describe('AG-15: headers', () => {
  it('AG-15, AG-18: what belongs to the provider goes on, what is ours or of the connection does not', async () => {
    const forwarded = {
      'user-agent': 'codex_cli_rs/0.87.0',
      'anthropic-beta': 'a,b',
      'anthropic-version': '2023-06-01',
      'openai-organization': 'org-1',
      'x-stainless-lang': 'js',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    }
    const kept = {
      te: 'trailers',
      'proxy-authorization': 'Basic eDp5',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '1',
      forwarded: 'for=10.0.0.1',
      cookie: 'coder_session_token=x',
      'coder-session-token': 'x',
      'x-coder-ai-governance-request-id': 'x',
      'x-coder-anything': 'x',
      'x-ai-bridge-actor-id': 'x',
      'x-ai-bridge-actor-metadata-username': 'x',
    }
    for (const path of [CHAT, MESSAGES]) {
      await ask(path, { body: hello, headers: { ...bearer(), ...forwarded, ...kept } })
      const headers = lastAsked()?.headers ?? {}
      expect(headers).toMatchObject(forwarded)
      expect(Object.keys(kept).filter((name) => name in headers)).toEqual([])
      // Nothing of a library that we might use for it.
      expect(Object.keys(headers).filter((name) => /^x-(?!stainless-lang|api-key)/.test(name))).toEqual([])
    }
    await ask(MODELS, { headers: { ...bearer(), ...forwarded, ...kept } })
    const passed = lastAsked()?.headers ?? {}
    expect(
      Object.keys(passed).filter((name) => /^(?:cookie|coder-|x-coder-|x-ai-bridge-)/.test(name)),
    ).toEqual([])
    expect(passed['x-forwarded-host']).not.toBe('evil.example')
  })

  it('AG-19: whoever names no client is named by us where a request is only relayed', async () => {
    await ask(MODELS, { headers: { ...bearer(), 'user-agent': 'mine/1', 'x-forwarded-for': '10.0.0.1' } })
    expect(lastAsked()?.headers).toMatchObject({ 'user-agent': 'mine/1', 'x-forwarded-for': '127.0.0.1' })
    const sent = httpRequest(`${world.server.url}/api/v2/ai-gateway${MODELS}`, { headers: bearer() })
    sent.end()
    const [answer]: IncomingMessage[] = await once(sent, 'response')
    answer?.resume()
    expect(answer?.statusCode).toBe(200)
    expect(lastAsked()?.headers['user-agent']).toBe('aibridge')
  })
})

describe('AG-10: credentials', () => {
  it('AG row 3 and 5: without one nobody is asked, HEAD neither, and that is no error of ours', async () => {
    const before = world.upstream.requests.length
    lines.length = 0
    // Claude Code looks whether its base URL is there.
    for (const path of [MODELS, '/anthropic'])
      for (const method of ['HEAD', 'GET', 'DELETE'])
        expect((await ask(path, { method, headers: {} })).status).toBe(400)
    for (const headers of [
      { 'coder-session-token': token },
      { authorization: `Bearer ${token} more` },
      { authorization: token },
    ])
      expect(await ask(CHAT, { body: hello, headers })).toMatchObject({
        status: 400,
        text: expect.stringContaining('no authentication key provided'),
      })
    const cookie = { cookie: `coder_session_token=${token}` }
    for (const asked of [
      await ask(MODELS, { headers: cookie }),
      await ask(CHAT, { body: hello, headers: cookie }),
      await ask(CHAT, { body: hello, headers: { ...cookie, 'coder-session-token': 'other' } }),
    ])
      expect(asked.text).toContain('no authentication key provided')
    expect((await ask(`${MODELS}?coder_session_token=${token}`, { headers: {} })).status).toBe(400)
    expect(world.upstream.requests).toHaveLength(before)
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('AG-10, AG-18: a cookie that comes along neither counts nor has to be proved', async () => {
    world.upstream.play(says('Hi'), says('Hi'))
    for (const name of ['x-api-key', 'x-coder-ai-governance-token']) {
      const headers = { cookie: `coder_session_token=${token}`, [name]: token }
      expect((await ask(CHAT, { body: hello, headers })).status, name).toBe(200)
    }
    expect(world.upstream.requests.at(-1)?.headers).not.toHaveProperty('cookie')
  })

  it('AG-10: the governance header counts before the others, and the scheme in any case', async () => {
    const headers = { 'x-coder-ai-governance-token': 'nonsense', ...bearer() }
    expect((await ask(MODELS, { headers })).status).toBe(403)
    const both = { authorization: `bEaReR ${token}`, 'x-api-key': 'nonsense' }
    expect((await ask(MODELS, { headers: both })).status).toBe(200)
  })

  it('AG-14: whoever announces a key and has none uses the one of the deployment', async () => {
    for (const [path, key] of [
      [CHAT, 'authorization'],
      [MESSAGES, 'x-api-key'],
    ] as const) {
      const headers = { 'x-coder-ai-governance-token': token }
      expect((await ask(path, { body: hello, headers })).status).toBe(200)
      expect(lastAsked()?.headers[key]).toContain('sk-of-the-deployment-1')
    }
    expect((await world.records(user.id)).interceptions).toMatchObject([
      { credential_kind: 'centralized' },
      { credential_kind: 'centralized' },
    ])
  })

  it('AG row 8: of two keys for Anthropic the one in X-Api-Key is used', async () => {
    const headers = {
      'x-coder-ai-governance-token': token,
      'x-api-key': 'sk-ant-0123456789abcdef',
      authorization: 'Bearer oauth-0123456789abcdef',
    }
    await ask(MESSAGES, { body: hello, headers })
    expect(lastAsked()?.headers['x-api-key']).toBe('sk-ant-0123456789abcdef')
    expect(lastAsked()?.headers).not.toHaveProperty('authorization')
    const { 'x-api-key': _, ...alone } = headers
    await ask(MESSAGES, { body: hello, headers: alone })
    expect(lastAsked()?.headers).toMatchObject({ authorization: 'Bearer oauth-0123456789abcdef' })
    expect(lastAsked()?.headers).not.toHaveProperty('x-api-key')
    expect((await world.records(user.id)).interceptions).toMatchObject([
      { credential_kind: 'byok', credential_hint: 'sk-a...cdef' },
      { credential_kind: 'byok', credential_hint: 'oaut...cdef' },
    ])
  })

  it('AG-14: Copilot is asked with what its users bring', async () => {
    const path = '/copilot/chat/completions'
    expect(await ask(path, { body: hello })).toMatchObject({
      status: 401,
      text: expect.stringContaining(
        'missing Copilot authorization: Authorization header not found or invalid',
      ),
    })
    const headers = { 'x-coder-ai-governance-token': token, authorization: 'Bearer gho_0123456789' }
    expect((await ask(path, { body: hello, headers })).status).toBe(200)
    expect(lastAsked()?.headers.authorization).toBe('Bearer gho_0123456789')
    expect((await world.records(user.id)).interceptions).toMatchObject([
      { provider: 'copilot', provider_name: 'copilot', credential_kind: 'byok' },
    ])
  })

  it('AG row 49: while the database is away that is a failure of ours, and is forgotten when it is back', async () => {
    const before = world.upstream.requests.length
    await sql`alter table api_keys rename to elsewhere`.execute(world.database.db)
    try {
      const refused = await ask(CHAT, { body: hello })
      expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
        500,
        { error: { type: 'api_error', code: 'internal_error' } },
      ])
      expect(world.upstream.requests).toHaveLength(before)
    } finally {
      await sql`alter table elsewhere rename to api_keys`.execute(world.database.db)
    }
    expect((await ask(CHAT, { body: hello })).status).toBe(200)
  })
})

describe('AG row 18: bodies', () => {
  it.each([
    ['chat', CHAT],
    ['messages', MESSAGES],
    ['responses', '/openai/v1/responses'],
    ['relayed only', '/openai/v1/conversations'],
  ])('AG row 18: one in pieces that is too long is refused: %s', async (_kind, path) => {
    const before = world.upstream.requests.length
    const piece = new Uint8Array(1024 * 1024).fill(32)
    let left = 33
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        left -= 1
        if (left < 0) controller.close()
        else controller.enqueue(piece)
      },
    })
    const response = await fetch(`${world.server.url}/api/v2/ai-gateway${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer() },
      body,
      duplex: 'half',
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({
      message: 'Request body too large. The maximum allowed request body size is 32MiB.',
      error: { code: 'request_too_large' },
    })
    expect(world.upstream.requests).toHaveLength(before)
    expect((await world.records(user.id)).interceptions).toEqual([])
  })

  it('AG-26: one that names no model is recorded as such, and one that is no JSON is not', async () => {
    await ask(CHAT, { body: { messages: [] } })
    expect((await world.records(user.id)).interceptions).toMatchObject([{ model: 'coder-aibridge-unknown' }])
    for (const body of ['{"model":', '[]', 'null'])
      expect(await ask(CHAT, { body })).toMatchObject({
        status: 400,
        text: expect.stringContaining('"code":"invalid_request"'),
      })
    expect((await world.records(user.id)).interceptions).toHaveLength(1)
  })

  it('AG-86: a session with a long name is known by its digest', async () => {
    for (const length of [256, 257])
      await ask(CHAT, {
        body: hello,
        headers: { ...bearer(), 'user-agent': 'codex_cli_rs/1', 'session-id': 's'.repeat(length) },
      })
    expect((await world.records(user.id)).interceptions.map((row) => row.client_session_id)).toEqual([
      's'.repeat(256),
      // Of 257 times the letter.
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ])
  })
})

describe('AG-54: keys of the deployment that do not help', () => {
  it.each([
    ['row 26', [429, 429, 429], [5, 3, 10], 429, '3', 'rate_limit_error', 'rate_limit_exceeded'],
    ['row 27', [401, 401], [], 502, null, 'api_error', 'keys_refused'],
    ['one of both', [401, 429], [0, 7], 429, '7', 'rate_limit_error', 'rate_limit_exceeded'],
  ] as const)('AG-54: %s', async (_row, statuses, seconds, status, retryAfter, type, code) => {
    const keys = statuses.map((_, index) => `sk-${index}-of-the-row`)
    const { name } = await world.provider({ api_keys: keys })
    world.upstream.answer = ({ key = '' }) => {
      const index = keys.indexOf(key)
      const wait = seconds[index] ?? 0
      return {
        status: statuses[index] ?? 500,
        ...(wait === 0 ? {} : { headers: { 'Retry-After': String(wait) } }),
      }
    }
    const before = world.upstream.requests.length
    const refused = await ask(`/${name}/v1/chat/completions`, { body: hello })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([status, retryAfter])
    expect(JSON.parse(refused.text)).toMatchObject({
      message:
        status === 429
          ? `all configured keys are rate-limited (retry after ${retryAfter}s)`
          : 'all configured keys failed authentication. Contact your Administrator',
      error: { type, code },
    })
    expect(world.upstream.requests.slice(before).map(({ key }) => key)).toEqual(keys)
    expect((await world.records(user.id)).interceptions).toMatchObject([
      { error_type: status === 429 ? 'rate_limited' : 'unauthorized' },
    ])
  })
})

it('AG-8: whoever has spent their budget sees no list of models either', async () => {
  const organization = user.organization_ids[0] ?? ''
  await world.owner.call(upsertUserAIBudgetOverride, {
    params: { user: user.username },
    body: { group_id: organization, spend_limit_micros: 0 },
  })
  const before = world.upstream.requests.length
  for (const [path, method] of [
    [MODELS, 'GET'],
    [MODELS, 'HEAD'],
    ['/nope/v1/models', 'GET'],
  ] as const)
    expect((await ask(path, { method })).status).toBe(403)
  expect((await ask(MODELS)).text).toContain(
    'AI budget of US$0.00 exceeded. Please contact an administrator for more details.',
  )
  expect(world.upstream.requests).toHaveLength(before)
})

it('§2.1: any method reaches what is listed, with its query', async () => {
  world.upstream.answer = () => ({ status: 200, body: '{}' })
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    expect((await ask('/openai/v1/conversations/c-1?x=1&y=%20', { method })).status).toBe(200)
    expect([lastAsked()?.method, lastAsked()?.path]).toEqual([method, '/v1/conversations/c-1?x=1&y=%20'])
  }
})

it('AG-7: the limit of the whole API holds here too, for each user and path, and comes first', async () => {
  await using limited = await GatewayWorld.start({ CODER_API_RATE_LIMIT: '8' })
  await limited.provider({ name: 'openai' })
  const server = limited.server.url
  const headers = bearer(await tokenOf(limited.owner))
  const answers = []
  for (let asked = 0; asked < 9; asked += 1) answers.push(await ask(MODELS, { server, headers }))
  expect(answers.slice(0, 8).map(({ status }) => status)).toEqual(Array(8).fill(200))
  const refused = answers.at(-1)
  expect(refused?.status).toBe(429)
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(JSON.parse(refused?.text ?? '')).toMatchObject({
    message: "You've been rate limited for sending more than 8 requests in 1m0s.",
    error: { type: 'rate_limit_error', code: 'rate_limited' },
  })
  expect((await ask(`${MODELS}/gpt`, { server, headers })).status).not.toBe(429)
})

it('AG row 12 and 14: callers have rates of their own, and the places come first', async () => {
  await using busy = await GatewayWorld.start({
    CODER_AI_GATEWAY_RATE_LIMIT: '1',
    CODER_AI_GATEWAY_MAX_CONCURRENCY: '1',
  })
  await busy.provider({ name: 'openai' })
  const server = busy.server.url
  const other = await busy.server.user('other')
  for (const of of [busy.owner, other])
    expect((await ask(MODELS, { server, headers: bearer(await tokenOf(of)) })).status).toBe(200)
  const open = new AbortController()
  busy.upstream.play({ steps: ['one', { stall: true }] })
  const held = await fetch(`${server}/api/v2/ai-gateway${CHAT}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer(await tokenOf(other)) },
    body: JSON.stringify({ ...hello, stream: true }),
    signal: open.signal,
  })
  expect(held.status).toBe(200)
  const third = bearer(await tokenOf(other))
  for (const _ of [1, 2, 3]) expect((await ask(MODELS, { server, headers: third })).status).toBe(503)
  open.abort()
  await until(
    'the place to be free',
    async () => (await ask(MODELS, { server, headers: third })).status === 200,
  )
})
