import Anthropic from '@anthropic-ai/sdk'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createToken,
  deleteUser,
  getAIGatewaySession,
  listAIGatewaySessions,
  type User,
  updateAIProvider,
} from '@slipway/contract'
import { callsTools, Gate, says, until } from '@slipway/testkit'
import { GatewayWorld } from './gateway.fixture.ts'

// Rows of the table "How to test it" of the gateway's chapter that no other test has whole.

let world: GatewayWorld
let client: Client
let user: User
let token: string
let serial = 0

beforeAll(async () => {
  world = await GatewayWorld.start()
  await world.provider({ name: 'openai' })
  for (const name of ['anthropic', 'b'])
    await world.provider({ name, type: 'anthropic', base_url: world.upstream.url })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  serial += 1
  world.upstream.answer = ({ kind }) => (kind === 'models' ? undefined : says('Hi there'))
  client = await world.server.user(`asker${serial}`)
  user = await world.account(client)
  token = await tokenOf(client)
})

const tokenOf = async (of: Client): Promise<string> =>
  (await of.call(createToken, { params: { user: 'me' }, body: {} })).key

const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }

function ask(path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(`${world.server.url}/api/v2/ai-gateway${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}
const bearer = (key = token) => ({ authorization: `Bearer ${key}` })
const CHAT = '/openai/v1/chat/completions'
const JSON_TYPE = expect.stringMatching(/^application\/json\b/)
const MESSAGES = '/anthropic/v1/messages'

it('AG row 1 and 2: a blocking chat and a message, with the token where the key goes', async () => {
  const answer = await ask(CHAT, hello, bearer())
  const { id } = JSON.parse(await answer.text())
  expect(answer.headers.get('x-slipway-interception-id')).toBe(id)
  expect(world.upstream.requests.at(-1)?.key).toBe('sk-of-the-deployment-1')
  const message = await ask(MESSAGES, { ...hello, max_tokens: 9 }, { 'x-api-key': token })
  expect(message.status).toBe(200)
  expect(world.upstream.requests.at(-1)?.headers).toMatchObject({ 'x-api-key': 'sk-of-the-deployment-1' })
  await message.text()
  const { interceptions, prompts, tokens } = await world.records(user.id)
  expect(interceptions[0]?.id).toBe(id)
  expect([interceptions.length, prompts.map(({ prompt }) => prompt), tokens.length]).toEqual([
    2,
    ['Say hi', 'Say hi'],
    2,
  ])
})

it('AG row 4: a wrong secret, an expired token and a deleted user are refused alike', async () => {
  const [id = ''] = token.split('-')
  const expired = await tokenOf(client)
  await sql`update api_keys set expires_at = now() - interval '1 minute' where id = ${expired.split('-')[0]}`.execute(
    world.database.db,
  )
  const gone = await world.server.user(`gone${serial}`)
  const ofGone = await tokenOf(gone)
  await world.owner.call(deleteUser, { params: { user: `gone${serial}` } })
  const before = world.upstream.requests.length
  const bodies = new Set<string>()
  for (const key of [`${id}-${'x'.repeat(22)}`, expired, ofGone]) {
    const refused = await ask(CHAT, hello, bearer(key))
    expect(refused.status).toBe(403)
    const { request_id: _id, ...body } = JSON.parse(await refused.text())
    bodies.add(JSON.stringify(body))
  }
  expect([...bodies]).toEqual([expect.stringContaining('unauthorized')])
  expect(world.upstream.requests).toHaveLength(before)
})

it('AG-9: whatever is refused is of a type that clients know', async () => {
  await world.provider({ name: 'resting', enabled: false })
  await world.provider({ name: 'keyless', api_keys: [] })
  for (const [path, body, headers, status, type, code] of [
    [CHAT, hello, {}, 400, 'invalid_request_error', 'invalid_request'],
    [CHAT, [1], bearer(), 400, 'invalid_request_error', 'invalid_request'],
    ['/keyless/v1/chat/completions', hello, bearer(), 401, 'authentication_error', 'missing_credential'],
    [CHAT, hello, bearer('nonsense'), 403, 'permission_error', 'unauthorized'],
    ['/openai/v1/files', hello, bearer(), 404, 'invalid_request_error', 'route_not_supported'],
    [CHAT, 'x'.repeat(33 * 1024 * 1024), bearer(), 413, 'invalid_request_error', 'request_too_large'],
    ['/resting/v1/models', hello, bearer(), 503, 'overloaded_error', 'provider_disabled'],
  ] as const) {
    const refused = await ask(path, body, headers)
    expect([refused.status, refused.headers.get('content-type')]).toEqual([status, JSON_TYPE])
    const { message, ...envelope } = JSON.parse(await refused.text())
    expect(message).toMatch(/./)
    expect(envelope).toEqual({
      type: 'error',
      error: { type, code, message, param: null },
      request_id: refused.headers.get('x-coder-request-id'),
    })
  }
})

it('AG-12: the session of a login asks as well as a token that was made to last', async () => {
  const session = client.headers['Coder-Session-Token'] ?? ''
  for (const key of [session, token]) expect((await ask(CHAT, hello, bearer(key))).status).toBe(200)
  const { interceptions } = await world.records(user.id)
  expect(interceptions.map(({ api_key_id }) => api_key_id)).toEqual(
    [session, token].map((key) => key.split('-')[0]),
  )
})

it('AG row 13: without limits 200 requests at once all pass', { timeout: 60_000 }, async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const answer = await ask(CHAT, hello, bearer())
      await answer.text()
      return answer.status
    }),
  )
  expect(answers.filter((status) => status !== 200)).toEqual([])
  expect((await world.records(user.id)).interceptions).toHaveLength(200)
})

describe('AG row 32 and 33: turns of a tool call', () => {
  const claude = (key: string, session: string) =>
    new Anthropic({
      baseURL: `${world.server.url}/api/v2/ai-gateway/anthropic`,
      authToken: key,
      apiKey: null,
      maxRetries: 0,
      defaultHeaders: {
        'user-agent': 'claude-cli/2.0.67 (external, cli)',
        ...(session === '' ? {} : { 'x-claude-code-session-id': session }),
      },
    })
  const turn = (id: string): Anthropic.MessageCreateParamsNonStreaming => ({
    model: 'claude-test',
    max_tokens: 9,
    messages: [
      { role: 'user', content: 'List' },
      { role: 'assistant', content: [{ type: 'tool_use', id, name: 'ls', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'a b' }] },
    ],
  })
  const first: Anthropic.MessageCreateParamsNonStreaming = {
    model: 'claude-test',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'List' }],
  }

  it('AG-80: two turns are one thread of one session, told with its tools, but not to another user', async () => {
    const call = `toolu_${serial}`
    world.upstream.answer = ({ text }) =>
      text.includes('a b') ? says('Two files') : callsTools({ id: call, name: 'ls', args: { path: '.' } })
    await claude(token, '').messages.create(first)
    await claude(token, '').messages.create(turn(call))
    const other = await world.server.user(`other${serial}`)
    await claude(await tokenOf(other), '').messages.create(turn(call))
    const list = async (initiator: string) =>
      (await world.owner.call(listAIGatewaySessions, { query: { q: `initiator:${initiator}` } })).sessions
    const [session, ...more] = await list(user.id)
    expect([session?.threads, more]).toEqual([1, []])
    const shown = await world.owner.call(getAIGatewaySession, {
      params: { session_id: session?.id ?? '' },
      query: {},
    })
    const { interceptions } = await world.records(user.id)
    const [begun, went] = interceptions
    expect(went).toMatchObject({ thread_parent_id: begun?.id, thread_root_id: begun?.id })
    expect(shown.threads).toMatchObject([
      {
        id: begun?.id,
        prompt: 'List',
        requests: [{ id: begun?.id }, { id: went?.id }],
        agentic_actions: [
          { interception_id: begun?.id, tool_calls: [{ tool: 'ls', input: '{"path":"."}' }] },
        ],
      },
    ])
    const theirs = await world.records((await world.account(other)).id)
    expect(theirs.interceptions).toMatchObject([{ thread_parent_id: null, thread_root_id: null }])
  })
})

describe('AG row 34: who asks, and in which session', () => {
  const CLIENTS: readonly (readonly [
    client: string,
    session: string | null,
    headers: Record<string, string>,
  ])[] = [
    ['Mux', 's', { 'user-agent': 'mux/1.0', 'x-mux-workspace-id': 's' }],
    ['Claude Code', 's', { 'user-agent': 'claude-cli/2.0.67', 'x-claude-code-session-id': ' s ' }],
    ['Codex', 's', { 'user-agent': 'codex_cli_rs/0.87.0', 'session-id': 's', session_id: 'other' }],
    ['Codex', 'older', { 'user-agent': 'Codex/0.1', session_id: 'older' }],
    ['Zed', null, { 'user-agent': 'Zed/0.200.0', 'x-session-id': 's' }],
    ['GitHub Copilot (VS Code)', 's', { 'user-agent': 'GitHubCopilotChat/0.26', 'x-interaction-id': 's' }],
    ['GitHub Copilot (CLI)', 's', { 'user-agent': 'copilot/1.0', 'x-client-session-id': 's' }],
    ['Kilo Code', 's', { 'user-agent': 'Kilo-Code/4.0', 'x-kilocode-taskid': 's' }],
    ['Kilo Code', null, { 'user-agent': 'x', originator: 'kilo-code' }],
    ['Roo Code', null, { 'user-agent': 'roo-code/3.0' }],
    ['Roo Code', null, { 'user-agent': 'x', originator: 'roo-code' }],
    ['Charm Crush', null, { 'user-agent': 'Charm Crush/0.1' }],
    ['Charm Crush', null, { 'user-agent': 'charm-crush/0.1' }],
    ['Cursor', null, { 'user-agent': 'x', 'x-cursor-client-version': '1.0' }],
    ['OpenCode', 's', { 'user-agent': 'opencode/1.0', 'x-opencode-session': 's' }],
    ['OpenCode', 'older', { 'user-agent': 'opencode/1.0', 'x-session-affinity': 'older' }],
    ['Junie', null, { 'user-agent': 'Junie: 1.0' }],
    ['Unknown', null, { 'user-agent': 'python-requests/2.0', 'session-id': 's' }],
  ]

  it.each(CLIENTS)('AG-87: %s in session %s of %j', async (name, session, headers) => {
    await (await ask(CHAT, hello, { ...bearer(), ...headers })).text()
    const { interceptions } = await world.records(user.id)
    expect(interceptions).toMatchObject([{ client: name, client_session_id: session }])
  })

  it('AG-88: Claude Code names its session in the body too', async () => {
    for (const [user_id, session] of [
      [JSON.stringify({ session_id: 'new' }), 'new'],
      ['user_1_account_2_session_old', 'old'],
      ['nobody', null],
    ]) {
      const body = { ...hello, max_tokens: 9, metadata: { user_id } }
      await (await ask(MESSAGES, body, { ...bearer(), 'user-agent': 'claude-cli/2.0.67' })).text()
      expect((await world.records(user.id)).interceptions.at(-1)?.client_session_id).toBe(session)
    }
  })
})

it('AG row 38: a new address holds for the next request, on every replica, and cuts no stream', async () => {
  const { name } = await world.provider()
  const chat = `/${name}/v1/chat/completions`
  await until('the provider', async () => (await ask(chat, hello, bearer())).status === 200)
  const gate = new Gate()
  world.upstream.answer = ({ text }) =>
    text.includes('stream') ? { steps: ['one ', { wait: gate.opened }, 'two'] } : says('Hi')
  const stream = await ask(chat, { ...hello, stream: true }, bearer())
  const base_url = `${world.upstream.url}/moved/v1`
  await world.owner.call(updateAIProvider, { params: { idOrName: name }, body: { base_url } })
  await (await ask(chat, hello, bearer())).text()
  expect(world.upstream.requests.at(-1)?.path).toBe('/moved/v1/chat/completions')
  await until('the other replica', () => world.providers.find(name)?.baseUrl === base_url)
  gate.open()
  const text = await stream.text()
  expect([text.includes('two'), text.includes('[DONE]')]).toEqual([true, true])
})

it('AG row 46 and 47: providers of one type are told apart by name, in records and metrics of both prefixes', async () => {
  for (const provider of ['anthropic', 'b'])
    await (
      await world.gateway.fetchFor({ ownerId: user.id, provider })(`${world.upstream.url}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'x' },
        body: JSON.stringify({ ...hello, max_tokens: 9 }),
      })
    ).text()
  const { interceptions } = await world.records(user.id)
  expect(interceptions.map((row) => [row.provider, row.provider_name])).toEqual([
    ['anthropic', 'anthropic'],
    ['anthropic', 'b'],
  ])
  const named = (name: string) =>
    world.owner.call(listAIGatewaySessions, { query: { q: `provider_name:${name} initiator:${user.id}` } })
  expect((await named('b')).sessions.map(({ id }) => id)).toEqual([interceptions[1]?.id])
  // AG-92: an id is no name, and would find nothing.
  await expect(named(world.providers.find('b')?.id ?? '')).rejects.toMatchObject({
    status: 400,
    validations: [{ field: 'provider_name' }],
  })
  const metrics = await world.context.metrics.metrics()
  for (const prefix of ['coder_ai_gateway_', 'coder_aibridged_'])
    for (const provider of ['anthropic', 'b']) {
      const of = (name: string): string =>
        metrics.split('\n').find((line) => {
          const labels = [`provider="${provider}"`, `initiator_id="${user.id}"`]
          return line.startsWith(`${prefix}${name}{`) && labels.every((label) => line.includes(label))
        }) ?? ''
      expect(of('interceptions_total')).toMatch(
        /model="gpt-test",status="completed",route="\/v1\/messages",method="POST",.*client="Coder Agents"\} 1$/,
      )
      expect(of('prompts_total')).toMatch(/ 1$/)
      expect(of('tokens_total')).toMatch(/type="input"/)
      expect(metrics).toMatch(
        new RegExp(`^${prefix}interceptions_duration_seconds_count\\{provider="${provider}",.* \\d+$`, 'm'),
      )
    }
})

it('AG row 49: while keys cannot be looked up nobody is refused for theirs, and it works afterwards', async () => {
  const { db } = world.database
  const before = world.upstream.requests.length
  await db.schema.alterTable('api_keys').renameTo('elsewhere').execute()
  try {
    const failed = await ask(CHAT, hello, bearer())
    expect([failed.status, await failed.json()]).toMatchObject([500, { error: { code: 'internal_error' } }])
  } finally {
    await db.schema.alterTable('elsewhere').renameTo('api_keys').execute()
  }
  expect(world.upstream.requests).toHaveLength(before)
  expect((await ask(CHAT, hello, bearer())).status).toBe(200)
})

it('AG row 48: variables of the server’s environment never become credentials', async () => {
  vi.stubEnv('OPENAI_API_KEY', 'leak')
  try {
    const { name } = await world.provider({ api_keys: [] })
    const before = world.upstream.requests.length
    const refused = await ask(`/${name}/v1/chat/completions`, hello, bearer())
    expect([refused.status, await refused.json()]).toMatchObject([
      401,
      { error: { code: 'missing_credential' } },
    ])
    expect(world.upstream.requests).toHaveLength(before)
    const own = { 'x-coder-ai-governance-token': token, authorization: 'Bearer sk-of-the-user-1' }
    await (await ask(`/${name}/v1/chat/completions`, hello, own)).text()
    expect(JSON.stringify(world.upstream.requests.at(-1)?.headers)).not.toContain('leak')
  } finally {
    vi.unstubAllEnvs()
  }
})
