import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type CustomRoleRequest,
  createSiteRole,
  createToken,
  deleteSiteRole,
  getMember,
  getUser,
  getUserRoles,
  listAuditLogs,
  listGrantableSitePermissions,
  listSiteRoles,
  listUsers,
  updateSiteRole,
  updateUserRoles,
} from '@slipway/contract'
import { startTestServer, type TestServer } from '@slipway/testkit'
import { may, permission } from './roles.fixture.ts'

let server: TestServer
let owner: Client
let userAdmin: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  userAdmin = await server.user('admin', ['user-admin'])
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

function role(
  name: string,
  site: readonly string[],
  more: Partial<CustomRoleRequest> = {},
): CustomRoleRequest {
  return { name, site_permissions: site.map((text) => permission(text)), ...more }
}
const create = (client: Client, body: CustomRoleRequest) => client.call(createSiteRole, { body })
const replace = (client: Client, body: CustomRoleRequest) => client.call(updateSiteRole, { body })
const remove = (client: Client, roleName: string) => client.call(deleteSiteRole, { params: { roleName } })
const give = (client: Client, user: string, roles: string[]) =>
  client.call(updateUserRoles, { params: { user }, body: { roles } })
const rolesOf = async (user: string): Promise<string[]> =>
  (await owner.call(getUserRoles, { params: { user } })).roles

describe('RB-40, RB-136: roles of the deployment', () => {
  it('count everywhere on the next request of those who hold them, and so do their changes', async () => {
    const made = await create(owner, role('log-reader', ['audit_log:read'], { display_name: 'Log Reader' }))
    expect(made).toEqual({
      name: 'log-reader',
      display_name: 'Log Reader',
      assignable_by: [],
      site_permissions: [{ resource_type: 'audit_log', action: 'read', negate: false }],
      user_permissions: [],
    })
    await expect(member.call(listAuditLogs, { query: {} })).rejects.toMatchObject({ status: 403 })
    await give(owner, 'member', ['log-reader'])
    expect((await member.call(listAuditLogs, { query: {} })).audit_logs.length).toBeGreaterThan(0)
    expect(await rolesOf('member')).toEqual(['log-reader'])
    const shown = async () => {
      const params = { organization: 'default', user: 'member' }
      const { users } = await owner.call(listUsers, { query: { q: 'username:member' } })
      return [
        (await member.call(getUser, { params: { user: 'me' } })).roles,
        users[0]?.roles,
        (await owner.call(getMember, { params })).global_roles,
      ]
    }
    // ID-1: under the name that people know it by.
    const named = [{ name: 'log-reader', display_name: 'Log Reader' }]
    expect(await shown()).toEqual([named, named, named])
    await replace(owner, role('log-reader', ['connection_log:read']))
    await expect(member.call(listAuditLogs, { query: {} })).rejects.toMatchObject({ status: 403 })
    expect(await may(member, 'connection_log:read', {})).toBe(true)
    expect((await owner.call(listUsers, { query: { q: 'role:log-reader' } })).users).toHaveLength(1)
  })

  it('are listed beside the built-in ones, with who may assign them', async () => {
    await create(owner, role('helper', ['user:read'], { assignable_by: ['user-admin'] }))
    const listed = async (client: Client) =>
      new Map((await client.call(listSiteRoles)).map((one) => [one.name, one]))
    expect((await listed(owner)).get('helper')).toMatchObject({
      built_in: false,
      assignable: true,
      assignable_by: ['user-admin'],
    })
    const seen = await listed(userAdmin)
    expect(seen.get('helper')).toMatchObject({ built_in: false, assignable: true })
    expect(seen.get('log-reader')).toMatchObject({ assignable: false })
    expect(seen.get('owner')).toMatchObject({ built_in: true, assignable: false })
  })

  it('are handed out by owners, and by those to whom a role says so', async () => {
    await server.user('third')
    await give(userAdmin, 'third', ['helper'])
    expect(await rolesOf('third')).toEqual(['helper'])
    for (const roles of [['helper', 'log-reader'], ['nothing'], ['helper', 'owner']])
      await expect(give(userAdmin, 'third', roles)).rejects.toMatchObject({ status: 400 })
    await give(owner, 'third', ['helper', 'log-reader'])
    // Nor may they take what they may not give.
    await expect(give(userAdmin, 'third', ['helper'])).rejects.toMatchObject({ status: 400 })
    await expect(give(member, 'third', ['helper'])).rejects.toMatchObject({ status: 404 })
  })

  it('give nobody the right to hand out roles, whatever they are called', async () => {
    for (const name of ['user-admin', 'owner', 'organization-admin', 'member'])
      await expect(create(owner, role(name, []))).rejects.toMatchObject({ status: 400 })
    for (const pair of [
      'assign_role:assign',
      'assign_role:unassign',
      'api_key:create',
      'crypto_key:read',
      'system:read',
    ])
      await expect(create(owner, role('too-much', [pair]))).rejects.toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining(pair) },
      })
    await create(owner, role('people', ['user:read', 'user:update', 'assign_role:read']))
    await server.user('fourth')
    await give(owner, 'fourth', ['people'])
    const fourth = await server.user('fifth')
    await expect(give(fourth, 'member', ['owner'])).rejects.toMatchObject({ status: 404 })
  })

  it('are made by owners alone, with a credential that may hand roles out', async () => {
    await expect(create(userAdmin, role('mine', []))).rejects.toMatchObject({ status: 403 })
    await expect(replace(userAdmin, role('helper', ['user:read']))).rejects.toMatchObject({ status: 403 })
    await expect(remove(userAdmin, 'helper')).rejects.toMatchObject({ status: 403 })
    await expect(create(member, role('mine', []))).rejects.toMatchObject({ status: 403 })
    const { key } = await owner.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['user:read'] },
    })
    await expect(create(new Client({ url: server.url, token: key }), role('mine', []))).rejects.toMatchObject(
      { status: 403 },
    )
  })

  it('hold site and user permissions, refuse only what people do, and name nothing that does not exist', async () => {
    const refused: CustomRoleRequest[] = [
      { name: 'r', organization_permissions: [permission('template:read')] },
      { name: 'r', organization_member_permissions: [permission('template:read')] },
      { name: 'r', user_permissions: [permission('workspace:ssh', { negate: true })] },
      { name: 'r', site_permissions: [permission('template:read', { negate: true })] },
      role('r', ['workspace:fly']),
      role('r', ['*:*']),
      role('a b', []),
      role('r', [], { assignable_by: ['organization-user-admin'] }),
    ]
    for (const body of refused) await expect(create(owner, body)).rejects.toMatchObject({ status: 400 })
    const made = await create(owner, {
      name: 'no-shell',
      site_permissions: [permission('workspace:ssh', { negate: true })],
      user_permissions: [permission('task:read')],
    })
    expect(made.site_permissions).toEqual([{ resource_type: 'workspace', action: 'ssh', negate: true }])
    expect(made.user_permissions).toEqual([{ resource_type: 'task', action: 'read', negate: false }])
    const kept = await replace(owner, role('no-shell', ['workspace:fly', 'template:read']))
    expect(kept.site_permissions).toEqual([{ resource_type: 'template', action: 'read', negate: false }])
  })

  it('have one name, whatever its case', async () => {
    await expect(create(owner, role('Helper', []))).rejects.toMatchObject({ status: 409 })
    await expect(replace(owner, role('absent', []))).rejects.toMatchObject({ status: 404 })
    await expect(remove(owner, 'absent')).rejects.toMatchObject({ status: 404 })
  })

  it('are taken from everybody when they are deleted, at once', async () => {
    await create(owner, role('passing', ['audit_log:read']))
    const holder = await server.user('holder')
    await give(owner, 'holder', ['passing', 'template-admin'])
    expect(await may(holder, 'audit_log:read', {})).toBe(true)
    await remove(owner, 'passing')
    expect(await rolesOf('holder')).toEqual(['template-admin'])
    expect(await may(holder, 'audit_log:read', {})).toBe(false)
    await expect(give(owner, 'holder', ['passing'])).rejects.toMatchObject({ status: 400 })
  })

  it('nobody is given a role that is being deleted', async () => {
    for (let round = 0; round < 5; round += 1) {
      await create(owner, role('racing', []))
      await Promise.allSettled([give(owner, 'holder', ['racing']), remove(owner, 'racing')])
      expect(await rolesOf('holder')).not.toContain('racing')
    }
  })

  it('RB-37: what may be put into one is listed', async () => {
    const grantable = await owner.call(listGrantableSitePermissions)
    expect(grantable.find(({ resource_type: type }) => type === 'audit_log')?.grantable).toContain('read')
  })

  it('RB-97, RB-99: what is done to them is recorded, without an organization', async () => {
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:custom_role resource_target:log-reader' },
    })
    expect(entries.map(({ action }) => action)).toEqual(['write', 'create'])
    expect(entries[0]?.diff.site_permissions).toMatchObject({
      old: ['audit_log.read'],
      new: ['connection_log.read'],
    })
    expect(entries[0]?.organization).toBeUndefined()
  })
})
