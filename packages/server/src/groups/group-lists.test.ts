import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type CreateGroupRequest,
  createGroup,
  createToken,
  deleteGroup,
  type Group,
  getGroup,
  getUser,
  listGroupMembers,
  listGroupMembersByName,
  listGroups,
  listGroupsPaged,
  listOrganizationGroups,
  type PatchGroupRequest,
  type QueryOf,
  updateGroup,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const DEFAULT = { organization: 'default' }
let server: TestServer
let database: Database
let owner: Client
let member: Client
let memberId: string
let organizationId: string
let count = 0

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
  const user = await member.call(getUser, { params: { user: 'me' } })
  memberId = user.id
  organizationId = user.organization_ids[0] ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const unique = (): string => {
  count += 1
  return `group-${count}`
}
const make = (body: Partial<CreateGroupRequest> = {}) =>
  owner.call(createGroup, { params: DEFAULT, body: { name: unique(), ...body } })
const patch = (group: { readonly id: string }, body: PatchGroupRequest, client = owner): Promise<Group> =>
  client.call(updateGroup, { params: { group: group.id }, body })
const read = (group: { readonly id: string }, client = owner): Promise<Group> =>
  client.call(getGroup, { params: { group: group.id } })
const organizationWithEveryone = async (columns: Parameters<typeof fixtures.organization>[1] = {}) => {
  const organization = await fixtures.organization(database.db, columns)
  await fixtures.group(database.db, { organization, id: organization.id, name: 'Everyone' })
  return organization
}
const names = (users: readonly { readonly username: string }[] | null) =>
  users?.map(({ username }) => username)
const notFound = { status: 404, message: 'Resource not found or you do not have access to this resource' }

describe('WS-63: lists', () => {
  it('WS-63: by organization, member and ids', async () => {
    const group = await make()
    await patch(group, { add_users: [memberId] })
    const ids = async (query: QueryOf<typeof listGroups>) =>
      (await owner.call(listGroups, { query })).map(({ id }) => id)
    expect(await ids({})).toEqual(expect.arrayContaining([group.id, organizationId]))
    for (const organization of [organizationId, 'coder', 'default'])
      expect(await ids({ organization })).toContain(group.id)
    for (const has_member of [memberId, 'member', 'MEMBER']) {
      const found = await ids({ has_member })
      expect(found).toContain(group.id)
      expect(found).toContain(organizationId)
    }
    expect(await ids({ has_member: 'owner' })).not.toContain(group.id)
    const mine = (await member.call(listGroups, { query: { has_member: 'me' } })).map(({ id }) => id)
    expect(mine).toEqual(expect.arrayContaining([group.id, organizationId]))
    expect(await ids({ group_ids: `${group.id},${organizationId.toUpperCase()}` })).toHaveLength(2)
    expect(await ids({ group_ids: group.id, has_member: 'owner' })).toEqual([])
  })

  it.each(['limit=1', 'foo=bar', 'group_ids=x', 'organization=nowhere', 'has_member=nobody', 'has_member='])(
    'WS-63, RB-70: %s',
    async (query) => {
      const response = await fetch(`${server.url}/api/v2/groups?${query}`, { headers: owner.headers })
      const empty = query.endsWith('=')
      expect(response.status).toBe(empty ? 200 : 400)
      if (!empty)
        expect(await response.json()).toMatchObject({
          message: 'Query parameters have invalid values.',
          validations: [{ field: query.split('=')[0] }],
        })
    },
  )

  it('RB-70: what exists and may not be read is the same fault as what does not exist', async () => {
    const foreign = await fixtures.organization(database.db)
    const stranger = await fixtures.user(database.db)
    const faultOf = async (query: object) =>
      member.call(listGroups, { query }).then(
        () => 'none',
        (error: { readonly validations: readonly { readonly detail: string }[] }) =>
          error.validations[0]?.detail.replace(/"[^"]*"/, '…'),
      )
    expect(await faultOf({ organization: foreign.id })).toBe(await faultOf({ organization: randomUUID() }))
    expect(await faultOf({ organization: foreign.name })).toBe(await faultOf({ organization: 'none' }))
    expect(await faultOf({ has_member: stranger.id })).toBe(await faultOf({ has_member: randomUUID() }))
    expect(await faultOf({ has_member: stranger.username })).toBe(await faultOf({ has_member: 'nobody' }))
  })

  it('WS-63: a page has no rosters, is ordered by name, and counts all', async () => {
    const organization = await organizationWithEveryone()
    const params = { organization: organization.id }
    for (const name of ['beta', 'Alpha', 'gamma'])
      await owner.call(createGroup, { params, body: { name, display_name: `The ${name}` } })
    const page = (query: object) => owner.call(listGroupsPaged, { params, query })
    const all = await page({})
    expect(all.count).toBe(4)
    expect(all.groups.map(({ name }) => name)).toEqual(['Alpha', 'beta', 'Everyone', 'gamma'])
    expect(all.groups.every((group) => !('members' in group))).toBe(true)
    expect(await page({ limit: 2, offset: 1 })).toEqual({ count: 4, groups: all.groups.slice(1, 3) })
    expect(await page({ limit: 1, after_id: all.groups[1]?.id })).toEqual({
      count: 4,
      groups: all.groups.slice(2, 3),
    })
    expect(await page({ q: 'the b' })).toMatchObject({ count: 1, groups: [{ name: 'beta' }] })
    expect(await page({ q: 'name:alp' })).toMatchObject({ count: 1, groups: [{ name: 'Alpha' }] })
    await expect(page({ q: 'foo:bar' })).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'foo' }],
    })
  })

  it('WS-63: members come in pages, and an empty page is null', async () => {
    const group = await make()
    expect(await owner.call(listGroupMembers, { params: { group: group.id } })).toEqual({
      count: 0,
      users: null,
    })
    const { id: ownerId } = await owner.call(getUser, { params: { user: 'me' } })
    await patch(group, { add_users: [memberId, ownerId] })
    const page = (query: object) => owner.call(listGroupMembers, { params: { group: group.id }, query })
    expect(await page({})).toMatchObject({ count: 2, users: [{ username: 'member' }, { username: 'owner' }] })
    expect(await page({ limit: 1, offset: 1 })).toMatchObject({ count: 2, users: [{ username: 'owner' }] })
    expect(await page({ after_id: memberId })).toMatchObject({ users: [{ username: 'owner' }] })
    expect(await page({ q: 'own' })).toMatchObject({ count: 1, users: [{ username: 'owner' }] })
    const params = { ...DEFAULT, groupName: group.name }
    expect(await owner.call(listGroupMembersByName, { params })).toEqual(await page({}))
    const without = await owner.call(getGroup, {
      params: { group: group.id },
      query: { exclude_members: true },
    })
    expect(without).toMatchObject({ members: [], total_member_count: 2 })
  })
})

describe('who may do what with groups', () => {
  const restricted = async (sharing: 'none' | 'everyone') => {
    const organization = await organizationWithEveryone({ shareable_workspace_owners: sharing })
    const [insider, outsider] = await Promise.all([server.user(unique()), server.user(unique())])
    for (const client of [insider, outsider]) {
      const { id } = await client.call(getUser, { params: { user: 'me' } })
      await fixtures.organizationMember(database.db, { organization, user_id: id })
    }
    const params = { organization: organization.id }
    const group = await owner.call(createGroup, { params, body: { name: 'insiders' } })
    const { id } = await insider.call(getUser, { params: { user: 'me' } })
    await patch(group, { add_users: [id] })
    return { organization, insider, outsider, group }
  }

  it('RB-16: who is in a group reads it, its own name in it and no other', async () => {
    const { organization, insider, outsider, group } = await restricted('none')
    await patch(group, { add_users: [(await outsider.call(getUser, { params: { user: 'me' } })).id] })
    const seen = await read(group, insider)
    expect(seen.total_member_count).toBe(2)
    expect(names(seen.members)).toEqual([(await insider.call(getUser, { params: { user: 'me' } })).username])
    expect(await insider.call(listGroupMembers, { params: { group: group.id } })).toMatchObject({ count: 1 })
    const list = await insider.call(listOrganizationGroups, { params: { organization: organization.id } })
    expect(list.map(({ name, members }) => [name, members.length])).toEqual([
      ['Everyone', 1],
      ['insiders', 1],
    ])
    await expect(
      insider.call(listGroupsPaged, { params: { organization: organization.id } }),
    ).rejects.toMatchObject(notFound)
  })

  it('RB-21: who is not in it sees it where everybody may share, and nowhere else', async () => {
    const hidden = await restricted('none')
    await expect(read(hidden.group, hidden.outsider)).rejects.toMatchObject(notFound)
    const shown = await restricted('everyone')
    expect(await read(shown.group, shown.outsider)).toMatchObject({ members: [], total_member_count: 1 })
  })

  it('RB-70, L-S8: who may not read a roster cannot search for groups by those who are on it', async () => {
    const { organization, group, insider, outsider } = await restricted('everyone')
    const { id } = await insider.call(getUser, { params: { user: 'me' } })
    const query = { has_member: id, organization: organization.id }
    expect(await outsider.call(listGroups, { query })).toEqual([])
    for (const client of [insider, owner])
      expect((await client.call(listGroups, { query })).map((found) => found.id)).toContain(group.id)
  })

  it('RB-68, WS-61: members neither make, change nor remove groups', async () => {
    const group = await make()
    await expect(
      member.call(createGroup, { params: DEFAULT, body: { name: unique() } }),
    ).rejects.toMatchObject(notFound)
    // Before anything is told of the users that the change names.
    await expect(patch(group, { add_users: [randomUUID()] }, member)).rejects.toMatchObject(notFound)
    await expect(member.call(deleteGroup, { params: { group: group.id } })).rejects.toMatchObject({
      status: 403,
    })
    expect(await read(group)).toEqual(group)
  })

  it.each([
    ['user-admin', true],
    ['template-admin', false],
    ['auditor', false],
  ] as const)('RB chapter 4: a %s reads them all and changes them: %s', async (role, changes) => {
    const client = await server.user(unique(), [role])
    const group = await make()
    await patch(group, { add_users: [memberId] })
    expect(names((await read(group, client)).members)).toEqual(['member'])
    const outcome = patch(group, { quota_allowance: 1 }, client)
    if (changes) expect(await outcome).toMatchObject({ quota_allowance: 1 })
    else await expect(outcome).rejects.toMatchObject(notFound)
  })

  it('RB-14: a key for one group reaches that one and makes none', async () => {
    const [one, other] = [await make(), await make()]
    const { key } = await owner.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['coder:all'], allow_list: [`group:${one.id}`, `organization:${organizationId}`] },
    })
    const client = new Client({ url: server.url, token: key })
    expect((await client.call(listOrganizationGroups, { params: DEFAULT })).map(({ id }) => id)).toEqual([
      one.id,
    ])
    await expect(read(other, client)).rejects.toMatchObject(notFound)
    await expect(
      client.call(createGroup, { params: DEFAULT, body: { name: unique() } }),
    ).rejects.toMatchObject(notFound)
  })

  it('RB-5: what a group gives is there with the next request, and gone with the next one after it is left', async () => {
    const { organization, outsider, group } = await restricted('none')
    const { id } = await outsider.call(getUser, { params: { user: 'me' } })
    await expect(read(group, outsider)).rejects.toMatchObject(notFound)
    await patch(group, { add_users: [id] })
    expect((await read(group, outsider)).organization_id).toBe(organization.id)
    await patch(group, { remove_users: [id] })
    await expect(read(group, outsider)).rejects.toMatchObject(notFound)
    await patch(group, { add_users: [id] })
    await owner.call(deleteGroup, { params: { group: group.id } })
    await expect(read(group, outsider)).rejects.toMatchObject(notFound)
  })
})
