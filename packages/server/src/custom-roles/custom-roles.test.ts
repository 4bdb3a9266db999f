import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  addMember,
  createOrganization,
  createToken,
  getMember,
  getOrganization,
  getUser,
  getUserRoles,
  listAuditLogs,
  listGrantablePermissions,
  listMemberRoles,
  updateOrganization,
} from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
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
const names = async (client = owner) => (await client.call(listMemberRoles, at)).map(({ name }) => name)
const words = (list: readonly { resource_type: string; action: string }[]) =>
  list.map(({ resource_type, action }) => `${resource_type}:${action}`)

describe('custom roles', () => {
  it('RB-34: are made and replaced by the organization, and one object is answered', async () => {
    const made = await create(
      admin,
      role('release-bot', ['template:update'], { display_name: 'Release bot' }),
    )
    expect(made).toEqual({
      name: 'release-bot',
      organization_id: organizationId,
      display_name: 'Release bot',
      assignable_by: [],
      site_permissions: [],
      user_permissions: [],
      organization_permissions: [permission('template:update')],
      organization_member_permissions: [],
    })
    const changed = await replace(admin, role('release-bot', ['template:read', 'template:read']))
    expect(words(changed.organization_permissions)).toEqual(['template:read'])
    // RB-27: what has no name to show would not be shown.
    expect(changed.display_name).toBe('release-bot')
    expect((await admin.call(listMemberRoles, at)).find(({ name }) => name === 'release-bot')).toMatchObject({
      built_in: false,
      assignable: true,
      organization_id: organizationId,
    })
    expect((await one.call(listMemberRoles, at)).find(({ name }) => name === 'release-bot')).toMatchObject({
      assignable: false,
    })
    expect(await names()).toEqual((await names()).toSorted())
    await remove(admin, 'release-bot')
    expect(await names()).not.toContain('release-bot')
  })

  it('RB-5, RB-34: count on the next request of those who hold them, and so do their changes', async () => {
    await create(owner, role('reader', ['audit_log:read']))
    expect(await may(one, 'audit_log:read')).toBe(false)
    const member = await assign('one', ['reader'])
    expect(member.roles).toEqual([
      { name: 'reader', display_name: 'reader', organization_id: organizationId },
    ])
    expect(await may(one, 'audit_log:read')).toBe(true)
    expect(await may(one, 'audit_log:read', {})).toBe(false)
    await replace(owner, role('reader', ['connection_log:read'], { display_name: 'Reader of logs' }))
    expect(await may(one, 'audit_log:read')).toBe(false)
    expect(await may(one, 'connection_log:read')).toBe(true)
    const shown = await owner.call(getMember, { params: { organization: 'default', user: 'one' } })
    expect(shown.roles).toMatchObject([{ name: 'reader', display_name: 'Reader of logs' }])
    await assign('one', [])
    expect(await may(one, 'connection_log:read')).toBe(false)
  })

  it('RB-5: count on other replicas within a second', async () => {
    await using second = await startTestServer({ databaseUrl: server.databaseUrl })
    const token = one.headers['Coder-Session-Token']
    const there = async () => {
      const answer = await fetch(`${second.url}/api/v2/authcheck`, {
        method: 'POST',
        headers: { 'Coder-Session-Token': token ?? '', 'Content-Type': 'application/json' },
        body: JSON.stringify({
          checks: {
            it: {
              action: 'read',
              object: { resource_type: 'idpsync_settings', organization_id: organizationId },
            },
          },
        }),
      })
      const body: unknown = await answer.json()
      return typeof body === 'object' && body !== null && 'it' in body ? body.it : undefined
    }
    await create(owner, role('elsewhere', ['idpsync_settings:read']))
    await assign('one', ['elsewhere'])
    await expect.poll(there, { timeout: 1_000, interval: 20 }).toBe(true)
    await replace(owner, role('elsewhere', []))
    await expect.poll(there, { timeout: 1_000, interval: 20 }).toBe(false)
    await assign('one', [])
  })

  it('T17, RB-39: a role that is deleted is taken from everybody, at once', async () => {
    await create(owner, role('Doomed', ['audit_log:read']))
    await assign('one', ['Doomed', 'organization-auditor'])
    await assign('two', ['Doomed'])
    expect([await may(one, 'audit_log:read'), await may(two, 'audit_log:read')]).toEqual([true, true])
    await assign('one', ['Doomed'])
    await remove(owner, 'doomed')
    expect([await may(one, 'audit_log:read'), await may(two, 'audit_log:read')]).toEqual([false, false])
    for (const user of ['one', 'two'])
      expect(
        (await owner.call(getUserRoles, { params: { user } })).organization_roles[organizationId],
      ).toEqual([])
    // A later role of that name is another role.
    await create(owner, role('Doomed', ['audit_log:read']))
    expect(await may(one, 'audit_log:read')).toBe(false)
    await remove(owner, 'Doomed')
    await expect(remove(owner, 'Doomed')).rejects.toMatchObject({
      status: 404,
      message: 'No custom role with the name Doomed found',
    })
  })

  it('RB-39: nobody is given a role that is being deleted', async () => {
    for (let round = 0; round < 8; round += 1) {
      await create(owner, role('brief', ['audit_log:read']))
      await Promise.allSettled([
        assign('one', ['brief']),
        remove(owner, 'brief'),
        owner.call(updateOrganization, { ...at, body: { default_org_member_roles: ['brief'] } }),
      ])
      expect(await names()).not.toContain('brief')
      const { organization_roles: held } = await owner.call(getUserRoles, { params: { user: 'one' } })
      expect(held[organizationId]).not.toContain('brief')
      const { default_org_member_roles: defaults } = await owner.call(getOrganization, at)
      expect(defaults).not.toContain('brief')
    }
    await owner.call(updateOrganization, {
      ...at,
      body: { default_org_member_roles: ['organization-workspace-access'] },
    })
  })

  it('RB-39: names are unique in an organization whatever their case, and free in others', async () => {
    await create(owner, role('deploy'))
    await expect(create(owner, role('Deploy'))).rejects.toMatchObject({ status: 409 })
    await owner.call(createOrganization, { body: { name: 'branch' } })
    await create(owner, role('deploy', ['template:read']), 'branch')
    await owner.call(addMember, { params: { organization: 'branch', user: 'one' } })
    await assign('one', ['deploy'])
    // The same name elsewhere is another role.
    const branch = (await owner.call(getOrganization, { params: { organization: 'branch' } })).id
    expect(await may(one, 'template:read', { organization_id: branch })).toBe(false)
    await assign('one', ['deploy'], owner, 'branch')
    expect(await may(one, 'template:read', { organization_id: branch })).toBe(true)
    await expect(assign('two', ['nowhere'])).rejects.toMatchObject({
      status: 400,
      message: '"nowhere" is not a supported role',
    })
    await assign('one', [])
    await remove(owner, 'deploy')
    expect(await may(one, 'template:read', { organization_id: branch })).toBe(true)
  })

  it.each(['owner', 'Owner', 'organization-member', 'organization-admin', 'member', 'system'])(
    'T16, RB-35: the built-in name %s is reserved',
    async (name) => {
      for (const call of [create, replace])
        await expect(call(owner, role(name))).rejects.toMatchObject({
          status: 400,
          message: 'Reserved role name',
        })
    },
  )

  it.each([
    ['a b', 'name'],
    ['new', 'name'],
    ['x'.repeat(33), 'name'],
    ['-x', 'name'],
    ['a:b', 'name'],
    ['', 'name'],
  ])('T16, RB-35: the name %j is invalid', async (name, field) => {
    for (const call of [create, replace])
      await expect(call(owner, role(name))).rejects.toMatchObject({
        status: 400,
        validations: [expect.objectContaining({ field })],
      })
  })

  it('T16, RB-35: site and user permissions are refused', async () => {
    for (const field of ['site_permissions', 'user_permissions'])
      await expect(
        create(owner, role('wide', [], { [field]: [permission('template:read')] })),
      ).rejects.toMatchObject({ status: 400, validations: [expect.objectContaining({ field })] })
    expect(await names()).not.toContain('wide')
  })

  it('T15, RB-37: nobody grants what they do not hold, refusals or wildcards', async () => {
    const bad = [
      permission('workspace:ssh'),
      permission('template:read', { negate: true }),
      permission('template:*'),
      permission('*:read'),
    ]
    await create(admin, role('small', ['template:read']))
    for (const denied of bad)
      for (const field of ['organization_permissions', 'organization_member_permissions'])
        for (const [call, name] of [
          [create, 'greedy'],
          [replace, 'small'],
        ] as const)
          await expect(call(admin, role(name, [], { [field]: [denied] }))).rejects.toMatchObject({
            status: 400,
            message: 'Failed to update role permissions',
            detail: expect.stringContaining(`${denied.resource_type}:${denied.action}`),
          })
    expect(await names()).not.toContain('greedy')
    const kept = (await owner.call(listMemberRoles, at)).find(({ name }) => name === 'small')
    expect(words(kept?.organization_permissions ?? [])).toEqual(['template:read'])
    await remove(admin, 'small')
  })

  it('RB-37: a credential grants no more than its scope', async () => {
    const { key: token } = await owner.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['organization:*', 'template:*'] },
    })
    const narrow = new Client({ url: server.url, token })
    await expect(create(narrow, role('scoped', ['template:read']))).rejects.toMatchObject({ status: 404 })
  })

  it('T18, RB-17, RB-38: unknown permissions are refused in a new role and dropped from one that is replaced', async () => {
    const unknown = { organization_permissions: [permission('template:read'), permission('spaceship:fly')] }
    await expect(create(owner, role('modern', [], unknown))).rejects.toMatchObject({ status: 400 })
    expect(await names()).not.toContain('modern')
    await create(owner, role('modern'))
    const replaced = await replace(owner, role('modern', [], unknown))
    expect(words(replaced.organization_permissions)).toEqual(['template:read'])
    await expect(create(owner, role('internal', ['aibridge_interception:delete']))).rejects.toMatchObject({
      status: 400,
    })
    await remove(owner, 'modern')
    await expect(replace(owner, role('modern'))).rejects.toMatchObject({ status: 404 })
  })

  it('RB-38, RB-6, ID-64: a stored permission that means nothing any more counts for nothing', async () => {
    await create(owner, role('aged', ['audit_log:read']))
    await database.db
      .updateTable('custom_roles')
      .set({
        org_permissions: JSON.stringify([permission('audit_log:read'), permission('spaceship:fly'), 7, null]),
      })
      .where('name', '=', 'aged')
      .execute()
    await assign('one', ['aged'])
    expect(await may(one, 'audit_log:read')).toBe(true)
    await remove(owner, 'aged')
  })

  it('RB-36: who may not is told of nothing, or refused a deletion', async () => {
    await create(owner, role('guarded'))
    for (const client of [one, await server.user('roleuseradmin', ['user-admin'])]) {
      await expect(create(client, role('theirs'))).rejects.toMatchObject({ status: 404 })
      await expect(replace(client, role('guarded'))).rejects.toMatchObject({ status: 404 })
      await expect(remove(client, 'guarded')).rejects.toMatchObject({ status: 403 })
    }
    await expect(remove(owner, 'organization-member')).rejects.toMatchObject({ status: 404 })
    await remove(owner, 'guarded')
  })

  it('RB-37: what may be put into a role is listed to who makes it', async () => {
    const list = (client: Client) => client.call(listGrantablePermissions, at)
    const workspace = async (client: Client) =>
      (await list(client)).find(({ resource_type }) => resource_type === 'workspace')
    expect(await workspace(admin)).toMatchObject({
      actions: expect.arrayContaining(['ssh', 'start']),
      grantable: expect.not.arrayContaining(['ssh']),
    })
    expect((await workspace(admin))?.grantable).toContain('start')
    expect((await workspace(owner))?.grantable).toContain('ssh')
    expect((await workspace(one))?.grantable).toEqual([])
    for (const { resource_type, grantable } of await list(admin))
      await create(
        admin,
        role('all', [], {
          organization_permissions: grantable.map((action) => permission(`${resource_type}:${action}`)),
        }),
      ).then(() => remove(admin, 'all'))
  })

  it('RB-136: may hold what members may do to their own', async () => {
    const own = { organization_id: organizationId, owner_id: 'me' }
    await create(owner, role('chatter', [], { organization_member_permissions: [permission('chat:create')] }))
    await assign('one', ['chatter'])
    expect(await may(one, 'chat:create', own)).toBe(true)
    expect(await may(one, 'chat:create', { organization_id: organizationId })).toBe(false)
    await remove(owner, 'chatter')
  })

  it('RB-136: may refuse what people do, by the hand of an owner, and nothing that keeps order', async () => {
    const refusing = (text: string) =>
      role('no-sharing', [], { organization_permissions: [permission(text, { negate: true })] })
    const own = { organization_id: organizationId, owner_id: 'me' }
    const made = await create(owner, refusing('workspace:share'))
    expect(made.organization_permissions).toEqual([permission('workspace:share', { negate: true })])
    expect(await may(one, 'workspace:share', own)).toBe(true)
    await assign('one', ['no-sharing'])
    expect(await may(one, 'workspace:share', own)).toBe(false)
    expect(await may(one, 'workspace:start', own)).toBe(true)
    for (const text of [
      'assign_org_role:read',
      'organization:update',
      'workspace:read',
      'workspace:*',
      '*:ssh',
    ])
      await expect(replace(owner, refusing(text))).rejects.toMatchObject({
        status: 400,
        message: 'Failed to update role permissions',
      })
    await expect(replace(admin, refusing('workspace:share'))).rejects.toMatchObject({ status: 400 })
    await assign('admin', ['organization-admin', 'no-sharing'])
    await expect(replace(admin, role('no-sharing'))).rejects.toMatchObject({ status: 403 })
    await expect(remove(admin, 'no-sharing')).rejects.toMatchObject({ status: 403 })
    expect(await may(one, 'workspace:share', own)).toBe(false)
    await assign('admin', ['organization-admin'])
    await remove(admin, 'no-sharing')
    expect(await may(one, 'workspace:share', own)).toBe(true)
  })

  it('RB-97, RB-99: what is done to them is recorded, permissions as words', async () => {
    await create(admin, role('logged', ['template:read', 'template:use']))
    await replace(admin, role('logged', ['template:read']))
    await remove(admin, 'logged')
    const entries = await until('three entries', async () => {
      const { audit_logs: found } = await owner.call(listAuditLogs, {
        query: { q: 'resource_type:custom_role resource_target:logged' },
      })
      return found.length === 3 ? found : undefined
    })
    expect(entries.map(({ action }) => action)).toEqual(['delete', 'write', 'create'])
    expect(entries[1]).toMatchObject({
      user: { username: 'admin' },
      organization: { id: organizationId },
      diff: {
        org_permissions: { old: ['template.read', 'template.use'], new: ['template.read'], secret: false },
      },
    })
  })
})
