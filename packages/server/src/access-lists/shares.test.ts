import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createBuild,
  createToken,
  deleteWorkspaceAcl,
  getUser,
  getWorkspace,
  getWorkspaceAcl,
  listWorkspaces,
  removeMember,
  setDormant,
  updateGroup,
  updateWorkspaceAcl,
  updateWorkspaceSharing,
} from '@slipway/contract'
import { fixtures, startTestServer } from '@slipway/testkit'
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
const build = (client: Client, transition: 'start' | 'stop' | 'delete') =>
  client.call(createBuild, { params: params(), body: { transition } })
const setMode = (shareable_workspace_owners: 'none' | 'everyone' | 'service_accounts') =>
  owner.call(updateWorkspaceSharing, {
    params: { organization: 'default' },
    body: { shareable_workspace_owners },
  })

describe('what a share gives', () => {
  it('02 T6: who may use a workspace neither shares it on nor deletes it', async () => {
    await share({ user_roles: { [ids.friend]: 'use' } })
    expect((await read(friend)).name).toBe(workspace.name)
    await expect(share({ user_roles: { [ids.other]: 'use' } }, friend)).rejects.toMatchObject({ status: 403 })
    // Not even who is there is told to who may not share it.
    await expect(share({ user_roles: { [ABSENT]: 'use' } }, friend)).rejects.toMatchObject({ status: 403 })
    await expect(friend.call(deleteWorkspaceAcl, { params: params() })).rejects.toMatchObject({ status: 403 })
    await expect(build(friend, 'delete')).rejects.toMatchObject({
      status: 403,
      message: 'You do not have permission to delete this workspace.',
    })
    expect((await build(friend, 'stop')).transition).toBe('stop')
  })

  it('02 T21: who administers it does all but delete it', async () => {
    await share({ user_roles: { [ids.friend]: 'admin' } })
    await expect(build(friend, 'delete')).rejects.toMatchObject({ status: 403 })
    await share({ user_roles: { [ids.other]: 'use' } }, friend)
    expect((await read(other)).id).toBe(workspace.id)
    expect((await build(friend, 'stop')).transition).toBe('stop')
  })

  it('02 T5: to everybody else it is as absent as one that does not exist', async () => {
    const bodies = await Promise.all(
      [workspace.id, randomUUID()].map(async (id) => {
        const response = await fetch(`${server.url}/api/v2/workspaces/${id}/acl`, { headers: friend.headers })
        return [response.status, await response.text()]
      }),
    )
    expect(bodies[0]).toEqual(bodies[1])
    expect(bodies[0]?.[0]).toBe(404)
    await expect(share({ user_roles: { [ids.other]: 'use' } }, friend)).rejects.toMatchObject(notFound)
  })

  it('06 row 44: one’s own entry is not one’s own to change', async () => {
    await share({ user_roles: { [ids.friend]: 'use', [ids.other]: 'admin' } })
    const own = { status: 400, message: 'You cannot change your own workspace sharing role.' }
    for (const [client, id] of [
      [friend, ids.friend],
      [other, ids.other],
      [dev, ids.dev],
    ] as const)
      for (const role of ['admin', 'use', ''])
        await expect(share({ user_roles: { [id.toUpperCase()]: role } }, client)).rejects.toMatchObject(own)
    // Who may share every workspace of the organization gains nothing by it.
    await share({ user_roles: { [ids.owner]: 'admin' } }, owner)
    expect((await acl()).users.map(({ username }) => username)).toEqual(['friend', 'other', 'owner'])
  })

  it('02 T20, L-S6: in another organization, or after leaving it, it gives nothing', async () => {
    const stranger = await server.user('stranger')
    const { id } = await stranger.call(getUser, { params: { user: 'me' } })
    await share({ user_roles: { [id]: 'use' } })
    expect((await read(stranger)).id).toBe(workspace.id)
    await owner.call(removeMember, { params: { organization: 'default', user: id } })
    await expect(read(stranger)).rejects.toMatchObject(notFound)
    await fixtures.organizationMember(database.db, { user_id: id })
    const second = await made(ids.dev)
    await share({ user_roles: { [id]: 'admin' } }, dev, second)
    await expect(read(stranger, second)).rejects.toMatchObject(notFound)
    expect((await stranger.call(listWorkspaces)).count).toBe(0)
  })

  it('02 T22: a dormant workspace is not shared, and nobody shares it', async () => {
    await share({ user_roles: { [ids.friend]: 'use' } })
    expect((await friend.call(listWorkspaces, { query: { q: `id:${workspace.id}` } })).count).toBe(1)
    await dev.call(setDormant, { params: params(), body: { dormant: true } })
    await expect(read(friend)).rejects.toMatchObject(notFound)
    expect((await friend.call(listWorkspaces, { query: { q: `id:${workspace.id}` } })).count).toBe(0)
    for (const client of [dev, owner])
      await expect(share({ user_roles: { [ids.other]: 'use' } }, client)).rejects.toMatchObject({
        status: 403,
      })
  })

  it('RB-5: through a group it lasts as long as the group does', async () => {
    const group = await fixtures.group(database.db, { organization_id })
    await share({ group_roles: { [group.id]: 'use' } })
    const members = (body: object) => owner.call(updateGroup, { params: { group: group.id }, body })
    await expect(read(friend)).rejects.toMatchObject(notFound)
    await members({ add_users: [ids.friend] })
    expect((await read(friend)).id).toBe(workspace.id)
    await members({ remove_users: [ids.friend] })
    await expect(read(friend)).rejects.toMatchObject(notFound)
  })

  it('RB-14, RB-49: a key of who may share reaches no further than its scopes and its list', async () => {
    const second = await made(ids.dev)
    const scoped = async (body: object) => {
      const { key } = await dev.call(createToken, { params: { user: 'me' }, body })
      return new Client({ url: server.url, token: key })
    }
    const reader = await scoped({ scopes: ['workspace:read'] })
    expect(await acl(reader)).toEqual({ users: [], group: [] })
    await expect(share({ user_roles: { [ids.friend]: 'use' } }, reader)).rejects.toMatchObject({
      status: 403,
    })
    const one = await scoped({ scopes: ['coder:all'], allow_list: [`workspace:${workspace.id}`] })
    await share({ user_roles: { [ids.friend]: 'use' } }, one)
    await expect(share({ user_roles: { [ids.friend]: 'use' } }, one, second)).rejects.toMatchObject(notFound)
  })
})

describe('RB-21, RB-25, RB-57: where workspaces are not shared', () => {
  const off = { status: 403, message: 'Workspace sharing is disabled for this organization.' }

  it('02 T19: nobody shares any in an organization without sharing, and what was shared is forgotten', async () => {
    await share({ user_roles: { [ids.friend]: 'use' } })
    await setMode('none')
    try {
      for (const client of [dev, owner]) {
        await expect(share({ user_roles: { [ids.friend]: 'use' } }, client)).rejects.toMatchObject(off)
        await expect(client.call(deleteWorkspaceAcl, { params: params() })).rejects.toMatchObject(off)
      }
      expect(await acl()).toEqual({ users: [], group: [] })
      await expect(read(friend)).rejects.toMatchObject(notFound)
    } finally {
      await setMode('everyone')
    }
  })

  it('RB-21: only those of service accounts in one that shares those', async () => {
    const account = await fixtures.user(database.db, {
      is_service_account: true,
      email: '',
      login_type: 'none',
    })
    await fixtures.organizationMember(database.db, { organization_id, user: account })
    const theirs = await made(account.id)
    await setMode('service_accounts')
    try {
      for (const client of [dev, owner])
        await expect(share({ user_roles: { [ids.friend]: 'use' } }, client)).rejects.toMatchObject(off)
      await share({ user_roles: { [ids.friend]: 'use' } }, owner, theirs)
      expect((await read(friend, theirs)).id).toBe(theirs.id)
    } finally {
      await setMode('everyone')
    }
  })

  it('RB-25: a deployment without sharing forgets none of it and follows none of it', async () => {
    await share({ user_roles: { [ids.friend]: 'use' } })
    await using without = await startTestServer({
      databaseUrl: server.databaseUrl,
      env: { CODER_DISABLE_WORKSPACE_SHARING: 'true', CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    })
    const there = ({ headers }: Client) =>
      new Client({ url: without.url, token: headers['Coder-Session-Token'] })
    await expect(read(there(friend))).rejects.toMatchObject(notFound)
    expect(await acl(there(dev))).toEqual({ users: [], group: [] })
    expect((await read(there(dev))).shared_with).toEqual([])
    for (const client of [dev, owner])
      await expect(share({ user_roles: { [ids.other]: 'use' } }, there(client))).rejects.toMatchObject({
        status: 403,
        message: 'Workspace sharing is disabled for this deployment.',
        detail: expect.stringContaining('--disable-workspace-sharing'),
      })
    expect((await read(friend)).id).toBe(workspace.id)
  })
})
