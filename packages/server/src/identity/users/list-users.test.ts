import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getUser, listUsers } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client
let member: Client
let auditor: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  member = await server.user('member')
  auditor = await server.user('siteaudit', ['auditor'])
  await using database = await openDatabase(server.databaseUrl)
  const { db } = database
  const made = { created_at: new Date('2020-01-01T00:00:00Z'), status: 'dormant' as const }
  await fixtures.user(db, {
    ...made,
    username: 'Ada',
    email: 'ada@example.com',
    name: 'Countess',
    github_com_user_id: 42,
  })
  await fixtures.user(db, {
    ...made,
    username: 'bob',
    rbac_roles: ['onCall'],
    email: 'bob@example.com',
    last_seen_at: new Date('2020-06-01T00:00:00Z'),
    status: 'active',
  })
  await fixtures.user(db, {
    ...made,
    username: 'robot',
    email: '',
    is_service_account: true,
    login_type: 'none',
  })
  await fixtures.user(db, { ...made, username: 'prebuilds', email: '', is_system: true })
  await fixtures.user(db, { ...made, username: 'gone', email: 'gone@example.com', deleted: true })
})
afterAll(() => server[Symbol.asyncDispose]())

const ALL = ['Ada', 'bob', 'member', 'owner', 'robot', 'siteaudit']
const list = async (query: object, client = owner) => {
  const { users, count } = await client.call(listUsers, { query })
  return { names: users.map((user) => user.username), count }
}

describe('ID-14: the list of users', () => {
  it('is in the order of names whatever their case, without the deleted and those of the system', async () => {
    expect(await list({})).toEqual({ names: ALL, count: ALL.length })
  })

  it('comes in pages, by number or after a user, and counts all', async () => {
    const count = ALL.length
    expect(await list({ limit: 2 })).toEqual({ names: ALL.slice(0, 2), count })
    expect(await list({ limit: 2, offset: 3 })).toEqual({ names: ALL.slice(3, 5), count })
    expect(await list({ limit: 0 })).toEqual({ names: ALL, count })
    const { id } = await owner.call(getUser, { params: { user: 'bob' } })
    expect(await list({ limit: 2, after_id: id })).toEqual({ names: ALL.slice(2, 4), count })
  })

  it.each([{ limit: -1 }, { offset: -1 }, { limit: 2 ** 31 }, { after_id: 'bob' }])(
    'ID-90: %j is refused',
    async (query) => {
      await expect(list(query)).rejects.toMatchObject({ status: 400 })
    },
  )

  it('RB-23: holds whom the caller may read', async () => {
    expect(await list({}, member)).toEqual({ names: ['member'], count: 1 })
    expect(await list({}, auditor)).toEqual({ names: ALL, count: ALL.length })
  })
})

describe('ID-25: a search for users', () => {
  it.each([
    ['ADA', ['Ada']],
    ['countess', ['Ada']],
    ['b@example', ['bob']],
    ['name:count', ['Ada']],
    ['username:ad', []],
    ['username:ADA', ['Ada']],
    ['email:BOB@example.com', ['bob']],
    ['email:example.com', []],
    ['service_account:true', ['robot']],
    ['login_type:none', ['robot']],
    ['status:dormant', ['Ada', 'robot']],
    ['status:dormant,active username:bob', ['bob']],
    ['created_before:"2020-01-01T00:00:00Z"', ['Ada', 'bob', 'robot']],
    ['created_before:"2020-01-01T00:30:00+01:00"', []],
    ['created_after:"2020-01-02T00:00:00Z" service_account:true', []],
    ['last_seen_after:"2020-05-01T00:00:00Z"', ['bob', 'member', 'owner', 'siteaudit']],
    // Who was never seen counts as not seen since.
    ['last_seen_before:"2020-07-01T00:00:00Z"', ['Ada', 'bob', 'robot']],
    ['last_seen_before:"2020-05-01T00:00:00Z"', ['Ada', 'robot']],
    ['github_com_user_id:42', ['Ada']],
    ['github_com_user_id:43', []],
    ['role:auditor', ['siteaudit']],
    ['role:onCall', ['bob']],
    ['role:auditor,owner', ['owner', 'siteaudit']],
    // Everybody is one, whether that is stored or not.
    ['role:member', ALL],
    ['role:member,auditor', ['siteaudit']],
    ['100% _', []],
  ])('%s', async (q, names) => {
    const found = await list({ q })
    expect(found).toEqual({ names, count: names.length })
  })

  it.each(['2020-01-01', '2020-01-01T00:00', '2020-01-01T00:00:00', '2020-13-01T00:00:00Z'])(
    'the time %s is none of RFC 3339',
    async (time) => {
      await expect(list({ q: `created_before:"${time}"` })).rejects.toMatchObject({
        status: 400,
        validations: [expect.objectContaining({ field: 'created_before' })],
      })
    },
  )

  it('names all faults at once', async () => {
    await expect(list({ q: 'colour:red status:asleep :x' })).rejects.toMatchObject({
      status: 400,
      message: 'Invalid user search query.',
      validations: expect.arrayContaining(
        ['q', 'status', 'colour'].map((field) => expect.objectContaining({ field })),
      ),
    })
  })
})

describe('the groups of users in the list', () => {
  const groupsBy = async (client: Client): Promise<Record<string, string[] | undefined>> => {
    const { users } = await client.call(listUsers, { query: { include_groups: true } })
    return Object.fromEntries(users.map((user) => [user.username, user.groups?.map((group) => group.name)]))
  }

  beforeAll(async () => {
    const { id: memberId } = await member.call(getUser, { params: { user: 'me' } })
    const { id: auditorId } = await auditor.call(getUser, { params: { user: 'me' } })
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    const organization = await db.selectFrom('organizations').selectAll().executeTakeFirstOrThrow()
    const other = await fixtures.organization(db, { name: 'elsewhere' })
    const gone = await fixtures.organization(db, { name: 'gone' })
    for (const [name, of, members] of [
      ['Zeta', organization, [memberId, auditorId]],
      ['alpha', organization, [memberId]],
      ['beta', other, [auditorId]],
      ['lost', gone, [memberId]],
    ] as const) {
      const group = await fixtures.group(db, { organization_id: of.id, name })
      for (const user_id of members) await fixtures.groupMember(db, { group_id: group.id, user_id })
    }
    await db.updateTable('organizations').set({ deleted: true }).where('id', '=', gone.id).execute()
  })

  it('come where they are asked for, by name, without those of all members', async () => {
    const groups = await groupsBy(owner)
    expect(groups.member).toEqual(['alpha', 'Zeta'])
    expect(groups.siteaudit).toEqual(['beta', 'Zeta'])
    expect(groups.bob).toEqual([])
    const { users } = await owner.call(listUsers, { query: {} })
    expect(users.every((user) => user.groups === undefined)).toBe(true)
  })

  it('RB-70: are those whose rosters the caller may read, and their own', async () => {
    // Members see themselves alone in the list, and the groups that they are in.
    expect(await groupsBy(member)).toEqual({ member: ['alpha', 'Zeta'] })
    const helper = await server.user('helper', ['user-admin'])
    const seen = await groupsBy(helper)
    for (const [name, groups] of Object.entries(await groupsBy(owner)))
      for (const group of seen[name] ?? []) expect(groups).toContain(group)
  })
})
