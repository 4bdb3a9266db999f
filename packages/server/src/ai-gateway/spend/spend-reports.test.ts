import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createGroup,
  deleteGroup,
  getGroupAISpend,
  getGroupMembersAISpend,
  getGroupMembersAISpendByOrganization,
  getOrganizationAISpendDaily,
  getOrganizationGroupsAISpend,
  getUser,
  type User,
  updateGroup,
  upsertGroupAIBudget,
  upsertGroupAILimits,
  upsertUserAIBudgetOverride,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import { systemActor } from '../../authz/index.ts'
import type { Database } from '../../database/index.ts'
import { listGroupSpend } from '../store/spend-reports.ts'

const DAY_MS = 86_400_000
const DEFAULT = { organization: 'default' }
let server: TestServer
let database: Database
let owner: Client
let member: Client
let user: User
let organizationId: string
let serial = 0

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  serial += 1
  member = await server.user(`member${serial}`)
  user = await member.call(getUser, { params: { user: 'me' } })
  organizationId = user.organization_ids[0] ?? ''
})

const group = async (members: readonly string[] = [user.id]): Promise<string> => {
  const { id } = await owner.call(createGroup, {
    params: DEFAULT,
    body: { name: `group-${serial}-${randomUUID().slice(0, 8)}` },
  })
  await owner.call(updateGroup, { params: { group: id }, body: { add_users: [...members] } })
  return id
}
const budget = (id: string, spend_limit_micros: number) =>
  owner.call(upsertGroupAIBudget, { params: { group: id }, body: { spend_limit_micros } })
const spend = (userId: string, groupId: string, micros: number, day = new Date()) =>
  fixtures.aiUserDailySpend(database.db, {
    user_id: userId,
    effective_group_id: groupId,
    spend_micros: micros,
    day: day.toISOString().slice(0, 10),
  })
const status = (code: number) => ({ status: code })
const month = () => {
  const now = new Date()
  return {
    period_start: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth())).toISOString(),
    period_end: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)).toISOString(),
  }
}

describe('AG-116: what groups have spent', () => {
  it('AG-116: all members together in this month, beside what they may', async () => {
    const other = await (await server.user(`other${serial}`)).call(getUser, { params: { user: 'me' } })
    const id = await group([user.id, other.id])
    const read = (client = owner) => client.call(getGroupAISpend, { params: { group: id } })
    expect(await read()).toEqual({
      group_id: id,
      current_spend_micros: 0,
      spend_limit_micros: null,
      total_spend_limit_micros: null,
      ...month(),
    })
    await spend(user.id, id, 5)
    await spend(other.id, id, 7)
    await spend(other.id, id, 100, new Date(Date.now() - 40 * DAY_MS))
    await budget(id, 50)
    expect(await read()).toMatchObject({
      current_spend_micros: 12,
      spend_limit_micros: 50,
      total_spend_limit_micros: 100,
    })
    await owner.call(upsertGroupAILimits, { params: { group: id }, body: { total_spend_limit_micros: 70 } })
    // Members of the organization may read its groups, and no others.
    expect(await read(member)).toMatchObject({ total_spend_limit_micros: 70 })
    const elsewhere = await fixtures.group(database.db)
    for (const [client, params] of [
      [member, { group: elsewhere.id }],
      [owner, { group: randomUUID() }],
    ] as const)
      await expect(client.call(getGroupAISpend, { params })).rejects.toMatchObject(status(404))
  })

  it('AG-116: what a group of very many may spend together is still a number', async () => {
    const organization = await fixtures.organization(database.db)
    const { id } = await fixtures.group(database.db, { organization })
    await budget(id, 1_000_000_000_000)
    const actor = systemActor('aibridged', 'a test reads what a group may spend')
    const undone = new Error('undone')
    await expect(
      database.transaction(async (tx) => {
        // Without triggers, which take their time.
        await sql`set local session_replication_role = replica`.execute(tx)
        await sql`
          with made as (
            insert into users (username, email)
            select 'many-' || n, 'many-' || n || '@example.com' from generate_series(1, 9100) n returning id)
          insert into group_members (group_id, user_id) select ${id}::uuid, id from made`.execute(tx)
        expect(await listGroupSpend(actor, tx, organization.id, [id], '2026-01-01')).toMatchObject([
          { spend_limit_micros: 1_000_000_000_000, total_spend_limit_micros: 9_000_000_000_000_000 },
        ])
        throw undone
      }),
    ).rejects.toBe(undone)
  })

  it('AG-116: of an organization those that are asked for, without what does not exist or may not be read', async () => {
    const [own, foreign] = [await group(), await group([])]
    await spend(user.id, own, 5)
    const elsewhere = await fixtures.group(database.db)
    const ask = (client: Client, ids: readonly string[]) =>
      client.call(getOrganizationGroupsAISpend, { params: DEFAULT, query: { group_ids: ids.join(',') } })
    const all = [foreign, own, elsewhere.id, randomUUID()]
    const found = await ask(owner, all)
    expect(found).toMatchObject(month())
    expect(found.groups.map(({ group_id }) => group_id)).toEqual([foreign, own])
    expect(found.groups[1]).toEqual({
      group_id: own,
      current_spend_micros: 5,
      spend_limit_micros: null,
      total_spend_limit_micros: null,
    })
    await expect(
      member.call(getOrganizationGroupsAISpend, {
        params: { organization: elsewhere.organization_id },
        query: { group_ids: elsewhere.id },
      }),
    ).rejects.toMatchObject(status(404))
  })

  it('AG-116: at most a hundred ids, and at least one', async () => {
    const ids = Array.from({ length: 101 }, () => randomUUID())
    const ask = (query: { group_ids?: string }) =>
      owner.call(getOrganizationGroupsAISpend, { params: DEFAULT, query })
    await expect(ask({ group_ids: ids.join(',') })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'group_ids', detail: 'group_ids has 101 entries, maximum is 100.' }],
    })
    expect((await ask({ group_ids: ids.slice(1).join(',') })).groups).toEqual([])
    for (const query of [{}, { group_ids: '' }, { group_ids: 'x' }])
      await expect(ask(query)).rejects.toMatchObject(status(400))
    const params = { group: organizationId }
    await expect(
      owner.call(getGroupMembersAISpend, { params, query: { user_ids: ids.join(',') } }),
    ).rejects.toMatchObject({ validations: [{ detail: 'user_ids has 101 entries, maximum is 100.' }] })
  })
})

describe('AG-116: what members have spent', () => {
  const members = (client: Client, group: string, ids: readonly string[]) =>
    client.call(getGroupMembersAISpend, { params: { group }, query: { user_ids: ids.join(',') } })

  it('AG-116: each at the expense of the group; members see themselves only', async () => {
    const other = await (await server.user(`other${serial}`)).call(getUser, { params: { user: 'me' } })
    const stranger = await (await server.user(`stranger${serial}`)).call(getUser, { params: { user: 'me' } })
    const id = await group([user.id, other.id])
    await budget(id, 50)
    await spend(user.id, id, 5)
    await spend(user.id, organizationId, 9)
    const self = {
      user_id: user.id,
      effective_group_id: id,
      group_budget: { spend_limit_micros: 50, limit_source: 'group' },
      group_spend_micros: 5,
    }
    const all = [other.id, user.id, stranger.id, randomUUID()]
    expect(await members(owner, id, all)).toEqual({
      members: [{ ...self, user_id: other.id, group_spend_micros: 0 }, self],
      ...month(),
    })
    expect((await members(member, id, all)).members).toEqual([self])
    const elsewhere = await fixtures.group(database.db)
    await expect(members(member, elsewhere.id, all)).rejects.toMatchObject(status(404))
  })

  it('AG-116: by the name of the group as well', async () => {
    const { id, name } = await owner.call(createGroup, {
      params: DEFAULT,
      body: { name: `named-${serial}` },
    })
    await owner.call(updateGroup, { params: { group: id }, body: { add_users: [user.id] } })
    await spend(user.id, id, 5)
    const read = (groupName: string) =>
      owner.call(getGroupMembersAISpendByOrganization, {
        params: { ...DEFAULT, groupName },
        query: { user_ids: user.id },
      })
    expect((await read(name)).members).toMatchObject([{ user_id: user.id, group_spend_micros: 5 }])
    await expect(read('nothing')).rejects.toMatchObject(status(404))
  })

  it('AG-116: what another group bears has no budget here, and one of another organization is not named', async () => {
    const [first, second] = [await group(), await group()]
    await budget(first, 10)
    await owner.call(upsertUserAIBudgetOverride, {
      params: { user: user.id },
      body: { group_id: second, spend_limit_micros: 20 },
    })
    expect((await members(owner, first, [user.id])).members).toMatchObject([
      { effective_group_id: second, group_budget: null },
    ])
    expect((await members(owner, second, [user.id])).members).toMatchObject([
      { group_budget: { spend_limit_micros: 20, limit_source: 'user_override' } },
    ])
    const organization = await fixtures.organization(database.db)
    await fixtures.group(database.db, { organization, id: organization.id, name: 'Everyone' })
    await fixtures.organizationMember(database.db, { organization, user_id: user.id })
    expect((await members(owner, organization.id, [user.id])).members).toMatchObject([
      { user_id: user.id, effective_group_id: null, group_budget: null },
    ])
  })
})

/** What a user has used of a model at the expense of a group. */
async function usage(given: {
  readonly model: string
  readonly group: string
  readonly cost: number | null
  readonly at?: Date
  readonly by?: string
}): Promise<void> {
  const at = given.at ?? new Date()
  const interception = await fixtures.aibridgeInterception(database.db, {
    initiator_id: given.by ?? user.id,
    model: given.model,
    started_at: at,
    ended_at: at,
  })
  await fixtures.aibridgeTokenUsage(database.db, {
    interception,
    effective_group_id: given.group,
    created_at: at,
    input_tokens: 10,
    output_tokens: 5,
    cache_read_input_tokens: 3,
    cache_write_input_tokens: 2,
    cost_micros: given.cost,
  })
}

describe('AG-117: the export', () => {
  const get = async (query: Record<string, string> = {}, client = owner) => {
    const address = new URL(`${server.url}/api/v2/organizations/default/ai/spend/export`)
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value)
    const response = await fetch(address, { headers: client.headers })
    return { response, text: await response.text() }
  }
  const linesWith = (text: string, part: string) => text.split('\r\n').filter((line) => line.includes(part))

  it('AG-117: has a line for each user, group and model, with what they cost', async () => {
    const id = await group()
    const model = `m-${serial}`
    await usage({ model, group: id, cost: 7 })
    await usage({ model, group: id, cost: 8 })
    await usage({ model: `${model}-free`, group: id, cost: null })
    const { response, text } = await get()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const { period_start, period_end } = month()
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="ai-spend-export-coder-${period_start.slice(0, 10)}-to-${period_end.slice(0, 10)}.csv"`,
    )
    expect(text.split('\r\n')[0]).toBe(
      'user_id,username,group_id,group_name,organization_id,organization_name,model,provider,provider_name,' +
        'input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_micros,period_start,period_end',
    )
    const [line, ...more] = linesWith(text, `,${model},`)
    expect(more).toEqual([])
    expect(line).toMatch(
      new RegExp(
        `^${user.id},member${serial},${id},group-[\\w-]+,${organizationId},coder,${model},openai,openai,` +
          `20,10,6,4,15,${period_start},${period_end}$`,
      ),
    )
    expect(linesWith(text, `,${model}-free,`)[0]).toContain(',10,5,3,2,0,')
  })

  it('AG-117: has what a group has borne that is gone, and so have the charts', async () => {
    const id = await group()
    const model = `gone-${serial}`
    await usage({ model, group: id, cost: 9 })
    await owner.call(deleteGroup, { params: { group: id } })
    const [line] = linesWith((await get()).text, `,${model},`)
    expect(line).toMatch(new RegExp(`^${user.id},member${serial},${id},group-[\\w-]+,${organizationId},`))
    const { models } = await owner.call(getOrganizationAISpendDaily, { params: DEFAULT, query: {} })
    expect(models.find((one) => one.model === model)).toMatchObject({ cost_micros: 9 })
  })

  it('AG-117: no cell is a formula to a spreadsheet', async () => {
    const id = await group()
    for (const first of ['=', '+', '-', '@', '\t', '\r'])
      await usage({ model: `${first}cmd`, group: id, cost: 1 })
    const { text } = await get()
    for (const first of ['=', '+', '-', '@', '\t']) expect(text).toContain(`,'${first}cmd,`)
    expect(text).toContain(`,"'\rcmd",`)
  })

  it('AG-117: is of a period that is asked for, its end excluded', async () => {
    const id = await group()
    const at = new Date(Date.now() - 40 * DAY_MS)
    await usage({ model: `old-${serial}`, group: id, cost: 1, at })
    expect((await get()).text).not.toContain(`old-${serial}`)
    const range = (from: number, to: number) =>
      get({
        period_start: new Date(at.getTime() + from).toISOString(),
        period_end: new Date(at.getTime() + to).toISOString(),
      })
    expect((await range(0, 31 * DAY_MS)).text).toContain(`old-${serial}`)
    expect((await range(-DAY_MS, 0)).text).not.toContain(`old-${serial}`)
  })

  it('AG-117: both ends or none, at most 31 days, and not before what is kept', async () => {
    const time = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()
    for (const [field, query] of [
      ['period_end', { period_start: time(1) }],
      ['period_start', { period_end: time(1) }],
      ['period_end', { period_start: time(40), period_end: time(8) }],
      ['period_end', { period_start: time(1), period_end: time(2) }],
      ['period_start', { period_start: time(61), period_end: time(50) }],
      ['period_start', { period_start: 'yesterday', period_end: time(1) }],
      ['period_start', { period_start: '2031-02-30T00:00:00Z', period_end: '2031-03-05T00:00:00Z' }],
      ['period_end', { period_start: '2031-03-01T00:00:00Z', period_end: '2031-03-04T24:00:00Z' }],
    ] as const) {
      const { response, text } = await get(query)
      expect(response.status, JSON.stringify(query)).toBe(400)
      expect(JSON.parse(text).validations).toMatchObject([{ field }])
    }
  })

  it('AG-117: is for who may read all members of the organization', async () => {
    const { response } = await get({}, member)
    expect(response.status).toBe(403)
    await expect(
      member.call(getOrganizationAISpendDaily, { params: DEFAULT, query: {} }),
    ).rejects.toMatchObject(status(403))
  })

  it('AG-117: pages do not double or lose a line', async () => {
    const id = await group()
    // More than one page.
    await database.db
      .insertInto('aibridge_interceptions')
      .values(
        Array.from({ length: 5_100 }, (_, index) => ({
          id: randomUUID(),
          initiator_id: user.id,
          provider: 'openai',
          provider_name: 'openai',
          model: `paged-${serial}-${index}`,
          started_at: new Date(),
          ended_at: new Date(),
          credential_kind: 'centralized' as const,
        })),
      )
      .execute()
    const interceptions = await database.db
      .selectFrom('aibridge_interceptions')
      .select('id')
      .where('model', 'like', `paged-${serial}-%`)
      .execute()
    await database.db
      .insertInto('aibridge_token_usages')
      .values(
        interceptions.map((row) => ({
          id: randomUUID(),
          interception_id: row.id,
          provider_response_id: 'r',
          input_tokens: 1,
          output_tokens: 1,
          created_at: new Date(),
          effective_group_id: id,
          cost_micros: 1,
        })),
      )
      .execute()
    const models = linesWith((await get()).text, `,paged-${serial}-`).map((line) => line.split(',')[6])
    expect(models).toHaveLength(5_100)
    expect(new Set(models).size).toBe(5_100)
  })
})

describe('the charts of an organization', () => {
  it('sums by day, by model and by user, days without any too', async () => {
    const id = await group()
    const organization = await fixtures.organization(database.db)
    const team = await fixtures.group(database.db, { organization })
    const yesterday = new Date(Date.now() - DAY_MS)
    await usage({ model: 'dear', group: team.id, cost: 30 })
    await usage({ model: 'dear', group: team.id, cost: 40, at: yesterday })
    await usage({ model: 'cheap', group: team.id, cost: null })
    // Of another organization.
    await usage({ model: 'dear', group: id, cost: 1_000 })
    const read = (top = 20) =>
      owner.call(getOrganizationAISpendDaily, {
        params: { organization: organization.id },
        query: { days: 7, top },
      })
    const found = await read()
    const today = new Date().toISOString().slice(0, 10)
    expect(found.days).toHaveLength(7)
    expect(found.days[0]).toMatchObject({ requests: 0, cost_micros: 0 })
    expect(found.days.slice(-2)).toEqual([
      {
        day: yesterday.toISOString().slice(0, 10),
        requests: 1,
        unpriced_requests: 0,
        input_tokens: 10,
        output_tokens: 5,
        cache_read_tokens: 3,
        cache_write_tokens: 2,
        cost_micros: 40,
      },
      expect.objectContaining({ day: today, requests: 2, unpriced_requests: 1, cost_micros: 30 }),
    ])
    expect(found.models).toMatchObject([
      { model: 'dear', provider_name: 'openai', cost_micros: 70, requests: 2 },
      { model: 'cheap', cost_micros: 0, unpriced_requests: 1 },
    ])
    expect(found.model_days).toMatchObject([
      { model: 'dear', cost_micros: 40 },
      { model: 'cheap', day: today },
      { model: 'dear', day: today, cost_micros: 30 },
    ])
    expect(found.users).toMatchObject([
      { user_id: user.id, username: `member${serial}`, cost_micros: 70, requests: 3 },
    ])
    expect(await read(1)).toMatchObject({ models: [{ model: 'dear' }] })
  })
})
