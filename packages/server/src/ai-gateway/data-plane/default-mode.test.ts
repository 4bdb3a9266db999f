import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createToken,
  getAIGatewaySession,
  listAIGatewaySessions,
  type UpdateAIGatewaySettingsRequest,
  type User,
  updateAIGatewaySettings,
  upsertAIModelPrices,
  upsertUserAIBudgetOverride,
} from '@slipway/contract'
import { callsTools, Gate, says, type Turn, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'
import { WebhookReceiver } from '../webhook-receiver.fixture.ts'

// What other files show of a strict gateway, as it is where nobody has made it strict (decision 16): over HTTP, with records
// that come within a moment.

const CHAT = '/openai/v1/chat/completions'
const RESPONSES = '/openai/v1/responses'
const MESSAGES = '/anthropic/v1/messages'
const hello = { model: 'm', max_tokens: 9, input: 'Say hi', messages: [{ role: 'user', content: 'Say hi' }] }
const STREAM = { ...hello, stream: true }

let world: GatewayWorld
let hook: WebhookReceiver
let client: Client
let user: User
let token: string
let serial = 0

beforeAll(async () => {
  world = await GatewayWorld.start({
    CODER_AI_GATEWAY_STRICT: 'false',
    CODER_AI_GATEWAY_WEBHOOK_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
  })
  hook = await WebhookReceiver.start()
  await world.provider({ name: 'openai' })
  await world.provider({ name: 'anthropic', type: 'anthropic', base_url: world.upstream.url })
})
afterAll(async () => {
  await hook[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})
beforeEach(async () => {
  serial += 1
  world.upstream.answer = () => undefined
  client = await world.server.user(`asker${serial}`)
  user = await world.account(client)
  token = await tokenOf(client)
})

const tokenOf = async (of: Client): Promise<string> =>
  (await of.call(createToken, { params: { user: 'me' }, body: {} })).key

function ask(
  path: string,
  body: unknown = STREAM,
  { signal, headers = {} }: { readonly signal?: AbortSignal; readonly headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${world.server.url}/api/v2/ai-gateway${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** The records of the user when so many requests have ended. */
const ended = (count: number) =>
  until(`${count} ends`, async () => {
    const records = await world.records(user.id)
    return records.interceptions.filter(({ ended_at }) => ended_at !== null).length === count
      ? records
      : undefined
  })

const set = (body: UpdateAIGatewaySettingsRequest) => world.owner.call(updateAIGatewaySettings, { body })

/** A value of a metric of the server; undefined while it is not there. */
async function metric(name: string): Promise<number | undefined> {
  const response = await fetch(`${world.server.url}/api/v2/debug/metrics`, { headers: world.owner.headers })
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

describe('AG-78, decision 16: what is recorded within a moment', () => {
  it.each([
    [CHAT, false],
    [CHAT, true],
    [RESPONSES, true],
    [MESSAGES, false],
    [MESSAGES, true],
  ])('AG row 1, 2, 19, 21: %s, streamed: %s', async (path, stream) => {
    world.upstream.play({ ...says('Hi'), usage: { input: 9, cached: 4, output: 2 } })
    const answer = await ask(path, { ...hello, stream })
    const id = answer.headers.get('x-slipway-interception-id')
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('Hi')])
    const { interceptions, prompts, tokens } = await ended(1)
    expect(interceptions).toMatchObject([
      { id, error_type: null, credential_hint: 'sk-o...nt-1', api_key_id: token.slice(0, 10) },
    ])
    expect(prompts).toMatchObject([{ interception_id: id, prompt: 'Say hi' }])
    expect(tokens).toMatchObject([
      { interception_id: id, input_tokens: 5, cache_read_input_tokens: 4, output_tokens: 2 },
    ])
  })

  it('AG row 22, 23, 24: how requests have failed', async () => {
    for (const [path, turn] of [
      [MESSAGES, { steps: ['The', { error: { type: 'overloaded_error', message: 'Overloaded' } }] }],
      [CHAT, { steps: ['one', { cut: 'reset' }] }],
      [RESPONSES, { status: 400, message: 'No' }],
      [CHAT, { connection: 'reset' }],
    ] as const) {
      world.upstream.play(turn)
      await (await ask(path)).text()
    }
    const { interceptions, tokens } = await ended(4)
    expect(interceptions.map(({ error_type }) => error_type)).toEqual([
      'overloaded',
      'server_error',
      'bad_request',
      'server_error',
    ])
    expect(tokens.map(({ metadata }) => metadata)).toContainEqual(
      expect.objectContaining({ incomplete: true }),
    )
  })

  it('AG row 32: turns of a tool call that follow each other at once are one thread of one session', async () => {
    const turns = 6
    const call = (turn: number) => `toolu_${serial}_${turn}`
    const body = (turn: number) => ({
      ...hello,
      messages: [
        ...hello.messages,
        ...(turn === 0
          ? []
          : [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: call(turn - 1) }] }]),
      ],
    })
    for (let turn = 0; turn < turns; turn += 1) {
      world.upstream.play(
        turn === turns - 1 ? says('Done') : callsTools({ id: call(turn), name: 'ls', args: { turn } }),
      )
      await (await ask(MESSAGES, { ...body(turn), stream: turn % 2 === 0 })).text()
    }
    const { interceptions, tools } = await ended(turns)
    const ids = interceptions.map(({ id }) => id)
    expect(tools).toHaveLength(turns - 1)
    expect(interceptions.map((row) => row.thread_parent_id)).toEqual([null, ...ids.slice(0, -1)])
    expect(new Set(interceptions.map((row) => row.session_id))).toEqual(new Set([ids[0]]))
    const { sessions } = await world.owner.call(listAIGatewaySessions, {
      query: { q: `initiator:${user.id}` },
    })
    expect(sessions).toMatchObject([{ threads: 1 }])
    const shown = await world.owner.call(getAIGatewaySession, {
      params: { session_id: sessions[0]?.id ?? '' },
      query: {},
    })
    expect(shown.threads[0]?.requests.map(({ id }) => id)).toEqual(ids)
  })

  it('AG-89: requests of one session of a client are one session', async () => {
    const headers = { 'user-agent': 'claude-cli/2.0.67', 'x-claude-code-session-id': `session-${serial}` }
    for (const stream of [true, false]) {
      world.upstream.play(says('Hi'))
      await (await ask(MESSAGES, { ...hello, stream }, { headers })).text()
    }
    await ended(2)
    const { sessions } = await world.owner.call(listAIGatewaySessions, {
      query: { q: `session_id:session-${serial}` },
    })
    expect(sessions).toMatchObject([{ id: `session-${serial}`, threads: 2, client: 'Claude Code' }])
  })

  it('AG-113: a budget holds for the next request of its user, whose records are waited for', async () => {
    const model = `priced-${serial}`
    await world.owner.call(upsertAIModelPrices, {
      body: {
        prices: [
          {
            provider: 'openai',
            model,
            input_price: 1_000_000,
            output_price: 0,
            cache_read_price: null,
            cache_write_price: null,
          },
        ],
      },
    })
    await world.owner.call(upsertUserAIBudgetOverride, {
      params: { user: user.id },
      body: { group_id: user.organization_ids[0] ?? '', spend_limit_micros: 10 },
    })
    world.upstream.answer = () => ({ ...says('Hi'), usage: { input: 10, output: 2 } })
    expect(await (await ask(CHAT, { ...STREAM, model })).text()).toContain('[DONE]')
    expect((await world.records(user.id)).tokens).toMatchObject([{ cost_micros: 10 }])
    const from = world.upstream.requests.length
    const refused = await ask(CHAT, { ...STREAM, model })
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { error: { code: 'budget_exceeded' } },
    ])
    expect(world.upstream.requests).toHaveLength(from)
  })
})

describe('AG-24: clients that leave', () => {
  const gone = { error_type: 'unknown', error_message: 'the client ended the request' }
  const END = 'data: {"type":"message_stop"}\n\n'
  const phases: readonly (readonly [string, Turn, string | undefined, object])[] = [
    ['before the answer', { connection: 'silent' }, undefined, gone],
    ['in the middle', { steps: ['one', { stall: true }] }, 'one', gone],
    [
      'behind its last event',
      {
        steps: [
          { raw: `data: {"type":"message_start","message":{"id":"1","usage":{"input_tokens":7}}}\n\n${END}` },
          { stall: true },
        ],
      },
      'message_stop',
      { error_type: null },
    ],
  ]

  it.each(phases)('AG-24: %s', async (_phase, turn, last, record) => {
    const left = new AbortController()
    world.upstream.play(turn)
    const asked = ask(MESSAGES, STREAM, { signal: left.signal })
    const request = await world.upstream.nextRequest(({ end }) => end === undefined)
    if (last !== undefined) {
      const reader = (await asked).body?.pipeThrough(new TextDecoderStream()).getReader()
      for (let seen = ''; !seen.includes(last); ) seen += (await reader?.read())?.value ?? ''
    }
    left.abort()
    if (last === undefined) await expect(asked).rejects.toThrow()
    expect(await request.ended()).toBe('aborted')
    expect((await ended(1)).interceptions).toMatchObject([record])
  })

  it('AG-24: while it is found out who asks: no provider is asked, and the place is free', async () => {
    await set({ max_concurrency_per_user: 1 })
    const left = new AbortController()
    const from = world.upstream.requests.length
    await world.database.db.transaction().execute(async (held) => {
      await sql`lock table user_ai_budget_overrides in access exclusive mode`.execute(held)
      const asked = ask(CHAT, STREAM, { signal: left.signal })
      await until('its budget to be looked up', async () => {
        const { rows } = await sql`
          select from pg_locks where relation = 'user_ai_budget_overrides'::regclass and not granted`.execute(
          held,
        )
        return rows.length > 0
      })
      left.abort()
      await expect(asked).rejects.toThrow()
    })
    world.upstream.answer = () => says('Hi')
    await until('the place to be free', async () => {
      const response = await ask(CHAT)
      await response.text()
      return response.status === 200
    })
    expect(world.upstream.requests).toHaveLength(from + 1)
    await set({ max_concurrency_per_user: 0 })
  })

  it('AG-24, AG-B13: in the queue: nobody is asked, nothing is recorded, and the next one has the turn', async () => {
    await set({ max_concurrency_per_user: 1, queue_length: 5, queue_timeout_ms: 60_000 })
    const waiting = () => metric('coder_ai_gateway_overload_waiting{limit="user_concurrency"}')
    const outcome = (of: string) =>
      metric(`coder_ai_gateway_overload_waits_total{limit="user_concurrency",outcome="${of}"}`)
    const gate = new Gate()
    world.upstream.answer = ({ text }) =>
      text.includes('hold') ? { steps: ['one ', { wait: gate.opened }] } : says('Hi')
    const holds = { ...STREAM, messages: [{ role: 'user', content: 'hold' }] }
    const from = world.upstream.requests.length
    // The server hears of the settings in a moment: until then all are let in.
    const left = new AbortController()
    const open = await ask(CHAT, holds)
    const impatient: Promise<unknown>[] = []
    await until('one to wait', async () => {
      if (impatient.length === 0 || world.upstream.requests.length > from + impatient.length)
        impatient.push(ask(CHAT, holds, { signal: left.signal }).catch(() => undefined))
      return (await waiting()) === 1
    })
    const asked = world.upstream.requests.length
    const patient = ask(CHAT)
    await until('another to wait', async () => (await waiting()) === 2)
    left.abort()
    await Promise.all(impatient)
    await until('it to be gone', async () => (await waiting()) === 1)
    expect(await outcome('left')).toBe(1)
    expect(world.upstream.requests).toHaveLength(asked)
    gate.open()
    await open.text()
    expect(await (await patient).text()).toContain('Hi')
    expect(world.upstream.requests).toHaveLength(asked + 1)
    await set({ max_concurrency_per_user: 0, queue_length: 0 })
  })

  it('AG-24, AG-B17: while a guardrail is asked: no provider is, and the place is free', async () => {
    hook.answer = ({ raw }) =>
      raw.includes('hold')
        ? new Promise<never>(() => undefined)
        : Promise.resolve({ status: 200, body: { action: 'allow' } })
    world.upstream.answer = () => says('Hi')
    await set({
      guardrails: { webhook_url: hook.url, webhook_fail_open: true, webhook_timeout_ms: 300 },
      max_concurrency_per_user: 1,
    })
    await until('the server to know of it', async () => {
      await (await ask(CHAT)).text()
      return hook.received.length > 0
    })
    const from = [world.upstream.requests.length, hook.received.length] as const
    const left = new AbortController()
    const holds = { ...STREAM, messages: [{ role: 'user', content: 'hold' }] }
    const asked = ask(CHAT, holds, { signal: left.signal })
    await until('the guardrail to be asked', () => hook.received.length > from[1])
    left.abort()
    await expect(asked).rejects.toThrow()
    await until('the place to be free', async () => {
      const response = await ask(CHAT)
      await response.text()
      return response.status === 200
    })
    expect(world.upstream.requests.slice(from[0]).map(({ text }) => text.includes('hold'))).toEqual([false])
    await set({ guardrails: { webhook_url: '' }, max_concurrency_per_user: 0 })
  })
})

it('AG-78, AG-B23: what the database refuses is lost and counted, and no more than that', async () => {
  const { db } = world.database
  const lost = async () => (await metric('coder_ai_gateway_records_lost_total{reason="refused"}')) ?? 0
  await sql`alter table aibridge_user_prompts add constraint no_odd check (prompt <> 'odd') not valid`.execute(
    db,
  )
  world.upstream.answer = () => says('Hi')
  const before = await lost()
  for (const content of ['one', 'odd', 'two'])
    await (await ask(CHAT, { ...STREAM, messages: [{ role: 'user', content }] })).text()
  const { prompts, tokens } = await ended(3)
  await sql`alter table aibridge_user_prompts drop constraint no_odd`.execute(db)
  expect(prompts.map(({ prompt }) => prompt).toSorted()).toEqual(['one', 'two'])
  expect(tokens).toHaveLength(3)
  expect(await lost()).toBe(before + 1)
})
