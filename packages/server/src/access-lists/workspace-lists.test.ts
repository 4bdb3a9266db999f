import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  deleteWorkspaceAcl,
  getWorkspace,
  getWorkspaceAcl,
  listAuditLogs,
  listWorkspaces,
  updateWorkspaceAcl,
} from '@slipway/contract'
import { fixtures } from '@slipway/testkit'
import { ACL_ROLES } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { openSharingWorld, type SharingWorld, type Workspace } from './sharing-world.fixture.ts'

const ABSENT = '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'
const notFound = { status: 404, message: 'Resource not found or you do not have access to this resource' }

let world: SharingWorld
let server: SharingWorld['server']
let database: Database
let organization_id: string
let owner: Client
let dev: Client
let friend: Client
let other: Client
let ids: SharingWorld['ids']
let made: SharingWorld['made']
let workspace: Workspace

beforeAll(async () => {
  world = await openSharingWorld()
  ;({ server, database, organization_id, owner, dev, friend, other, ids, made } = world)
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  workspace = await made(ids.dev)
})

interface Roles {
  readonly user_roles?: Readonly<Record<string, string>>
  readonly group_roles?: Readonly<Record<string, string>>
}
const params = ({ id } = workspace) => ({ workspace: id })
const share = (body: Roles, client = dev, of = workspace) =>
  client.call(updateWorkspaceAcl, { params: params(of), body })
const acl = (client = dev, of = workspace) => client.call(getWorkspaceAcl, { params: params(of) })
const read = (client: Client, of = workspace) => client.call(getWorkspace, { params: params(of) })
const stored = (id = workspace.id) =>
  database.db
    .selectFrom('workspaces')
    .select(['user_acl', 'group_acl'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
const refused = (...faults: (readonly [field: string, detail: RegExp])[]) => ({
  status: 400,
  message: 'Invalid request to update workspace ACL',
  validations: faults.map(([field, detail]) => ({ field, detail: expect.stringMatching(detail) })),
})

describe('RB-54, WS-169: changing with whom a workspace is shared', () => {
  it('RB-54: only the named entries change, and an empty role takes one away', async () => {
    expect(await acl()).toEqual({ users: [], group: [] })
    await share({ user_roles: { [ids.friend]: 'use' }, group_roles: { [organization_id]: 'use' } })
    await share({ user_roles: { [ids.other]: 'admin' } })
    expect(await stored()).toEqual({
      user_acl: { [ids.friend]: ACL_ROLES.workspace.use, [ids.other]: ACL_ROLES.workspace.admin },
      group_acl: { [organization_id]: ACL_ROLES.workspace.use },
    })
    const list = await acl()
    expect(list.users.map(({ username, role }) => [username, role])).toEqual([
      ['friend', 'use'],
      ['other', 'admin'],
    ])
    expect(list.group).toMatchObject([{ id: organization_id, name: 'Everyone', role: 'use' }])
    await share({ user_roles: { [ids.friend]: '' }, group_roles: { [organization_id]: '', [ABSENT]: '' } })
    expect((await acl()).users.map(({ username }) => username)).toEqual(['other'])
    expect((await acl()).group).toEqual([])
    await share({})
    expect(await stored()).toMatchObject({ user_acl: { [ids.other]: expect.any(Array) } })
  })

  it('RB-54: faults are named all at once, on the field that they are in, and nothing is stored', async () => {
    await expect(
      share({
        user_roles: { friend: 'use', [ids.friend]: 'owner', [ABSENT]: 'use', [ids.other]: 'use' },
        group_roles: { [ABSENT]: 'admin', [organization_id]: 'use' },
      }),
    ).rejects.toMatchObject(
      refused(
        ['user_roles', /"friend" is not a valid UUID/],
        ['user_roles', /role "owner" is not a valid workspace role/],
        ['user_roles', /9f0c0a52.* does not exist/],
        ['group_roles', /9f0c0a52.* does not exist/],
      ),
    )
    for (const role of ['constructor', '__proto__', 'toString', 'Use', ' use'])
      await expect(share({ user_roles: { [ids.friend]: role } })).rejects.toMatchObject(
        refused(['user_roles', /not a valid workspace role/]),
      )
    expect(await stored()).toEqual({ user_acl: {}, group_acl: {} })
  })

  it('RB-134: ids are stored in one spelling, and two spellings of one are refused', async () => {
    await share({ user_roles: { [ids.friend.toUpperCase()]: 'use' } })
    expect(Object.keys((await stored()).user_acl ?? {})).toEqual([ids.friend])
    await expect(
      share({ user_roles: { [ids.friend]: 'admin', [ids.friend.toUpperCase()]: '' } }),
    ).rejects.toMatchObject(refused(['user_roles', /duplicate entries/]))
    await share({ user_roles: { [ids.friend.toUpperCase()]: '' } })
    expect(await stored()).toMatchObject({ user_acl: {} })
  })

  it('06 row 43: a deleted user gets nothing, and can be taken out', async () => {
    const gone = await fixtures.user(database.db)
    await share({ user_roles: { [gone.id]: 'use' } })
    await database.db.updateTable('users').set({ deleted: true }).where('id', '=', gone.id).execute()
    expect((await acl()).users).toEqual([])
    await expect(share({ user_roles: { [gone.id]: 'use' } })).rejects.toMatchObject(
      refused(['user_roles', /does not exist/]),
    )
    await share({ user_roles: { [gone.id]: '' } })
    expect(await stored()).toMatchObject({ user_acl: {} })
  })

  it('RB-55: stored actions that are those of no role have none', async () => {
    const odd = await made(ids.dev, { user_acl: JSON.stringify({ [ids.friend]: ['read', 'ssh'] }) })
    expect((await acl(dev, odd)).users).toMatchObject([{ username: 'friend', role: '' }])
    expect((await read(dev, odd)).shared_with).toMatchObject([{ roles: [''] }])
  })

  it('RB-133: changes at the same time all persist', async () => {
    const users = await Promise.all(Array.from({ length: 8 }, () => fixtures.user(database.db)))
    await Promise.all(users.map(({ id }) => share({ user_roles: { [id]: 'use' } })))
    expect(Object.keys((await stored()).user_acl ?? {}).sort()).toEqual(users.map(({ id }) => id).sort())
  })

  it('a list has at most 1000 entries', async () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, () => [randomUUID(), ['read']]))
    const full = await made(ids.dev, { user_acl: JSON.stringify(many) })
    await expect(share({ user_roles: { [ids.friend]: 'use' } }, dev, full)).rejects.toMatchObject(
      refused(['user_roles', /at most 1000/]),
    )
    const [first = ''] = Object.keys(many)
    await share({ user_roles: { [first]: '', [ids.friend]: 'use' } }, dev, full)
    const large = Object.fromEntries(Array.from({ length: 1001 }, () => [randomUUID(), '']))
    await expect(share({ user_roles: large })).rejects.toMatchObject({ status: 400 })
  })

  it('DELETE clears both lists', async () => {
    await share({ user_roles: { [ids.friend]: 'use' }, group_roles: { [organization_id]: 'use' } })
    await dev.call(deleteWorkspaceAcl, { params: params() })
    expect(await stored()).toEqual({ user_acl: {}, group_acl: {} })
    await expect(read(friend)).rejects.toMatchObject(notFound)
  })
})

describe('RB-56, L-S8: what the list tells', () => {
  it('no address, and no member of a group, to whoever reads it', async () => {
    const group = await fixtures.group(database.db, { organization_id })
    await fixtures.groupMember(database.db, { group, user_id: ids.other })
    await share({
      user_roles: { [ids.friend]: 'admin', [ids.other]: 'use' },
      group_roles: { [group.id]: 'use' },
    })
    const readers: Record<string, Client> = { owner, dev, admin: friend, use: other }
    for (const role of ['template-admin', 'auditor']) readers[role] = await server.user(`a-${role}`, [role])
    for (const [role, client] of Object.entries(readers)) {
      const answer = await acl(client).catch((error: { readonly status: number }) => error.status)
      if (role === 'auditor') {
        expect(answer).toBe(404)
        continue
      }
      expect(answer, role).toEqual({
        users: [
          { id: ids.friend, username: 'friend', name: '', avatar_url: '', role: 'admin' },
          { id: ids.other, username: 'other', name: '', avatar_url: '', role: 'use' },
        ],
        group: [
          {
            id: group.id,
            name: group.name,
            display_name: '',
            avatar_url: '',
            quota_allowance: 0,
            source: 'user',
            organization_id,
            organization_name: 'coder',
            organization_display_name: 'Default',
            total_member_count: 1,
            members: [],
            role: 'use',
          },
        ],
      })
    }
  })

  it('WS-142: the workspace says with whom it is shared', async () => {
    const group = await fixtures.group(database.db, { organization_id, display_name: 'A group' })
    await share({ user_roles: { [ids.friend]: 'use' }, group_roles: { [group.id]: 'admin' } })
    const shared_with = [
      { actor_type: 'group', id: group.id, name: 'A group', avatar_url: '', roles: ['admin'] },
      { actor_type: 'user', id: ids.friend, name: 'friend', avatar_url: '', roles: ['use'] },
    ]
    expect((await read(dev)).shared_with).toEqual(shared_with)
    const { workspaces } = await dev.call(listWorkspaces, { query: { q: `id:${workspace.id}` } })
    expect(workspaces[0]?.shared_with).toEqual(shared_with)
  })
})

describe('RB-70: searching by who shares', () => {
  it('who does not exist and who may not be read is the same fault', async () => {
    const stranger = await fixtures.user(database.db)
    const hidden = await fixtures.group(database.db)
    const fault = async (q: string) =>
      dev.call(listWorkspaces, { query: { q } }).then(
        () => 'found',
        (error: { readonly message: string; readonly validations: readonly { detail: string }[] }) =>
          `${error.message} ${error.validations[0]?.detail.replace(/"[^"]*"/, '…')}`,
      )
    const absent =
      'Invalid workspace search query. user … either does not exist, or you are unauthorized to view it'
    for (const reference of [stranger.id, stranger.username, randomUUID(), 'nobody'])
      expect(await fault(`shared_with_user:${reference}`)).toBe(absent)
    for (const reference of [hidden.id, hidden.name, randomUUID(), 'nothing', 'no/where'])
      expect(await fault(`shared_with_group:${reference}`)).toBe(absent.replace('user', 'group'))
    await share({ user_roles: { [ids.friend]: 'use' } })
    for (const [client, reference] of [
      [dev, ids.friend],
      [dev, 'friend'],
      [friend, 'me'],
    ] as const) {
      const { workspaces } = await client.call(listWorkspaces, {
        query: { q: `shared_with_user:${reference}` },
      })
      expect(workspaces.map(({ id }) => id)).toContain(workspace.id)
    }
    const { key } = await friend.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    const narrow = new Client({ url: server.url, token: key })
    const { workspaces } = await narrow.call(listWorkspaces, { query: { q: 'shared_with_user:me' } })
    expect(workspaces.map(({ id }) => id)).toContain(workspace.id)
  })
})

describe('RB-101: the audit log', () => {
  const entries = async () =>
    (await owner.call(listAuditLogs, { query: { q: `resource_id:${workspace.id}` } })).audit_logs

  it('RB-99: a change of the list is one string', async () => {
    await share({ user_roles: { [ids.friend]: 'use' } })
    expect((await entries())[0]).toMatchObject({
      action: 'write',
      status_code: 204,
      resource_type: 'workspace',
      diff: {
        user_acl: { old: '', new: JSON.stringify({ [ids.friend]: ACL_ROLES.workspace.use }), secret: false },
      },
    })
    expect(Object.keys((await entries())[0]?.diff ?? {})).toEqual(['user_acl'])
  })

  it('RB-94: whoever gives their own access away is recorded, and so is who was refused', async () => {
    await share({ user_roles: { [ids.friend]: 'admin' } })
    await friend.call(deleteWorkspaceAcl, { params: params() })
    await expect(read(friend)).rejects.toMatchObject(notFound)
    expect((await entries())[0]).toMatchObject({ status_code: 204, diff: { user_acl: { new: '' } } })
    await share({ user_roles: { [ids.friend]: 'use' } })
    await expect(share({ user_roles: { [ids.other]: 'use' } }, friend)).rejects.toMatchObject({ status: 403 })
    expect((await entries())[0]).toMatchObject({ status_code: 403, diff: {} })
  })
})
