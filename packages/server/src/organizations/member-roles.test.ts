import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  addMember,
  assignMemberRoles,
  createUser,
  getMember,
  getOrganizationOfUser,
  getUser,
  getUserRoles,
  listMemberRoles,
  listMembersPaged,
  listWorkspaces,
  removeMember,
  updateUserRoles,
} from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let organizationId: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
  await server.user('target')
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => setDefaults('organization-workspace-access'))

const params = (user: string) => ({ organization: 'default', user })
const setDefaults = async (...roles: string[]) => {
  await database.db.updateTable('organizations').set({ default_org_member_roles: roles }).execute()
}
const assign = (client: Client, user: string, roles: string[]) =>
  client.call(assignMemberRoles, { params: params(user), body: { roles } })
const withRole = async (name: string, role: string) => {
  const client = await server.user(name)
  await assign(owner, name, [role])
  return client
}

describe('roles in an organization', () => {
  it('RB-41: a user admin of the organization hands out small roles and takes none away that are greater', async () => {
    const admin = await withRole('orguseradmin', 'organization-user-admin')
    await assign(admin, 'target', ['agents-access'])
    await expect(assign(admin, 'target', ['organization-admin'])).rejects.toMatchObject({
      status: 400,
      message: 'not authorized to assign role "organization-admin"',
    })
    await assign(owner, 'target', ['organization-auditor'])
    await expect(assign(admin, 'target', [])).rejects.toMatchObject({ status: 400 })
  })

  it('T12, RB-41: a user admin neither makes owners nor takes the role from one', async () => {
    const admin = await server.user('useradmin', ['user-admin'])
    await server.user('secondowner', ['owner'])
    const set = (user: string, roles: string[]) =>
      admin.call(updateUserRoles, { params: { user }, body: { roles } })
    for (const [user, roles] of [
      ['target', ['owner']],
      ['secondowner', []],
      ['secondowner', ['owner', 'auditor']],
    ] as const)
      await expect(set(user, [...roles])).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining('not authorized to assign role'),
      })
    await expect(set('target', ['owner'])).rejects.toMatchObject({
      message: 'not authorized to assign role "owner"',
    })
    await expect(set('secondowner', [])).rejects.toMatchObject({
      message: 'not authorized to assign role "owner"',
    })
  })

  it('T13, RB-68: who may not assign site roles is refused by what they may see', async () => {
    const admin = await withRole('orgadmin', 'organization-admin')
    const plain = await server.user('bystander')
    const set = (client: Client, user: string) =>
      client.call(updateUserRoles, { params: { user }, body: { roles: ['auditor'] } })
    await expect(set(admin, 'target')).rejects.toMatchObject({ status: 403 })
    await expect(set(owner, 'me')).rejects.toMatchObject({
      status: 400,
      message: 'You cannot change your own roles.',
    })
    await expect(set(plain, 'target')).rejects.toMatchObject({ status: 404 })
  })

  it.each([
    ['a site role', 'auditor'],
    ['a role with its organization', 'organization-auditor:00000000-0000-4000-8000-000000000000'],
    ['an unknown role', 'nothing'],
    ['nothing', ''],
  ])('RB-44: %s is not a role of an organization', async (_what, role) => {
    await expect(assign(owner, 'target', [role])).rejects.toMatchObject({
      status: 400,
      message: `${JSON.stringify(role)} is not a supported role`,
    })
  })

  it('RB-42: what all members have counts as handed out, also when roles are only taken away', async () => {
    const admin = await withRole('orguseradmin2', 'organization-user-admin')
    await assign(owner, 'target', ['agents-access'])
    await setDefaults('organization-auditor')
    await expect(assign(admin, 'target', [])).rejects.toMatchObject({
      status: 400,
      message: 'not authorized to assign role "organization-auditor"',
    })
    await assign(owner, 'target', [])
  })

  it('RB-42, RB-43: nobody adds members who get more than they may hand out', async () => {
    const admin = await withRole('orguseradmin3', 'organization-user-admin')
    await owner.call(removeMember, { params: params('target') })
    await setDefaults('organization-auditor')
    await expect(admin.call(addMember, { params: params('target') })).rejects.toMatchObject({
      status: 400,
      message: 'not authorized to assign role "organization-auditor"',
    })
    await expect(owner.call(getMember, { params: params('target') })).rejects.toMatchObject({ status: 404 })
    const siteAdmin = await server.user('siteadmin', ['user-admin'])
    await expect(
      siteAdmin.call(createUser, {
        body: {
          username: 'toomuch',
          email: 'toomuch@example.com',
          password: PASSWORD,
          organization_ids: [organizationId],
        },
      }),
    ).rejects.toMatchObject({ status: 400 })
    await expect(owner.call(getUser, { params: { user: 'toomuch' } })).rejects.toMatchObject({ status: 404 })
    await setDefaults('organization-workspace-access')
    await admin.call(addMember, { params: params('target') })
  })

  it('RB-68: who may not manage members is told that there are none', async () => {
    const plain = await server.user('plain')
    for (const call of [
      () => plain.call(removeMember, { params: params('target') }),
      () => plain.call(addMember, { params: params('plain') }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 404 })
  })

  it('RB-41: the roles are listed to those who may see them, by name', async () => {
    const list = (client: Client) => client.call(listMemberRoles, { params: { organization: 'default' } })
    const names = (await list(owner)).map(({ name }) => name)
    expect(names).toEqual(names.toSorted())
    const auditor = await server.user('siteauditor', ['auditor'])
    expect((await list(auditor)).some(({ assignable }) => assignable)).toBe(false)
    const admin = await server.user('templates', ['template-admin'])
    await owner.call(removeMember, { params: params('templates') })
    expect(await list(admin)).toHaveLength(names.length)
  })

  it('RB-41: the roles of a user hold those in organizations, and are not for strangers', async () => {
    await assign(owner, 'target', ['organization-auditor'])
    expect(await owner.call(getUserRoles, { params: { user: 'target' } })).toEqual({
      roles: [],
      organization_roles: { [organizationId]: ['organization-auditor'] },
    })
    const auditor = await server.user('siteauditor2', ['auditor'])
    expect(await auditor.call(getUser, { params: { user: 'target' } })).toMatchObject({ username: 'target' })
    await expect(auditor.call(getUserRoles, { params: { user: 'target' } })).rejects.toMatchObject({
      status: 404,
    })
  })

  it('RB-67: pages of members are for who may read them all', async () => {
    const page = (client: Client) =>
      client.call(listMembersPaged, { params: { organization: 'default' }, query: { limit: 1 } })
    const plain = await server.user('plain2')
    expect((await page(plain)).count).toBeGreaterThan(2)
    await database.db.updateTable('organizations').set({ shareable_workspace_owners: 'none' }).execute()
    await expect.poll(() => page(plain).catch(({ status }) => status)).toBe(404)
    await database.db.updateTable('organizations').set({ shareable_workspace_owners: 'everyone' }).execute()
  })

  it('ID-144: who reads members need not be able to read users', async () => {
    const auditor = await withRole('orgauditor', 'organization-auditor')
    await expect(auditor.call(getUser, { params: { user: 'target' } })).rejects.toMatchObject({ status: 404 })
    expect(await auditor.call(getMember, { params: params('TARGET') })).toMatchObject({ username: 'target' })
    expect(await auditor.call(getMember, { params: params('me') })).toMatchObject({ username: 'orgauditor' })
  })

  it('ID-143: organizations are not shown of a user who does not exist', async () => {
    await expect(
      owner.call(getOrganizationOfUser, { params: { user: 'nobody', organizationname: 'default' } }),
    ).rejects.toMatchObject({ status: 404 })
  })

  it('RB-5: a role that is taken away, and a membership that ends, count on the next request', async () => {
    const admin = await withRole('shortlived', 'organization-admin')
    const workspace = await fixtures.workspace(database.db, { organization_id: organizationId })
    await fixtures.workspaceBuild(database.db, { workspace })
    const seen = async () => (await admin.call(listWorkspaces)).count
    expect(await seen()).toBe(1)
    for (let round = 0; round < 5; round += 1) {
      await assign(owner, 'shortlived', [])
      expect(await seen()).toBe(0)
      await assign(owner, 'shortlived', ['organization-admin'])
      expect(await seen()).toBe(1)
    }
    await owner.call(removeMember, { params: params('shortlived') })
    expect(await seen()).toBe(0)
  })
})
