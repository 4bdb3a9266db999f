import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createToken,
  getAIGatewaySession,
  getUser,
  listAIBridgeInterceptions,
  listAIGatewayModels,
  listAIGatewaySessions,
  type User,
  updateOrganizationAIPrivacy,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let user: User

beforeAll(async () => {
  server = await startTestServer()
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
  user = await member.call(getUser, { params: { user: 'me' } })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** A minute of the day on which everything here happened. */
const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 10, minute))

/** What the gateway has noted at the first request. */
const notes = {
  attempts: [
    { provider: 'first', model: 'gpt-a', error: '503' },
    { provider: 'openai', model: 'gpt-a' },
  ],
  guardrails: { secrets: { decision: 'redacted', findings: { 'github token': 2 } } },
}

/** Three threads of one session: the first with two requests, the second failed, the third asked for another model. */
async function conversation(session: string, initiator = user.id) {
  const { db } = database
  const of = { initiator_id: initiator, client: 'Codex', client_session_id: session }
  const first = await fixtures.aibridgeInterception(db, {
    ...of,
    model: 'gpt-a',
    credential_hint: 'sk-a...9f2c',
    metadata: JSON.stringify({ Username: 'member', ...notes }),
    started_at: at(0),
    ended_at: at(1),
  })
  const second = await fixtures.aibridgeInterception(db, {
    ...of,
    model: 'gpt-b',
    thread_root_id: first.id,
    thread_parent_id: first.id,
    started_at: at(2),
    ended_at: at(3),
  })
  const failed = await fixtures.aibridgeInterception(db, {
    ...of,
    started_at: at(4),
    ended_at: at(5),
    credential_kind: 'byok',
    error_type: 'overloaded',
    error_message: 'Overloaded',
  })
  const last = await fixtures.aibridgeInterception(db, {
    ...of,
    model: 'claude-haiku-4-5',
    requested_model: 'fast',
    provider: 'anthropic',
    provider_name: 'second',
    started_at: at(6),
    ended_at: at(7),
  })
  // In flight: nobody sees it yet.
  await fixtures.aibridgeInterception(db, { ...of, started_at: at(8), ended_at: null })
  await fixtures.aibridgeUserPrompt(db, { interception: first, prompt: 'list', created_at: at(0) })
  await fixtures.aibridgeUserPrompt(db, { interception: last, prompt: 'again', created_at: at(6) })
  for (const interception of [first, second, last])
    await fixtures.aibridgeTokenUsage(db, {
      interception,
      input_tokens: 5,
      output_tokens: 2,
      cache_read_input_tokens: 3,
      cost_micros: interception === last ? null : 40,
      metadata: '{"reasoning":7,"audio":{"in":1,"kind":"pcm"},"incomplete":true}',
    })
  const tool = await fixtures.aibridgeToolUsage(db, {
    interception: first,
    tool: 'ls',
    input: '{"path":"."}',
  })
  await fixtures.aibridgeModelThought(db, { interception: first, content: 'look around' })
  return { first, second, failed, last, tool }
}

const show = (session: string, query: Record<string, string | number> = {}, client = owner) =>
  client.call(getAIGatewaySession, { params: { session_id: session }, query })

describe('AG-93: a session', () => {
  it('AG-93: has its threads in order, each with what its first request says and what all have used', async () => {
    const id = randomUUID()
    const { first, second, failed, last, tool } = await conversation(id)
    const session = await show(id)
    expect(session).toMatchObject({
      id,
      initiator: { id: user.id, username: 'member' },
      client: 'Codex',
      providers: ['anthropic', 'openai'],
      models: ['claude-haiku-4-5', 'gpt-a', 'gpt-b', 'gpt-test'],
      started_at: at(0).toISOString(),
      ended_at: at(7).toISOString(),
      page_started_at: at(0).toISOString(),
      page_ended_at: at(7).toISOString(),
      token_usage_summary: {
        input_tokens: 15,
        output_tokens: 6,
        cache_read_input_tokens: 9,
        cache_write_input_tokens: 0,
        // Numbers are added up, wherever they are; all else is left out.
        metadata: { reasoning: 21, 'audio.in': 3 },
      },
      cost_micros: 80,
      thread_count: 3,
      truncated: false,
    })
    expect(session.threads.map((thread) => thread.id)).toEqual([first.id, failed.id, last.id])
    const used = {
      input_tokens: 5,
      output_tokens: 2,
      cache_read_input_tokens: 3,
      cache_write_input_tokens: 0,
      metadata: { reasoning: 7, 'audio.in': 1 },
    }
    expect(session.threads[0]).toEqual({
      id: first.id,
      prompt: 'list',
      provider: 'openai',
      provider_name: 'openai',
      model: 'gpt-a',
      credential_kind: 'centralized',
      credential_hint: 'sk-a...9f2c',
      started_at: at(0).toISOString(),
      ended_at: at(3).toISOString(),
      token_usage: {
        input_tokens: 10,
        output_tokens: 4,
        cache_read_input_tokens: 6,
        cache_write_input_tokens: 0,
        metadata: { reasoning: 14, 'audio.in': 2 },
      },
      cost_micros: 80,
      agentic_actions: [
        {
          interception_id: first.id,
          model: 'gpt-a',
          thinking: [{ text: 'look around' }],
          tool_calls: [
            {
              id: tool.id,
              interception_id: first.id,
              provider_response_id: tool.provider_response_id,
              server_url: '',
              tool: 'ls',
              input: '{"path":"."}',
              injected: false,
              metadata: {},
              created_at: tool.created_at.toISOString(),
            },
          ],
          token_usage: used,
        },
      ],
      requests: [
        expect.objectContaining({
          id: first.id,
          token_usage: used,
          cost_micros: 40,
          ...notes,
          metadata: { Username: 'member', ...notes },
        }),
        expect.objectContaining({ id: second.id, model: 'gpt-b', ended_at: at(3).toISOString() }),
      ],
    })
    expect(session.threads[1]).toMatchObject({
      credential_kind: 'byok',
      error_type: 'overloaded',
      error_message: 'Overloaded',
      cost_micros: null,
      agentic_actions: [],
    })
    expect(session.threads[2]).toMatchObject({
      provider: 'anthropic',
      provider_name: 'second',
      model: 'claude-haiku-4-5',
      requested_model: 'fast',
      cost_micros: null,
    })
  })

  it('AG-93: is paged in both directions, and its sums stay those of the whole', async () => {
    const id = randomUUID()
    const { first, failed, last } = await conversation(id)
    const page = async (query: Record<string, string | number>) => {
      const { threads, token_usage_summary, thread_count } = await show(id, query)
      expect([token_usage_summary.input_tokens, thread_count]).toEqual([15, 3])
      return threads.map((thread) => thread.id)
    }
    expect(await page({ limit: 1 })).toEqual([first.id])
    expect(await page({ limit: 1, after_id: first.id })).toEqual([failed.id])
    expect(await page({ after_id: failed.id })).toEqual([last.id])
    expect(await page({ after_id: last.id })).toEqual([])
    // The last ones before it, still the oldest first.
    expect(await page({ limit: 1, before_id: last.id })).toEqual([failed.id])
    expect(await page({ limit: 2, before_id: last.id })).toEqual([first.id, failed.id])
    const middle = await show(id, { limit: 1, after_id: first.id })
    expect([middle.page_started_at, middle.page_ended_at]).toEqual([at(4).toISOString(), at(5).toISOString()])
  })

  it('AG-93: cursors and limits that cannot be are refused', async () => {
    const id = randomUUID()
    const { first, second } = await conversation(id)
    const foreign = await conversation(randomUUID())
    for (const query of [
      { after_id: randomUUID() },
      { after_id: 'x' },
      { before_id: foreign.first.id },
      { after_id: second.id },
      { after_id: first.id, before_id: first.id },
    ] as Record<string, string>[])
      await expect(show(id, query), JSON.stringify(query)).rejects.toMatchObject({
        status: 400,
        message: 'Invalid pagination cursor.',
      })
    for (const limit of [201, -1])
      await expect(show(id, { limit })).rejects.toMatchObject({
        status: 400,
        message: 'Invalid pagination limit value.',
      })
  })

  it('AG-93: is found by any of its requests too, under both names of the gateway (AG-1)', async () => {
    const id = `  odd/id ${randomUUID()}%`
    const { second } = await conversation(id)
    expect((await show(second.id)).id).toBe(id)
    const path = `/api/v2/aibridge/sessions/${encodeURIComponent(id)}`
    const former = await fetch(server.url + path, { headers: owner.headers })
    expect(await former.json()).toMatchObject({ id, thread_count: 3 })
    const alone = await fixtures.aibridgeInterception(database.db, { initiator_id: user.id })
    expect(await show(alone.id)).toMatchObject({ id: alone.id, thread_count: 1, threads: [{ id: alone.id }] })
  })

  it('AG-93: without one there is nothing, nor for who may not read it (AG-139)', async () => {
    const id = randomUUID()
    await conversation(id)
    await expect(show(randomUUID())).rejects.toMatchObject({ status: 404, message: 'Session not found.' })
    await expect(show(id, {}, member)).rejects.toMatchObject({ status: 404, message: 'Session not found.' })
    const running = await fixtures.aibridgeInterception(database.db, { ended_at: null })
    await expect(show(running.id)).rejects.toMatchObject({ status: 404 })
    const auditor = await server.user('reader', ['auditor'])
    expect((await show(id, {}, auditor)).thread_count).toBe(3)
  })

  it('AG-93: a thread whose first request is gone is told by the next', async () => {
    const id = randomUUID()
    const root = randomUUID()
    const rest = await fixtures.aibridgeInterception(database.db, {
      client_session_id: id,
      thread_root_id: root,
      thread_parent_id: root,
      model: 'gpt-rest',
    })
    const { threads } = await show(id)
    expect(threads).toMatchObject([{ id: root, model: 'gpt-rest', requests: [{ id: rest.id }] }])
  })

  it('AG-91: long texts are cut for readers', async () => {
    const id = randomUUID()
    const { second, first } = await conversation(id)
    await fixtures.aibridgeUserPrompt(database.db, {
      interception: second,
      prompt: 'p'.repeat(100_000),
      created_at: at(60),
    })
    await fixtures.aibridgeToolUsage(database.db, { interception: first, input: 'i'.repeat(100_000) })
    const { threads, last_prompt } = await show(id)
    expect([last_prompt?.length, threads[0]?.requests[1]?.prompt?.length]).toEqual([16_384, 16_384])
    expect(threads[0]?.agentic_actions[0]?.tool_calls.map(({ input }) => input.length)).toContain(16_384)
    const { sessions } = await owner.call(listAIGatewaySessions, { query: { q: `session_id:${id}` } })
    expect(sessions[0]).toMatchObject({ cost_micros: 80 })
    expect(sessions[0]?.last_prompt).toHaveLength(16_384)
  })
})

describe('AG row 36: two users under one session id', () => {
  it('AG-94: are two sessions that never mix, and the one that was active last is meant', async () => {
    const id = randomUUID()
    await conversation(id)
    const other = await fixtures.user(database.db)
    const theirs = await fixtures.aibridgeInterception(database.db, {
      initiator_id: other.id,
      client_session_id: id,
      started_at: at(30),
      ended_at: at(31),
    })
    await fixtures.aibridgeTokenUsage(database.db, { interception: theirs, input_tokens: 1000 })
    const { sessions } = await owner.call(listAIGatewaySessions, { query: { q: `session_id:${id}` } })
    expect(
      sessions.map(({ initiator, token_usage_summary, threads }) => [
        initiator.id,
        token_usage_summary.input_tokens,
        threads,
      ]),
    ).toEqual([
      [other.id, 1000, 1],
      [user.id, 15, 3],
    ])
    expect(await show(id)).toMatchObject({
      initiator: { id: other.id },
      thread_count: 1,
      token_usage_summary: { input_tokens: 1000 },
      threads: [{ id: theirs.id, token_usage: { input_tokens: 1000 } }],
    })
    for (const initiator of [user.id, 'member', 'Member'])
      expect(await show(id, { initiator })).toMatchObject({
        initiator: { id: user.id },
        thread_count: 3,
        token_usage_summary: { input_tokens: 15 },
      })
    await expect(show(id, { initiator: 'me' })).rejects.toMatchObject({ status: 404 })
    await expect(show(id, { after_id: theirs.id, initiator: 'member' })).rejects.toMatchObject({
      status: 400,
    })
    // By a request of theirs it is theirs, whoever was active last.
    expect((await show(theirs.id)).initiator.id).toBe(other.id)
  })
})

describe('AG-96: the list of older clients', () => {
  const list = (query: Record<string, string | number> = {}, client = owner) =>
    client.call(listAIBridgeInterceptions, { query })

  it('AG-96: has each request with what was recorded of it, those that began last in front', async () => {
    const { first, second, failed, last, tool } = await conversation(randomUUID())
    const of = `initiator:member started_after:"2026-01-01T09:59:00Z" started_before:"2026-01-01T10:07:00Z"`
    const { results } = await list({ q: of })
    const own = new Set([first.id, second.id, failed.id, last.id])
    expect(results.filter(({ id }) => own.has(id)).map(({ id }) => id)).toEqual([
      last.id,
      failed.id,
      second.id,
      first.id,
    ])
    expect(results.find(({ id }) => id === first.id)).toEqual({
      id: first.id,
      api_key_id: null,
      initiator: expect.objectContaining({ id: user.id, username: 'member' }),
      provider: 'openai',
      model: 'gpt-a',
      client: 'Codex',
      metadata: { Username: 'member', ...notes },
      started_at: at(0).toISOString(),
      ended_at: at(1).toISOString(),
      token_usages: [
        expect.objectContaining({ interception_id: first.id, input_tokens: 5, output_tokens: 2 }),
      ],
      user_prompts: [expect.objectContaining({ interception_id: first.id, prompt: 'list' })],
      tool_usages: [
        expect.objectContaining({
          id: tool.id,
          tool: 'ls',
          input: '{"path":"."}',
          server_url: '',
          injected: false,
          invocation_error: '',
        }),
      ],
    })
  })

  it('AG-96: is paged and searched', async () => {
    const model = randomUUID()
    for (const minute of [1, 2, 3])
      await fixtures.aibridgeInterception(database.db, { model, started_at: at(minute), ended_at: at(9) })
    const q = `model:${model}`
    const ids = (await list({ q })).results.map(({ id }) => id)
    const pagesOf = async (count: number) => {
      const after = await list({ q, limit: 1, after_id: ids[0] ?? '' })
      expect([after.count, after.results.map(({ id }) => id)]).toEqual([count, ids.slice(1, 2)])
      const page = await list({ q, offset: 2, limit: 1 })
      expect([page.count, page.results.map(({ id }) => id)]).toEqual([count, ids.slice(2)])
    }
    await pagesOf(3)
    await sql`
      insert into aibridge_interceptions
        (id, initiator_id, provider, provider_name, model, credential_kind, started_at, ended_at)
      select gen_random_uuid(), ${user.id}, 'openai', 'openai', ${model}, 'centralized',
             ${at(1)}::timestamptz - n * interval '1 second', ${at(9)}
        from generate_series(1, 10000) n`.execute(database.db)
    await pagesOf(10_003)
    await sql`delete from aibridge_interceptions where model = ${model} and started_at < ${at(1)}`.execute(
      database.db,
    )
    for (const query of [
      { limit: 1001 },
      { q: 'session_id:x' },
      { q: 'provider_name:openai' },
      { q: 'free text' },
      { after_id: randomUUID() },
      { after_id: 'x' },
      { after_id: ids[0] ?? '', offset: 1 },
    ] as Record<string, string | number>[])
      await expect(list(query), JSON.stringify(query)).rejects.toMatchObject({ status: 400 })
    expect(await list({}, member)).toEqual({ count: 0, results: [] })
  })
})

describe('AG-B16: own sessions', () => {
  it('AG-B16: are read where all organizations of a user let them, and no others', async () => {
    const id = randomUUID()
    await conversation(id)
    const stranger = await fixtures.aibridgeInterception(database.db, { client_session_id: id })
    const list = (client = member) => client.call(listAIGatewaySessions, { query: {} })
    expect((await list()).count).toBe(0)
    const allow = (own_sessions: boolean) =>
      owner.call(updateOrganizationAIPrivacy, {
        params: { organization: user.organization_ids[0] ?? '' },
        body: { own_sessions },
      })
    await allow(true)
    const { sessions } = await until('own sessions', async () => {
      const found = await list()
      return found.count > 0 ? found : undefined
    })
    expect(new Set(sessions.map(({ initiator }) => initiator.id))).toEqual(new Set([user.id]))
    expect(await show(id, {}, member)).toMatchObject({ initiator: { id: user.id }, thread_count: 3 })
    await expect(show(stranger.id, {}, member)).rejects.toMatchObject({ status: 404 })
    await expect(show(id, { initiator: stranger.initiator_id }, member)).rejects.toMatchObject({
      status: 404,
    })
    const { results } = await member.call(listAIBridgeInterceptions, { query: {} })
    expect(new Set(results.map(({ initiator }) => initiator.id))).toEqual(new Set([user.id]))
    expect(await member.call(listAIGatewayModels, { query: { q: 'claude-haiku' } })).toEqual([
      'claude-haiku-4-5',
    ])
    // A token that may do other things only reads none.
    const { key } = await member.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    const narrow = await fetch(`${server.url}/api/v2/ai-gateway/sessions`, {
      headers: { 'Coder-Session-Token': key },
    })
    expect(narrow.ok ? await narrow.json() : { count: 0, count_cap: 10_000, sessions: [] }).toEqual({
      count: 0,
      count_cap: 10_000,
      sessions: [],
    })
    const elsewhere = await fixtures.organization(database.db)
    await fixtures.organizationMember(database.db, { organization: elsewhere, user_id: user.id })
    await until('the other organization', async () => ((await list()).count === 0 ? true : undefined))
    await allow(false)
  })
})
