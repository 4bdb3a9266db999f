import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getOrganization, getUser, updateOrganization } from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import {
  assign as assignBy,
  at,
  create,
  may as mayDo,
  permission,
  remove,
  replace,
  role,
} from './roles.fixture.ts'

let server: TestServer
let database: Database
let owner: Client
let admin: Client
let one: Client
let two: Client
let organizationId: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  admin = await server.user('admin')
  one = await server.user('one')
  two = await server.user('two')
  organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
  await assign('admin', ['organization-admin'])
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const assign = (user: string, roles: string[], client = owner, organization = 'default') =>
  assignBy(client, user, roles, organization)
const may = (client: Client, text: string, object: object = { organization_id: organizationId }) =>
  mayDo(client, text, object)

describe('handing out custom roles', () => {
  it('RB-41: owners and administrators of the organization do, others do not', async () => {
    await create(owner, role('handed', ['template:read']))
    const userAdmin = await server.user('userman')
    await assign('userman', ['organization-user-admin'])
    await assign('one', ['handed'], admin)
    await expect(assign('two', ['handed'], userAdmin)).rejects.toMatchObject({
      status: 400,
      message: 'not authorized to assign role "handed"',
    })
    await expect(assign('one', [], userAdmin)).rejects.toMatchObject({ status: 400 })
    await assign('one', [])
    await remove(owner, 'handed')
  })

  it('RB-136: and those to whom a role says so', async () => {
    const assigner = await server.user('assigner')
    await assign('assigner', ['organization-user-admin'])
    const body = role('support', ['template:read'], { assignable_by: ['organization-user-admin'] })
    await create(admin, body)
    await assign('one', ['support'], assigner)
    // Clients that know nothing of the list leave it as it is.
    expect(await replace(admin, role('support', ['template:read']))).toMatchObject({
      assignable_by: ['organization-user-admin'],
    })
    await assign('one', [], assigner)
    await replace(admin, { ...body, assignable_by: [] })
    await expect(assign('one', ['support'], assigner)).rejects.toMatchObject({ status: 400 })
    await expect(create(admin, { ...body, name: 'odd', assignable_by: ['auditor'] })).rejects.toMatchObject({
      status: 400,
      validations: [expect.objectContaining({ field: 'assignable_by' })],
    })
    await remove(admin, 'support')
  })

  it('RB-41: a custom role lets nobody hand out roles, whatever it is called and holds', async () => {
    await database.db
      .insertInto('custom_roles')
      .values({
        name: 'system',
        organization_id: organizationId,
        org_permissions: JSON.stringify(
          ['assign', 'unassign', 'read'].map((action) => permission(`assign_org_role:${action}`)),
        ),
      })
      .execute()
    await create(
      owner,
      role('constructor', ['assign_org_role:assign', 'assign_org_role:unassign', 'assign_org_role:update']),
    )
    for (const name of ['system', 'constructor']) {
      await assign('one', [name])
      await expect(assign('two', ['organization-admin'], one)).rejects.toMatchObject({
        status: 400,
        message: 'not authorized to assign role "organization-admin"',
      })
    }
    // Who may change roles and not hand them out changes none to what they lack.
    await expect(
      replace(one, role('constructor', ['assign_org_role:update', 'template:delete'])),
    ).rejects.toMatchObject({ status: 400, message: 'Failed to update role permissions' })
    await expect(
      replace(one, role('constructor', [], { assignable_by: ['organization-user-admin'] })),
    ).rejects.toMatchObject({ status: 400 })
    await assign('one', [])
    for (const name of ['system', 'constructor']) await remove(owner, name)
  })

  it('RB-136, RB-43: all members get one only from who holds all of it', async () => {
    const set = (client: Client, roles: string[]) =>
      client.call(updateOrganization, { ...at, body: { default_org_member_roles: roles } })
    await create(owner, role('shell', ['workspace:ssh']))
    await create(admin, role('logs', ['audit_log:read']))
    await expect(set(admin, ['shell'])).rejects.toMatchObject({
      status: 400,
      message: 'Invalid default_org_member_roles entry.',
    })
    expect(await may(admin, 'workspace:ssh')).toBe(false)
    await set(admin, ['organization-workspace-access', 'logs'])
    expect(await may(two, 'audit_log:read')).toBe(true)
    await remove(admin, 'logs')
    expect(await may(two, 'audit_log:read')).toBe(false)
    expect((await owner.call(getOrganization, at)).default_org_member_roles).toEqual([
      'organization-workspace-access',
    ])
    await remove(owner, 'shell')
  })
})

it('RB-44: a name that means nothing any more can be cleaned up by an owner', async () => {
  await database.db
    .updateTable('organization_members')
    .set({ roles: ['long-gone'] })
    .where('user_id', '=', (await owner.call(getUser, { params: { user: 'two' } })).id)
    .execute()
  await expect(assign('two', [], admin)).rejects.toMatchObject({ status: 400 })
  expect((await assign('two', [])).roles).toEqual([])
})
