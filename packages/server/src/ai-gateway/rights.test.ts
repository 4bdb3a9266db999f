import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  createGroup,
  createOrganization,
  deleteGroupAIBudget,
  deleteUserAIBudgetOverride,
  getAIGatewaySession,
  getGroupAIBudget,
  getGroupAISpend,
  getUser,
  getUserAISpend,
  listAIGatewayClients,
  listAIGatewayModels,
  listAIGatewaySessions,
  listAIModelPrices,
  listAIProviders,
  updateGroup,
  upsertAIModelPrices,
  upsertGroupAIBudget,
  upsertUserAIBudgetOverride,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

/** Whether a call is allowed: `yes`, or the status that it is refused with. */
type Answer = 'yes' | 403 | 404

interface Person {
  readonly may: Readonly<Record<string, Answer>>
  readonly site?: readonly string[]
  readonly organization?: readonly string[]
}

const NOTHING = { read: 'yes', write: 403, override: 403, prices: 403, sessions: 404 } as const
/** The table of rights of chapter 05 section 22; all are members of the organization and of the group. */
const PEOPLE: Readonly<Record<string, Person>> = {
  owner2: {
    site: ['owner'],
    may: { read: 'yes', write: 'yes', override: 'yes', prices: 'yes', sessions: 'yes' },
  },
  auditor: { site: ['auditor'], may: { ...NOTHING, sessions: 'yes' } },
  'user-admin': { site: ['user-admin'], may: { ...NOTHING, write: 'yes', override: 'yes' } },
  'template-admin': { site: ['template-admin'], may: NOTHING },
  'org-admin': { organization: ['organization-admin'], may: { ...NOTHING, write: 'yes' } },
  'org-user-admin': { organization: ['organization-user-admin'], may: { ...NOTHING, write: 'yes' } },
  'org-auditor': { organization: ['organization-auditor'], may: NOTHING },
  member: { may: NOTHING },
}

let server: TestServer
let database: Database
let owner: Client
let groupId: string
let sessionId: string
const clients = new Map<string, Client>()

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  const ids: string[] = []
  for (const [name, { site = [], organization = [] }] of Object.entries(PEOPLE)) {
    const client = await server.user(name, [...site])
    clients.set(name, client)
    ids.push((await client.call(getUser, { params: { user: 'me' } })).id)
    if (organization.length > 0)
      await owner.call(assignMemberRoles, {
        params: { organization: 'default', user: name },
        body: { roles: [...organization] },
      })
  }
  const group = await owner.call(createGroup, {
    params: { organization: 'default' },
    body: { name: 'group' },
  })
  groupId = group.id
  await owner.call(updateGroup, { params: { group: groupId }, body: { add_users: ids } })
  sessionId = (await fixtures.aibridgeInterception(database.db)).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function answerOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
    return 'yes'
  } catch (error) {
    return error instanceof Object && 'status' in error ? error.status : error
  }
}

describe('AG-139: who may what', () => {
  it.each(Object.entries(PEOPLE))('AG-139: %s', async (name, { may }) => {
    const client = clients.get(name)
    if (client === undefined) throw new Error(`there is no ${name}`)
    const params = { group: groupId }
    const limit = { spend_limit_micros: 5_000_000 }
    await owner.call(upsertGroupAIBudget, { params, body: limit })
    const price = { provider: 'openai', model: 'm', input_price: 1, output_price: null }
    const prices = [{ ...price, cache_read_price: null, cache_write_price: null }]
    const does = async (...calls: readonly (() => Promise<unknown>)[]) => {
      const answers = new Set<unknown>()
      for (const call of calls) answers.add(await answerOf(call()))
      return answers.size === 1 ? [...answers][0] : [...answers]
    }
    expect({
      read: await does(
        () => client.call(getGroupAIBudget, { params }),
        () => client.call(getGroupAISpend, { params }),
        () => client.call(getUserAISpend, { params: { user: 'me' } }),
      ),
      write: await does(
        () => client.call(upsertGroupAIBudget, { params, body: limit }),
        () => client.call(deleteGroupAIBudget, { params }),
      ),
      override: await does(
        () =>
          client.call(upsertUserAIBudgetOverride, {
            params: { user: name },
            body: { group_id: groupId, ...limit },
          }),
        async () => {
          await owner.call(upsertUserAIBudgetOverride, {
            params: { user: name },
            body: { group_id: groupId, ...limit },
          })
          await client.call(deleteUserAIBudgetOverride, { params: { user: name } })
        },
      ),
      prices: await does(
        () => client.call(listAIModelPrices, { query: {} }),
        () => client.call(upsertAIModelPrices, { body: { prices } }),
      ),
      sessions: await does(() =>
        client.call(getAIGatewaySession, { params: { session_id: sessionId }, query: {} }),
      ),
    }).toEqual(may)
    const { count } = await client.call(listAIGatewaySessions, { query: {} })
    expect(count).toBe(may.sessions === 'yes' ? 1 : 0)
    await owner.call(upsertGroupAIBudget, { params, body: limit })
  })

  it('AG-139: a group and a user that may not be read are not there', async () => {
    const { id: organization } = await owner.call(createOrganization, { body: { name: 'elsewhere' } })
    const group = await owner.call(createGroup, { params: { organization }, body: { name: 'theirs' } })
    const outsider = clients.get('member') ?? server.anonymous
    const params = { group: group.id }
    const refused = [
      () => outsider.call(getGroupAIBudget, { params }),
      () => outsider.call(upsertGroupAIBudget, { params, body: { spend_limit_micros: 1 } }),
      () => outsider.call(getGroupAISpend, { params }),
      () => outsider.call(getUserAISpend, { params: { user: 'auditor' } }),
      () =>
        outsider.call(upsertUserAIBudgetOverride, {
          params: { user: 'auditor' },
          body: { group_id: groupId, spend_limit_micros: 1 },
        }),
    ]
    expect(await Promise.all(refused.map((call) => answerOf(call())))).toEqual(refused.map(() => 404))
    const unknown = [
      () => server.anonymous.call(getGroupAIBudget, { params }),
      () => server.anonymous.call(listAIGatewaySessions, { query: {} }),
      () => server.anonymous.call(listAIModelPrices, { query: {} }),
    ]
    expect(await Promise.all(unknown.map((call) => answerOf(call())))).toEqual([401, 401, 401])
  })
})

it('AG-6: where the gateway is off, only its providers can be managed', async () => {
  await using off = await startTestServer({ env: { CODER_AI_GATEWAY_ENABLED: 'false' } })
  const client = await off.owner()
  const { id } = await client.call(getUser, { params: { user: 'me' } })
  const params = { group: id }
  for (const call of [
    () => client.call(listAIGatewaySessions, { query: {} }),
    () => client.call(listAIGatewayModels, { query: {} }),
    () => client.call(listAIGatewayClients, { query: {} }),
    () => client.call(listAIModelPrices, { query: {} }),
    () => client.call(getGroupAIBudget, { params }),
    () => client.call(getUserAISpend, { params: { user: 'me' } }),
  ])
    await expect(call()).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('--ai-gateway-enabled'),
    })
  const former = await fetch(`${off.url}/api/v2/aibridge/sessions`, { headers: client.headers })
  expect(former.status).toBe(403)
  expect((await fetch(`${off.url}/api/v2/aibridge/sessions`)).status).toBe(401)
  expect(await client.call(listAIProviders, {})).toEqual([])
})

describe('AG-91, AG-92: what cannot be asked for', () => {
  const list = (query: Record<string, string | number>) => owner.call(listAIGatewaySessions, { query })

  it('AG-91: a page that is too long, or begins at two places or nowhere, is refused by its own words', async () => {
    expect((await list({ limit: 1_000 })).count).toBe(1)
    for (const limit of [1_001, -1])
      await expect(list({ limit })).rejects.toMatchObject({
        status: 400,
        message: 'Invalid pagination limit value.',
      })
    for (const query of [
      { after_session_id: sessionId, offset: 1 },
      { after_session_id: 'nowhere' },
    ] as Record<string, string | number>[])
      await expect(list(query)).rejects.toMatchObject({
        status: 400,
        message: 'Query parameters have invalid values.',
        validations: [{ field: 'after_session_id' }],
      })
  })

  it.each([
    ['free text', 'q'],
    ['nonsense:1', 'nonsense'],
    ['provider_name:absent', 'provider_name'],
    ['started_after:yesterday', 'started_after'],
    ['started_after:"2026-01-01T00:00:00Z" started_before:"2026-01-01T00:00:00Z"', 'started_before'],
  ])('AG-92: %s is refused, and named', async (q, field) => {
    await expect(list({ q })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid session search query.',
      validations: expect.arrayContaining([expect.objectContaining({ field })]),
    })
  })

  it('AG-95: names have pages of their own', async () => {
    for (const route of [listAIGatewayModels, listAIGatewayClients]) {
      expect(await owner.call(route, { query: { limit: 1_000, offset: 1 } })).toEqual([])
      await expect(owner.call(route, { query: { limit: 1_001 } })).rejects.toMatchObject({
        status: 400,
        message: 'Invalid pagination limit value.',
      })
    }
  })
})
