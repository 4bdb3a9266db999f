import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  addMember,
  type CreateGroupRequest,
  checkAuthorization,
  createGroup,
  createUser,
  deleteGroup,
  deleteUser,
  type Group,
  getGroup,
  getGroupByName,
  getUser,
  listAuditLogs,
  listOrganizationGroups,
  type PatchGroupRequest,
  removeMember,
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
const everyone = () => ({ id: organizationId })
const names = (users: readonly { readonly username: string }[] | null) =>
  users?.map(({ username }) => username)
const notFound = { status: 404, message: 'Resource not found or you do not have access to this resource' }

describe('WS-60: groups', () => {
  it('WS-60: are made, read by id and by name, listed and removed', async () => {
    const name = unique()
    const made = await make({
      name,
      display_name: 'The group',
      avatar_url: '/icon/x.svg',
      quota_allowance: 7,
    })
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name,
      display_name: 'The group',
      avatar_url: '/icon/x.svg',
      quota_allowance: 7,
      source: 'user',
      organization_id: organizationId,
      organization_name: 'coder',
      organization_display_name: 'Default',
      total_member_count: 0,
      members: [],
    })
    expect(await read(made)).toEqual(made)
    expect(await owner.call(getGroupByName, { params: { ...DEFAULT, groupName: name } })).toEqual(made)
    expect(await owner.call(listOrganizationGroups, { params: DEFAULT })).toContainEqual(made)
    expect(await owner.call(deleteGroup, { params: { group: made.id } })).toEqual({
      message: 'Successfully deleted group!',
    })
    await expect(read(made)).rejects.toMatchObject(notFound)
    await expect(owner.call(deleteGroup, { params: { group: made.id } })).rejects.toMatchObject(notFound)
  })

  it.each(['Everyone', 'everyone', 'EVERYONE'])('WS-60: %s is reserved', async (name) => {
    await expect(make({ name })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('reserved'),
    })
    await expect(patch(await make(), { name })).rejects.toMatchObject({ status: 400 })
  })

  it.each(['new', 'Create', 'a b', 'a--b', '-a', 'ä', 'a/b', 'x'.repeat(256)])(
    'WS-1: a group cannot be called %j',
    async (name) => {
      const refused = { status: 400, validations: [{ field: 'name', detail: expect.any(String) }] }
      await expect(make({ name })).rejects.toMatchObject(refused)
      await expect(patch(await make(), { name })).rejects.toMatchObject(refused)
    },
  )

  it('WS-1: it can have 255 letters, and a display name of 64 without spaces around it', async () => {
    await make({ name: 'x'.repeat(255), display_name: 'y'.repeat(64) })
    for (const display_name of ['y'.repeat(65), ' y', 'y '])
      await expect(make({ display_name })).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'display_name', detail: expect.any(String) }],
      })
  })

  it('WS-60, WS-300: a taken name is a 409, whatever its case and however many ask at once', async () => {
    const name = unique()
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => make({ name })))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const answer of answers)
      if (answer.status === 'rejected')
        expect(answer.reason).toMatchObject({
          status: 409,
          message: `A group named "${name}" already exists.`,
          validations: [{ field: 'name' }],
        })
    await expect(make({ name: name.toUpperCase() })).rejects.toMatchObject({ status: 409 })
  })

  it('WS-21: names of other organizations are free', async () => {
    const name = unique()
    await make({ name })
    const organization = await fixtures.organization(database.db)
    const params = { organization: organization.id }
    expect(await owner.call(createGroup, { params, body: { name } })).toMatchObject({
      organization_id: organization.id,
      name,
    })
  })
})

describe('WS-61: changes of a group', () => {
  it('WS-61: what is given changes, the rest stays, and an empty name is none', async () => {
    const made = await make({ display_name: 'One', quota_allowance: 3, avatar_url: '/a' })
    expect(await patch(made, { quota_allowance: 0, name: '' })).toEqual({ ...made, quota_allowance: 0 })
    expect(await patch(made, { display_name: '', avatar_url: '' })).toMatchObject({
      display_name: '',
      avatar_url: '',
    })
    const name = unique()
    expect(await patch(made, { name })).toMatchObject({ id: made.id, name })
    expect(await patch(made, {})).toEqual(await read(made))
    for (const quota_allowance of [-1, 1.5, 2 ** 31])
      await expect(patch(made, { quota_allowance })).rejects.toMatchObject({ status: 400 })
  })

  it('WS-61: users come and go in one request', async () => {
    const other = await server.user(unique())
    const { id } = await other.call(getUser, { params: { user: 'me' } })
    const group = await make()
    expect(names((await patch(group, { add_users: [memberId] })).members)).toEqual(['member'])
    const after = await patch(group, { add_users: [id.toUpperCase()], remove_users: [memberId] })
    expect(after).toMatchObject({ total_member_count: 1, members: [{ id }] })
    // Who is not in it can be taken out of it.
    expect((await patch(group, { remove_users: [memberId] })).members).toHaveLength(1)
  })

  it('WS-61: adding twice, what is no UUID and who is no member are 400', async () => {
    const group = await make()
    const twice = { status: 400, message: 'Cannot add the same user to a group twice!' }
    await expect(patch(group, { add_users: [memberId, memberId] })).rejects.toMatchObject(twice)
    await expect(patch(group, { add_users: [memberId, memberId.toUpperCase()] })).rejects.toMatchObject(twice)
    await patch(group, { add_users: [memberId] })
    await expect(patch(group, { add_users: [memberId] })).rejects.toMatchObject(twice)
    await expect(patch(group, { add_users: ['member'] })).rejects.toMatchObject({
      status: 400,
      message: 'ID "member" must be a valid user UUID.',
    })
    const stranger = await fixtures.user(database.db)
    for (const ids of [[stranger.id], [randomUUID()], [memberId, stranger.id]])
      for (const field of ['add_users', 'remove_users'])
        await expect(patch(group, { [field]: ids, quota_allowance: 9 })).rejects.toMatchObject({
          status: 400,
          message: 'User must be a member of organization "coder"',
        })
    expect(await read(group)).toMatchObject({ quota_allowance: 0, total_member_count: 1 })
  })

  it('WS-61: the user of prebuilt workspaces needs no membership, and is not shown', async () => {
    const id = 'c42fdf75-3097-471c-8c33-fb52454d81c0'
    const stored = await database.db.selectFrom('users').select('id').where('id', '=', id).executeTakeFirst()
    if (stored === undefined)
      await fixtures.user(database.db, {
        id,
        username: 'prebuilds',
        email: 'prebuilds@system.example',
        is_system: true,
      })
    const group = await make()
    expect(await patch(group, { add_users: [id] })).toMatchObject({ total_member_count: 0, members: [] })
    const rows = await database.db
      .selectFrom('group_members')
      .select('user_id')
      .where('group_id', '=', group.id)
      .execute()
    expect(rows).toEqual([{ user_id: id }])
  })

  it('WS-61: a name that another group has is a 409; its own in another case is not', async () => {
    const [first, second] = [await make(), await make()]
    await expect(patch(second, { name: first.name })).rejects.toMatchObject({
      status: 409,
      message: `A group named "${first.name}" already exists.`,
    })
    await expect(patch(second, { name: first.name.toUpperCase() })).rejects.toMatchObject({ status: 409 })
    expect(await patch(second, { name: second.name.toUpperCase() })).toMatchObject({
      name: second.name.toUpperCase(),
    })
  })

  it('WS-61: changes at the same time follow one another, and none is lost', async () => {
    const group = await make()
    const users = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const user = await fixtures.user(database.db)
        await fixtures.organizationMember(database.db, { organization_id: organizationId, user })
        return user.id
      }),
    )
    await Promise.all(users.map((id, n) => patch(group, { add_users: [id], quota_allowance: n })))
    expect((await read(group)).total_member_count).toBe(10)
  })

  it('WS-48: who leaves the organization, or is deleted, leaves its groups', async () => {
    const group = await make()
    const [leaver, deleted] = await Promise.all([server.user(unique()), server.user(unique())])
    const leaverId = (await leaver.call(getUser, { params: { user: 'me' } })).id
    const deletedId = (await deleted.call(getUser, { params: { user: 'me' } })).id
    await patch(group, { add_users: [leaverId, deletedId] })
    await owner.call(removeMember, { params: { ...DEFAULT, user: leaverId } })
    await owner.call(deleteUser, { params: { user: deletedId } })
    expect(await read(group)).toMatchObject({ total_member_count: 0, members: [] })
    // Coming back to the organization is not coming back to the group.
    await owner.call(addMember, { params: { ...DEFAULT, user: leaverId } })
    expect((await read(group)).total_member_count).toBe(0)
  })
})

describe('WS-24: Everyone', () => {
  it('WS-24, WS-61: has the id of the organization and all of its members, and only its quota changes', async () => {
    const group = await read(everyone())
    expect(group).toMatchObject({ name: 'Everyone', organization_id: organizationId, source: 'user' })
    expect(names(group.members)).toEqual(expect.arrayContaining(['member', 'owner']))
    expect(await owner.call(getGroupByName, { params: { ...DEFAULT, groupName: 'Everyone' } })).toEqual(group)
    for (const body of [{ name: 'all' }, { display_name: 'All' }])
      await expect(patch(everyone(), body)).rejects.toMatchObject({ status: 400 })
    for (const body of [{ add_users: [memberId] }, { remove_users: [memberId] }])
      await expect(patch(everyone(), body)).rejects.toMatchObject({ status: 403 })
    await expect(owner.call(deleteGroup, { params: { group: organizationId } })).rejects.toMatchObject({
      status: 400,
    })
    expect(
      await patch(everyone(), { name: 'Everyone', display_name: '', quota_allowance: 12 }),
    ).toMatchObject({ name: 'Everyone', quota_allowance: 12 })
    expect((await read(everyone())).quota_allowance).toBe(12)
    const rows = await database.db
      .selectFrom('group_members')
      .select('user_id')
      .where('group_id', '=', organizationId)
      .execute()
    expect(rows).toEqual([])
  })

  it('RB-81: can be named in an authorization check', async () => {
    const object = { resource_type: 'group', resource_id: organizationId }
    const checks = {
      read: { object, action: 'read' as const },
      update: { object, action: 'update' as const },
    }
    expect(await member.call(checkAuthorization, { body: { checks } })).toEqual({ read: true, update: false })
  })
})

describe('RB-101: the audit log tells of groups', () => {
  const entries = async (id: string) =>
    (await owner.call(listAuditLogs, { query: { q: `resource_id:${id}` } })).audit_logs.map(
      ({ action, status_code, resource_target, diff }) => ({ action, status_code, resource_target, diff }),
    )

  it('RB-98, RB-99: with their settings and their members in order', async () => {
    const group = await make({ quota_allowance: 2 })
    const { id: ownerId } = await owner.call(getUser, { params: { user: 'me' } })
    const sorted = [memberId, ownerId].sort()
    await patch(group, { add_users: [...sorted].reverse(), quota_allowance: 5 })
    await owner.call(deleteGroup, { params: { group: group.id } })
    const members = sorted.map((user_id) => ({ user_id, group_id: group.id }))
    expect(await entries(group.id)).toMatchObject([
      {
        action: 'delete',
        status_code: 200,
        resource_target: group.name,
        diff: {
          members: { old: members, new: [], secret: false },
          quota_allowance: { old: 5, new: 0, secret: false },
        },
      },
      {
        action: 'write',
        status_code: 200,
        diff: {
          members: { old: [], new: members, secret: false },
          quota_allowance: { old: 2, new: 5, secret: false },
        },
      },
      {
        action: 'create',
        status_code: 201,
        diff: { name: { old: '', new: group.name, secret: false } },
      },
    ])
  })

  it('RB-94: also of what was refused', async () => {
    const group = await make()
    await expect(patch(group, { quota_allowance: 1 }, member)).rejects.toMatchObject({ status: 404 })
    expect((await entries(group.id))[0]).toMatchObject({ action: 'write', status_code: 404, diff: {} })
  })
})

it('WS-47: a service account can be in a group', async () => {
  const account = await owner.call(createUser, {
    body: {
      username: unique(),
      service_account: true,
      login_type: 'none',
      organization_ids: [organizationId],
    },
  })
  const group = await make()
  expect((await patch(group, { add_users: [account.id] })).members).toMatchObject([
    { id: account.id, is_service_account: true },
  ])
})
