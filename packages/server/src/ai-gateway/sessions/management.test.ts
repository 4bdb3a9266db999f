import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createGroup,
  deleteGroupAIBudget,
  deleteUserAIBudgetOverride,
  getGroupAIBudget,
  getUser,
  getUserAIBudgetOverride,
  getUserAISpend,
  listAIGatewayClients,
  listAIGatewayModels,
  listAIGatewaySessions,
  listAuditLogs,
  type User,
  updateGroup,
  upsertGroupAIBudget,
  upsertUserAIBudgetOverride,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let user: User
let organizationId: string

beforeAll(async () => {
  server = await startTestServer()
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
  user = await member.call(getUser, { params: { user: 'me' } })
  organizationId = user.organization_ids[0] ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function restart(): Promise<void> {
  await server.stop()
  await server.start()
  owner = await server.owner()
  member = new Client({ url: server.url, token: member.headers['Coder-Session-Token'] })
}

describe('AG-112: budgets', () => {
  const group = async () => {
    const made = await owner.call(createGroup, {
      params: { organization: organizationId },
      body: { name: `g-${randomUUID().slice(0, 8)}` },
    })
    await owner.call(updateGroup, {
      params: { group: made.id },
      body: { add_users: [user.id], remove_users: [] },
    })
    return made
  }
  const spend = (client = member) => client.call(getUserAISpend, { params: { user: 'member' } })

  it('AG-112: of a group are set, read and taken away, with entries', async () => {
    const { id, name } = await group()
    const params = { group: id }
    await expect(owner.call(getGroupAIBudget, { params })).rejects.toMatchObject({ status: 404 })
    await owner.call(upsertGroupAIBudget, { params, body: { spend_limit_micros: 1_000_000_000_000 } })
    await owner.call(upsertGroupAIBudget, { params, body: { spend_limit_micros: 12_000_000 } })
    expect(await member.call(getGroupAIBudget, { params })).toMatchObject({
      group_id: id,
      spend_limit_micros: 12_000_000,
    })
    expect(await spend()).toMatchObject({
      effective_group_id: id,
      effective_budget: { spend_limit_micros: 12_000_000, limit_source: 'group' },
      current_spend_micros: 0,
      period_start: expect.stringMatching(/-01T00:00:00\.000Z$/),
    })
    for (const spend_limit_micros of [-1, 1.5, 1_000_000_000_001])
      await expect(
        owner.call(upsertGroupAIBudget, { params, body: { spend_limit_micros } }),
      ).rejects.toMatchObject({ status: 400, message: 'Invalid AI spend limit.' })
    await expect(
      member.call(upsertGroupAIBudget, { params, body: { spend_limit_micros: 1 } }),
    ).rejects.toMatchObject({ status: 403 })
    await owner.call(deleteGroupAIBudget, { params })
    await expect(owner.call(deleteGroupAIBudget, { params })).rejects.toMatchObject({ status: 404 })
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: `resource_type:group_ai_budget resource_target:${name}`, limit: 10 },
    })
    const done = audit_logs.filter(({ status_code }) => status_code < 400).toReversed()
    expect(done.map(({ action }) => action)).toEqual(['write', 'write', 'delete'])
    expect(done[1]?.diff).toMatchObject({ spend_limit: { old: '$1000000.00', new: '$12.00' } })
  })

  it('AG-115: of a user are charged to a group that they are in, and end with that', async () => {
    const params = { user: 'member' }
    const { id } = await group()
    const strange = await owner.call(createGroup, {
      params: { organization: organizationId },
      body: { name: 'strangers' },
    })
    await expect(
      owner.call(upsertUserAIBudgetOverride, {
        params,
        body: { group_id: strange.id, spend_limit_micros: 5 },
      }),
    ).rejects.toMatchObject({
      status: 400,
      message: 'User is not a member of the referenced group.',
      validations: [{ field: 'group_id' }],
    })
    await owner.call(upsertUserAIBudgetOverride, { params, body: { group_id: id, spend_limit_micros: 5 } })
    expect(await member.call(getUserAIBudgetOverride, { params })).toMatchObject({
      user_id: user.id,
      group_id: id,
      spend_limit_micros: 5,
    })
    expect(await spend()).toMatchObject({ effective_budget: { limit_source: 'user_override' } })
    await expect(member.call(deleteUserAIBudgetOverride, { params })).rejects.toMatchObject({ status: 403 })
    await owner.call(updateGroup, { params: { group: id }, body: { add_users: [], remove_users: [user.id] } })
    await expect(owner.call(getUserAIBudgetOverride, { params })).rejects.toMatchObject({ status: 404 })
    await owner.call(upsertUserAIBudgetOverride, {
      params,
      body: { group_id: organizationId, spend_limit_micros: 0 },
    })
    await owner.call(deleteUserAIBudgetOverride, { params })
    await expect(owner.call(deleteUserAIBudgetOverride, { params })).rejects.toMatchObject({ status: 404 })
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:user_ai_budget_override', limit: 20 },
    })
    const done = audit_logs.filter(({ status_code }) => status_code < 400).toReversed()
    expect(done.map(({ action }) => action)).toEqual(['write', 'write', 'delete'])
    expect(done[2]?.diff).toMatchObject({ spend_limit: { old: '$0.00', new: '' } })
  })

  it('AG-139: what others spend is not to be seen', async () => {
    const other = await server.user('onlooker')
    await expect(spend(other)).rejects.toMatchObject({ status: 404 })
    expect((await spend(owner)).user_id).toBe(user.id)
  })
})

describe('AG-89: sessions', () => {
  const session = randomUUID()
  const list = (query: Record<string, string | number> = {}, client = owner) =>
    client.call(listAIGatewaySessions, { query })

  beforeAll(async () => {
    const { db } = database
    const of = { initiator_id: user.id, client: 'Codex', client_session_id: session }
    const first = await fixtures.aibridgeInterception(db, {
      ...of,
      metadata: '{"Username":"member"}',
      model: 'gpt-b',
      started_at: new Date('2026-01-01T10:00:00Z'),
      ended_at: new Date('2026-01-01T10:00:05Z'),
    })
    const second = await fixtures.aibridgeInterception(db, {
      ...of,
      model: 'gpt-a',
      thread_root_id: first.id,
      thread_parent_id: first.id,
      started_at: new Date('2026-01-01T10:01:00Z'),
      ended_at: new Date('2026-01-01T10:01:05Z'),
    })
    for (const interception of [first, second])
      await fixtures.aibridgeTokenUsage(db, { interception, input_tokens: 5, output_tokens: 2 })
    await fixtures.aibridgeUserPrompt(db, {
      interception: first,
      prompt: 'early',
      created_at: new Date('2026-01-01T10:00:00Z'),
    })
    await fixtures.aibridgeUserPrompt(db, {
      interception: second,
      prompt: 'late',
      created_at: new Date('2026-01-01T10:01:00Z'),
    })
    // In flight, and somebody else under the same name.
    await fixtures.aibridgeInterception(db, {
      initiator_id: user.id,
      client_session_id: session,
      ended_at: null,
    })
    await fixtures.aibridgeInterception(db, {
      client_session_id: session,
      started_at: new Date('2026-01-02T10:00:00Z'),
    })
  })
  it('AG-90: add up what belongs to one user', async () => {
    const { count, sessions } = await list({ q: `session_id:${session}` })
    expect(count).toBe(2)
    expect(sessions[1]).toEqual({
      id: session,
      initiator: {
        id: user.id,
        username: 'member',
        name: expect.any(String),
        avatar_url: expect.any(String),
      },
      client: 'Codex',
      providers: ['openai'],
      models: ['gpt-a', 'gpt-b'],
      metadata: { Username: 'member' },
      started_at: '2026-01-01T10:00:00.000Z',
      ended_at: '2026-01-01T10:01:05.000Z',
      last_active_at: '2026-01-01T10:01:00.000Z',
      threads: 1,
      token_usage_summary: {
        input_tokens: 10,
        output_tokens: 4,
        cache_read_input_tokens: 0,
        cache_write_input_tokens: 0,
      },
      cost_micros: null,
      last_prompt: 'late',
    })
  })

  it('AG-91: are paged, and AG-92 searched', async () => {
    const { db } = database
    for (const model of ['m-1', 'm-2', 'm-3'])
      await fixtures.aibridgeInterception(db, { initiator_id: user.id, model, client: 'Zed' })
    await fixtures.aibridgeInterception(db, { client_session_id: 'Sess-Ab' })
    for (const [id, count] of [
      ['Sess-Ab', 1],
      ['Sess-A', 0],
      [session.toUpperCase(), 2],
    ] as const)
      expect((await list({ q: `session_id:${id}` })).count).toBe(count)
    const all = (await list({ q: 'client:zed' })).sessions.map(({ id }) => id)
    expect(all).toHaveLength(3)
    const first = await list({ q: 'client:zed', limit: 1 })
    expect([first.count, first.sessions.map(({ id }) => id)]).toEqual([3, all.slice(0, 1)])
    const rest = await list({ q: 'client:zed', after_session_id: all[0] ?? '' })
    expect([rest.count, rest.sessions.map(({ id }) => id)]).toEqual([3, all.slice(1)])
    expect(await list({ q: 'client:zed', offset: 9 })).toEqual({ count: 3, count_cap: 10_000, sessions: [] })
    expect((await list({ q: 'model:m-3' })).count).toBe(1)
    expect((await list({ q: 'initiator:me' })).count).toBe(0)
    expect((await list({ q: `initiator:${user.id} client:codex` })).count).toBe(1)
    expect((await list({ q: 'started_before:"2026-01-01T10:00:30Z" client:"Codex"' })).count).toBe(1)
    for (const query of [
      { limit: 0 },
      { limit: 1001 },
      { limit: -1 },
      { q: 'free text' },
      { q: 'nonsense:1' },
      { q: 'provider_name:absent' },
      { q: 'started_after:"2026-01-02T00:00:00Z" started_before:"2026-01-01T00:00:00Z"' },
      { after_session_id: randomUUID() },
      { after_session_id: all[0] ?? '', offset: 1 },
    ] as Record<string, string | number>[])
      await expect(list(query)).rejects.toMatchObject({ status: 400 })
  })

  it('AG-91: go on behind the session of one user, where another has one of that id', async () => {
    const shared = randomUUID()
    const at = new Date('2026-01-03T10:00:00Z')
    const of = { client: 'Shared', started_at: at, ended_at: at }
    for (const client_session_id of [shared, shared, shared, randomUUID()])
      await fixtures.aibridgeInterception(database.db, { ...of, client_session_id })
    const q = 'client:shared'
    const all = (await list({ q })).sessions
    expect(all).toHaveLength(4)
    const seen = []
    for (let last = all[0]; last !== undefined; ) {
      seen.push(last)
      const after = { after_session_id: last.id, after_initiator_id: last.initiator.id }
      last = (await list({ q, limit: 1, ...after })).sessions[0]
    }
    expect(seen).toEqual(all)
    await expect(list({ q, after_session_id: shared })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'after_initiator_id' }],
    })
    for (const after_initiator_id of [user.id, 'nobody'])
      await expect(list({ q, after_session_id: shared, after_initiator_id })).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'after_session_id' }],
      })
    await sql`delete from aibridge_interceptions where client = 'Shared'`.execute(database.db)
  })

  it('AG-91: are in the same order on every page, however few of many requests are read for it', async () => {
    const { id } = await fixtures.user(database.db, { username: 'busy' })
    // Sessions that were asked long ago and go on, and such as nobody asked anything in, lie between the others.
    const { rows } = await sql<{ id: string }>`
      with made as (
        insert into aibridge_interceptions
          (id, initiator_id, provider, provider_name, model, credential_kind, client_session_id, started_at, ended_at)
        select gen_random_uuid(), ${id}, 'openai', 'openai', 'm', 'centralized', 'busy-' || s,
               date '2026-02-01' + (s * 10 + r * case when s % 2 = 0 then 1500 else 20 end) * interval '1 second',
               date '2026-02-01' + (s * 10 + r * case when s % 2 = 0 then 1500 else 20 end + 15) * interval '1 second'
          from generate_series(1, 1200) s, generate_series(0, 2) r
        returning id, client_session_id, started_at, ended_at),
      asked as (
        select m.* from made m where split_part(m.client_session_id, '-', 2)::int % 5 > 0
           and m.started_at = (select min(o.started_at) from made o where o.client_session_id = m.client_session_id)),
      prompts as (
        insert into aibridge_user_prompts (id, interception_id, provider_response_id, prompt, created_at)
        select gen_random_uuid(), id, 'r', 'hi', ended_at from asked)
      select m.client_session_id as id from made m left join asked a using (client_session_id)
       group by 1 order by coalesce(max(a.ended_at), min(m.started_at)) desc, 1 desc`.execute(database.db)
    const q = 'initiator:busy'
    const wanted = rows.map((row) => row.id)
    const ids = async (query: Record<string, string | number>) =>
      (await list({ q, ...query })).sessions.map((session) => session.id)
    expect((await list({ q, limit: 1 })).count).toBe(1200)
    for (const offset of [0, 3, 70, 1190])
      expect(await ids({ limit: 20, offset })).toEqual(wanted.slice(offset, offset + 20))
    for (const place of [0, 50, 600, 1195])
      expect(await ids({ limit: 7, after_session_id: wanted[place] ?? '' })).toEqual(
        wanted.slice(place + 1, place + 8),
      )
    expect(await ids({ limit: 1000 })).toEqual(wanted.slice(0, 1000))
    await sql`delete from aibridge_interceptions where initiator_id = ${id}`.execute(database.db)
  })

  it('AG-139: auditors see all, members none, not even their own', async () => {
    const auditor = await server.user('auditor', ['auditor'])
    expect((await list({}, auditor)).count).toBeGreaterThan(2)
    expect(await list({}, member)).toEqual({ count: 0, count_cap: 10_000, sessions: [] })
    expect(await member.call(listAIGatewayModels, { query: {} })).toEqual([])
  })

  it('AG-5, AG-95: models and clients that were seen, under both names of the gateway (AG-1)', async () => {
    expect(await owner.call(listAIGatewayModels, { query: { q: 'm-' } })).toEqual(['m-1', 'm-2', 'm-3'])
    expect(await owner.call(listAIGatewayModels, { query: { q: 'model:m-', limit: 1, offset: 1 } })).toEqual([
      'm-2',
    ])
    expect(await owner.call(listAIGatewayClients, { query: {} })).toEqual(['Codex', 'Unknown', 'Zed'])
    for (const prefix of ['ai-gateway', 'aibridge']) {
      const models = await fetch(`${server.url}/api/v2/${prefix}/models?q=m-`, { headers: owner.headers })
      expect(await models.json()).toEqual(['m-1', 'm-2', 'm-3'])
    }
    // Another spelling is another name; what is under way has none.
    const more = [
      { model: 'M-2', client: 'zed' },
      { model: 'm-0', client: 'Junie', ended_at: null },
    ]
    for (const columns of more)
      await fixtures.aibridgeInterception(database.db, { initiator_id: user.id, ...columns })
    const models = await owner.call(listAIGatewayModels, { query: { q: 'M-' } })
    expect(models.toSorted()).toEqual(['M-2', 'm-1', 'm-2', 'm-3'])
    const clients = await owner.call(listAIGatewayClients, { query: {} })
    expect(clients.toSorted()).toEqual(['Codex', 'Unknown', 'Zed', 'zed'])
    expect(await owner.call(listAIGatewayClients, { query: { q: 'client:Z', limit: 1, offset: 2 } })).toEqual(
      [],
    )
    const former = await fetch(`${server.url}/api/v2/aibridge/sessions?limit=1`, { headers: owner.headers })
    expect(await former.json()).toMatchObject({ sessions: [{ id: expect.any(String) }] })
  })
})

describe('AG-135: retention', () => {
  it('AG-135: old requests go with all that belongs to them, and what was spent stays', async () => {
    await using old = await startTestServer({ env: { CODER_AI_GATEWAY_RETENTION: '1h' } })
    await using own = await openDatabase(old.databaseUrl)
    const { db } = own
    const interception = await fixtures.aibridgeInterception(db, {
      started_at: new Date(Date.now() - 2 * 3_600_000),
    })
    const young = await fixtures.aibridgeInterception(db)
    for (const of of [interception, young]) {
      await fixtures.aibridgeTokenUsage(db, { interception: of })
      await fixtures.aibridgeUserPrompt(db, { interception: of })
      await fixtures.aibridgeToolUsage(db, { interception: of })
      await fixtures.aibridgeModelThought(db, { interception: of })
    }
    // AG-138: nobody serves this one any more.
    const lost = await fixtures.aibridgeInterception(db, {
      started_at: new Date(Date.now() - 25 * 3_600_000),
      ended_at: null,
    })
    await fixtures.aiUserDailySpend(db)
    await old.stop()
    await old.start()
    await until('the purge', async () => {
      const rows = await db.selectFrom('aibridge_interceptions').select('id').execute()
      return rows.length === 1 && rows[0]?.id === young.id
    })
    for (const table of [
      'aibridge_token_usages',
      'aibridge_user_prompts',
      'aibridge_tool_usages',
      'aibridge_model_thoughts',
    ] as const)
      expect(await db.selectFrom(table).select('interception_id').execute()).toEqual([
        { interception_id: young.id },
      ])
    expect(await db.selectFrom('ai_user_daily_spend').selectAll().execute()).toHaveLength(1)
    expect(lost.ended_at).toBeNull()
  })

  it('AG-138: requests that nobody serves any more are ended', async () => {
    const { id } = await fixtures.aibridgeInterception(database.db, {
      started_at: new Date(Date.now() - 25 * 3_600_000),
      ended_at: null,
    })
    const { id: fresh } = await fixtures.aibridgeInterception(database.db, { ended_at: null })
    await restart()
    const row = (of: string) =>
      database.db
        .selectFrom('aibridge_interceptions')
        .selectAll()
        .where('id', '=', of)
        .executeTakeFirstOrThrow()
    await until('its end', async () => (await row(id)).ended_at)
    expect(await row(id)).toMatchObject({ error_type: 'unknown' })
    expect((await row(fresh)).ended_at).toBeNull()
    await sql`delete from aibridge_interceptions where id = ${fresh}`.execute(database.db)
  })
})
