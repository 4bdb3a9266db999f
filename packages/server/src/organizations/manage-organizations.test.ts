import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  addMember,
  assignMemberRoles,
  createOrganization,
  deleteOrganization,
  getOrganization,
  getUser,
  listAuditLogs,
  listMemberRoles,
  listMembers,
  listOrganizations,
  listUsersForWorkspaces,
  removeMember,
  updateOrganization,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let admin: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
  admin = await server.user('admin')
  await owner.call(assignMemberRoles, {
    params: { organization: 'default', user: 'admin' },
    body: { roles: ['organization-admin'] },
  })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const at = (organization: string) => ({ params: { organization } })
const create = (client: Client, name: string, more: object = {}) =>
  client.call(createOrganization, { body: { name, ...more } })
const update = (client: Client, organization: string, body: object) =>
  client.call(updateOrganization, { ...at(organization), body })
const remove = (client: Client, organization: string) => client.call(deleteOrganization, at(organization))

describe('POST /organizations', () => {
  it('WS-41, RB-24: makes it with its roles, its Everyone group and its maker as a plain member', async () => {
    const made = await create(owner, 'acme', { description: 'All of it', icon: '/icon/a.svg' })
    expect(made).toMatchObject({
      name: 'acme',
      display_name: 'acme',
      description: 'All of it',
      icon: '/icon/a.svg',
      is_default: false,
      default_org_member_roles: ['organization-workspace-access'],
    })
    const members = await owner.call(listMembers, { ...at('acme'), query: {} })
    expect(members.map(({ username, roles }) => [username, roles])).toEqual([['owner', []]])
    const { db } = database
    const group = await db.selectFrom('groups').selectAll().where('id', '=', made.id).execute()
    expect(group).toMatchObject([{ name: 'Everyone', organization_id: made.id }])
    const roles = await db
      .selectFrom('custom_roles')
      .select(['name', 'is_system'])
      .where('organization_id', '=', made.id)
      .orderBy('name')
      .execute()
    expect(roles).toEqual([
      { name: 'organization-member', is_system: true },
      { name: 'organization-service-account', is_system: true },
    ])
    const entry = await until('its entry', async () => {
      const { audit_logs: found } = await owner.call(listAuditLogs, {
        query: { q: `resource_id:${made.id} action:create` },
      })
      return found[0]
    })
    expect(entry).toMatchObject({
      resource_type: 'organization',
      resource_target: 'acme',
      organization: { id: made.id },
      diff: { name: { old: '', new: 'acme', secret: false } },
    })
  })

  it.each([
    ['default', 400, 'Organization name "default" is reserved.'],
    ['Default', 400, 'Organization name "Default" is reserved.'],
    ['coder', 409, 'Organization already exists with that name.'],
    ['CODER', 409, 'Organization already exists with that name.'],
    ['new', 400, 'Validation failed.'],
    ['two words', 400, 'Validation failed.'],
    ['a'.repeat(33), 400, 'Validation failed.'],
    ['', 400, 'Validation failed.'],
  ])('WS-41, WS-1: the name %j is refused', async (name, status, message) => {
    await expect(create(owner, name)).rejects.toMatchObject({ status, message })
  })

  it('WS-41: many at once of one name make one', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => create(owner, 'once')))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ status: 409 })
  })

  it('RB-16: is for owners alone', async () => {
    for (const client of [
      member,
      admin,
      await server.user('useradmin', ['user-admin']),
      await server.user('templateadmin', ['template-admin']),
    ])
      await expect(create(client, 'mine')).rejects.toMatchObject({ status: 403 })
    expect((await owner.call(listOrganizations)).map(({ name }) => name)).not.toContain('mine')
  })
})

describe('PATCH /organizations/{organization}', () => {
  it('WS-43: changes what is given, and empty names change nothing', async () => {
    const { id } = await create(owner, 'renamed', { description: 'before' })
    const changed = await update(owner, 'renamed', {
      name: '',
      display_name: '',
      description: '',
      icon: '/x',
    })
    expect(changed).toMatchObject({ name: 'renamed', display_name: 'renamed', description: '', icon: '/x' })
    expect(await update(owner, id, { name: 'other', display_name: 'Other' })).toMatchObject({
      id,
      name: 'other',
      display_name: 'Other',
    })
    await expect(owner.call(getOrganization, at('renamed'))).rejects.toMatchObject({ status: 404 })
    await expect(update(owner, id, { name: 'Coder' })).rejects.toMatchObject({
      status: 409,
      message: 'Organization already exists with that name.',
    })
    await expect(update(owner, id, { name: 'default' })).rejects.toMatchObject({ status: 400 })
    await expect(update(owner, id, { display_name: ' x' })).rejects.toMatchObject({
      status: 400,
      validations: [expect.objectContaining({ field: 'display_name' })],
    })
  })

  it('ID-205: takes nothing else from a request', async () => {
    const { id } = await create(owner, 'plain')
    const answer = await fetch(`${server.url}/api/v2/organizations/plain`, {
      method: 'PATCH',
      headers: { ...owner.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        description: 'plain',
        is_default: true,
        deleted: true,
        shareable_workspace_owners: 'none',
        created_at: '2001-01-01T00:00:00Z',
      }),
    })
    expect([200, 400]).toContain(answer.status)
    expect(
      await database.db.selectFrom('organizations').selectAll().where('id', '=', id).executeTakeFirst(),
    ).toMatchObject({ is_default: false, deleted: false, shareable_workspace_owners: 'everyone' })
  })

  it('RB-68: is refused to members and hidden from strangers', async () => {
    await expect(update(member, 'default', { description: 'x' })).rejects.toMatchObject({ status: 403 })
    await create(owner, 'hidden')
    await expect(update(member, 'hidden', { description: 'x' })).rejects.toMatchObject({ status: 404 })
    await expect(update(admin, 'hidden', { description: 'x' })).rejects.toMatchObject({ status: 404 })
    expect(await update(admin, 'default', { description: 'ours' })).toMatchObject({ description: 'ours' })
  })

  it('WS-43, RB-43: roles of all members are known ones', async () => {
    for (const role of ['no-such-role', 'owner', 'organization-member', 'auditor', 'constructor'])
      await expect(update(owner, 'default', { default_org_member_roles: [role] })).rejects.toMatchObject({
        status: 400,
        message: 'Invalid default_org_member_roles entry.',
        validations: [expect.objectContaining({ field: 'default_org_member_roles' })],
      })
  })

  it('T14, RB-42, RB-43: what all members get decides who may add members', async () => {
    const userAdmin = await server.user('orguseradmin')
    await owner.call(assignMemberRoles, {
      params: { organization: 'default', user: 'orguseradmin' },
      body: { roles: ['organization-user-admin'] },
    })
    const params = { organization: 'default', user: 'member' }
    await owner.call(removeMember, { params })
    const defaults = ['organization-workspace-access', 'organization-auditor']
    await update(admin, 'default', { default_org_member_roles: defaults })
    await expect(userAdmin.call(addMember, { params })).rejects.toMatchObject({ status: 400 })
    await update(admin, 'default', { default_org_member_roles: ['organization-workspace-access'] })
    await userAdmin.call(addMember, { params })
  })

  it('RB-43: counts for members on their next request', async () => {
    const seen = async () =>
      (await member.call(listMemberRoles, at('default'))).some(({ assignable }) => assignable)
    expect(await seen()).toBe(false)
    await update(owner, 'default', { default_org_member_roles: ['organization-user-admin'] })
    expect(await seen()).toBe(true)
    await update(owner, 'default', { default_org_member_roles: ['organization-workspace-access'] })
    expect(await seen()).toBe(false)
  })
})

describe('DELETE /organizations/{organization}', () => {
  it('WS-44, WS-20: ends what is empty, and frees its name', async () => {
    const made = await create(owner, 'gone')
    expect(await remove(owner, 'gone')).toEqual({ message: 'Organization has been deleted.' })
    await expect(owner.call(getOrganization, at(made.id))).rejects.toMatchObject({ status: 404 })
    expect((await owner.call(listOrganizations)).map(({ id }) => id)).not.toContain(made.id)
    expect((await owner.call(getUser, { params: { user: 'me' } })).organization_ids).not.toContain(made.id)
    expect((await create(owner, 'gone')).id).not.toBe(made.id)
    await expect(fixtures.workspace(database.db, { organization_id: made.id })).rejects.toThrow(
      'has been deleted meanwhile',
    )
  })

  it('WS-44: never the default one, and only by who may', async () => {
    await expect(remove(owner, 'default')).rejects.toMatchObject({
      status: 400,
      message: 'Default organization cannot be deleted.',
    })
    await create(owner, 'kept')
    await owner.call(addMember, { params: { organization: 'kept', user: 'member' } })
    await expect(remove(member, 'kept')).rejects.toMatchObject({ status: 403 })
    await expect(remove(admin, 'kept')).rejects.toMatchObject({ status: 404 })
  })

  it('WS-44, WS-301: not while it holds something, which is counted', async () => {
    const { db } = database
    const { id } = await create(owner, 'full')
    const template = await fixtures.template(db, { organization_id: id })
    const workspaces = await Promise.all([
      fixtures.workspace(db, { organization_id: id, template_id: template.id }),
      fixtures.workspace(db, { organization_id: id, template_id: template.id }),
    ])
    const group = await fixtures.group(db, { organization_id: id })
    await owner.call(addMember, { params: { organization: 'full', user: 'member' } })
    const detail = (what: string) => ({
      status: 409,
      message: 'Error deleting organization.',
      detail: `This organization has ${what} that must be deleted first.`,
    })
    await expect(remove(owner, 'full')).rejects.toMatchObject(
      detail('2 workspaces, 1 template, 1 group, 2 members'),
    )
    await db
      .updateTable('workspaces')
      .set({ deleted: true })
      .where(
        'id',
        'in',
        workspaces.map((workspace) => workspace.id),
      )
      .execute()
    await db.deleteFrom('groups').where('id', '=', group.id).execute()
    await owner.call(removeMember, { params: { organization: 'full', user: 'member' } })
    await expect(remove(owner, 'full')).rejects.toMatchObject(detail('1 template'))
    await db.updateTable('templates').set({ deleted: true }).where('id', '=', template.id).execute()
    await remove(owner, 'full')
  })

  it('WS-44: nothing slips in while it is deleted', async () => {
    const { db } = database
    for (let round = 0; round < 10; round += 1) {
      const { id } = await create(owner, `race${round}`)
      const [removed, added] = await Promise.allSettled([
        remove(owner, id),
        fixtures.template(db, { organization_id: id }),
      ])
      expect([removed.status, added.status].sort()).toEqual(['fulfilled', 'rejected'])
    }
  })
})

describe('GET …/workspaces/available-users', () => {
  const list = (client: Client, query: object = {}, organization = 'default') =>
    client.call(listUsersForWorkspaces, { params: { organization, user: 'me' }, query })

  it('WS-139: names members without their e-mail addresses, to who may create workspaces for them', async () => {
    const users = await list(admin)
    expect(users.map(({ username }) => username)).toEqual(users.map(({ username }) => username).toSorted())
    expect(users).toContainEqual(expect.objectContaining({ username: 'member' }))
    expect(JSON.stringify(users)).not.toContain('@example.com')
    expect((await list(admin, { q: 'mem' })).map(({ username }) => username)).toEqual(['member'])
    expect(await list(admin, { limit: 1, offset: 1 })).toEqual([users[1]])
  })

  it('WS-139: an owner of the deployment need not be a member, and a user must exist', async () => {
    const outside = await server.user('outside', ['owner'])
    await create(owner, 'faraway')
    expect((await list(outside, {}, 'faraway')).map(({ username }) => username)).toEqual(['owner'])
    await expect(
      admin.call(listUsersForWorkspaces, {
        params: { organization: 'default', user: 'nobody' },
        query: {},
      }),
    ).rejects.toMatchObject({ status: 404 })
  })

  it('WS-139: and to nobody else', async () => {
    await expect(list(member)).rejects.toMatchObject({ status: 403 })
    await create(owner, 'elsewhere')
    await expect(list(admin, {}, 'elsewhere')).rejects.toMatchObject({ status: 404 })
  })
})
