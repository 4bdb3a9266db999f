import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  createWorkspace,
  getTemplate,
  getTemplateAcl,
  getTemplateAclAvailable,
  getUser,
  listAuditLogs,
  listOrganizations,
  listTemplates,
  NEVER,
  removeMember,
  updateTemplate,
  updateTemplateAcl,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const ABSENT = '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'
const notFound = { status: 404, message: 'Resource not found or you do not have access to this resource' }

let server: TestServer
let database: Database
let organization_id: string
let owner: Client
let dev: Client
let friend: Client
let ids: Record<'owner' | 'dev' | 'friend', string>
let count = 0
let template: Awaited<ReturnType<typeof fixtures.template>>

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  ;[dev, friend] = [await server.user('dev'), await server.user('friend')]
  const idOf = async (client: Client) => (await client.call(getUser, { params: { user: 'me' } })).id
  ids = { owner: await idOf(owner), dev: await idOf(dev), friend: await idOf(friend) }
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  template = await made()
})

async function made(columns: object = {}) {
  const row = await fixtures.template(database.db, {
    organization_id,
    active_version_id: randomUUID(),
    ...columns,
  })
  await fixtures.templateVersion(database.db, { id: row.active_version_id, template: row })
  return row
}

interface Roles {
  readonly user_perms?: Readonly<Record<string, string>>
  readonly group_perms?: Readonly<Record<string, string>>
}
const params = ({ id } = template) => ({ template: id })
const open = (body: Roles, client = owner, of = template) =>
  client.call(updateTemplateAcl, { params: params(of), body })
const acl = (client = owner, of = template) => client.call(getTemplateAcl, { params: params(of) })
const available = (client = owner, query: object = {}) =>
  client.call(getTemplateAclAvailable, { params: params(), query })
const read = (client: Client) => client.call(getTemplate, { params: params() })
const use = (client: Client) =>
  client.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: `w-${randomUUID().slice(0, 8)}`, template_id: template.id },
  })
const stored = () =>
  database.db
    .selectFrom('templates')
    .select(['user_acl', 'group_acl'])
    .where('id', '=', template.id)
    .executeTakeFirstOrThrow()
const refused = (...faults: (readonly [field: string, detail: RegExp])[]) => ({
  status: 400,
  message: 'Invalid request to update template ACL',
  validations: faults.map(([field, detail]) => ({ field, detail: expect.stringMatching(detail) })),
})

describe('RB-54, WS-92: opening a template to users and groups', () => {
  it('WS-92: only the named entries change, and an empty role takes one away', async () => {
    const group = await fixtures.group(database.db, { organization_id })
    expect(await acl()).toEqual({ users: [], group: [] })
    expect(
      await open({ user_perms: { [ids.dev]: 'use' }, group_perms: { [organization_id]: 'use' } }),
    ).toEqual({ message: 'Successfully updated template ACL list.' })
    await open({ user_perms: { [ids.friend]: 'admin' }, group_perms: { [group.id]: 'admin' } })
    expect(await stored()).toEqual({
      user_acl: { [ids.dev]: ['read', 'use'], [ids.friend]: ['*'] },
      group_acl: { [organization_id]: ['read', 'use'], [group.id]: ['*'] },
    })
    const list = await acl()
    expect(list.users.map(({ username, role, email }) => [username, role, email])).toEqual([
      ['dev', 'use', 'dev@example.com'],
      ['friend', 'admin', 'friend@example.com'],
    ])
    expect(list.group.map(({ id, role }) => [id, role])).toEqual([
      [organization_id, 'use'],
      [group.id, 'admin'],
    ])
    expect(list.group[0]?.members.map(({ username }) => username)).toEqual(
      expect.arrayContaining(['dev', 'owner']),
    )
    await open({ user_perms: { [ids.friend]: '' }, group_perms: { [group.id]: '' } })
    expect(await stored()).toEqual({
      user_acl: { [ids.dev]: ['read', 'use'] },
      group_acl: { [organization_id]: ['read', 'use'] },
    })
  })

  it('RB-54, RB-134: all faults at once; who is not in the organization gets nothing and can be taken out', async () => {
    const stranger = await fixtures.user(database.db)
    const foreign = await fixtures.group(database.db)
    await expect(
      open({
        user_perms: { dev: 'use', [ids.dev]: 'owner', [stranger.id]: 'use', [ABSENT]: 'admin' },
        group_perms: { [foreign.id]: 'use', [foreign.organization_id]: 'use', [organization_id]: 'admin' },
      }),
    ).rejects.toMatchObject(
      refused(
        ['user_perms', /"dev" is not a valid UUID/],
        ['user_perms', /role "owner" is not a valid template role/],
        ['user_perms', new RegExp(`${stranger.id} is not in the organization`)],
        ['user_perms', new RegExp(`${ABSENT} is not in the organization`)],
        ['group_perms', new RegExp(`${foreign.id} is not in the organization`)],
        ['group_perms', new RegExp(`${foreign.organization_id} is not in the organization`)],
      ),
    )
    expect(await stored()).toEqual({ user_acl: {}, group_acl: {} })
    template = await made({
      user_acl: JSON.stringify({ [stranger.id]: ['read'] }),
      group_acl: JSON.stringify({ [foreign.id]: ['read', 'use'] }),
    })
    expect((await acl()).users).toMatchObject([{ id: stranger.id, role: '' }])
    await open({ user_perms: { [stranger.id]: '' }, group_perms: { [foreign.id]: '' } })
    expect(await stored()).toEqual({ user_acl: {}, group_acl: {} })
  })

  it('RB-133: changes at the same time all persist, and closing it to Everyone undoes none of them', async () => {
    const users = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const user = await fixtures.user(database.db)
        await fixtures.organizationMember(database.db, { organization_id, user })
        return user.id
      }),
    )
    await open({ group_perms: { [organization_id]: 'use' } })
    const group = await fixtures.group(database.db, { organization_id })
    await Promise.all([
      ...users.map((id) => open({ user_perms: { [id]: 'use' } })),
      open({ group_perms: { [group.id]: 'use' } }),
      owner.call(updateTemplate, { params: params(), body: { disable_everyone_group_access: true } }),
    ])
    const { user_acl, group_acl } = await stored()
    expect(Object.keys(user_acl ?? {}).sort()).toEqual([...users].sort())
    expect(group_acl).toEqual({ [group.id]: ['read', 'use'] })
  })
})

describe('what an entry gives', () => {
  it('WS-93: use lets its holder see the template and make workspaces of it, and no more', async () => {
    await expect(read(dev)).rejects.toMatchObject(notFound)
    await open({ user_perms: { [ids.dev]: 'use' } })
    expect((await read(dev)).id).toBe(template.id)
    expect((await dev.call(listTemplates)).map(({ id }) => id)).toContain(template.id)
    expect((await use(dev)).template_id).toBe(template.id)
    for (const denied of [
      () => acl(dev),
      () => open({ user_perms: { [ids.friend]: 'use' } }, dev),
      () => dev.call(updateTemplate, { params: params(), body: { description: 'x' } }),
    ])
      await expect(denied()).rejects.toMatchObject({ status: 403 })
    await expect(available(dev)).rejects.toMatchObject(notFound)
    await open({ user_perms: { [ids.dev]: '' } })
    await expect(read(dev)).rejects.toMatchObject(notFound)
    await expect(use(dev)).rejects.toMatchObject({ status: expect.any(Number) })
  })

  it('RB-124: who administers it opens it to others; who may only change it does not', async () => {
    await open({ user_perms: { [ids.dev]: 'admin' } })
    await open({ user_perms: { [ids.friend]: 'use' } }, dev)
    expect((await read(friend)).id).toBe(template.id)
    const editor = await made({ user_acl: JSON.stringify({ [ids.dev]: ['read', 'update'] }) })
    expect((await acl(dev, editor)).users).toMatchObject([{ username: 'dev', role: '' }])
    await expect(open({ user_perms: { [ids.friend]: 'use' } }, dev, editor)).rejects.toMatchObject({
      status: 403,
    })
    await expect(open({ user_perms: { [ABSENT]: 'use' } }, dev, editor)).rejects.toMatchObject({
      status: 403,
    })
    for (const call of [() => acl(friend, editor), () => open({}, friend, editor)])
      await expect(call()).rejects.toMatchObject(notFound)
  })

  it('RB-14: a key for one template changes that one only', async () => {
    const other = await made()
    const { key } = await owner.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['template:*'], allow_list: [`template:${template.id}`] },
    })
    const client = new Client({ url: server.url, token: key })
    await open({ user_perms: { [ids.dev]: 'use' } }, client)
    await expect(open({ user_perms: { [ids.dev]: 'use' } }, client, other)).rejects.toMatchObject(notFound)
  })
})

describe('WS-92: to whom it can be opened', () => {
  it('members and groups of the organization, in pages and by search', async () => {
    const stranger = await fixtures.user(database.db)
    const foreign = await fixtures.group(database.db)
    const group = await fixtures.group(database.db, { organization_id })
    await fixtures.groupMember(database.db, { group, user_id: ids.dev })
    const all = await available()
    const names = all?.users.map(({ username }) => username) ?? []
    expect(names).toEqual(expect.arrayContaining(['dev', 'friend', 'owner']))
    expect(names).not.toContain(stranger.username)
    expect(names).toEqual([...names].sort())
    const groups = all?.groups.map(({ id }) => id)
    expect(groups).toEqual(expect.arrayContaining([group.id, organization_id]))
    expect(groups).not.toContain(foreign.id)
    expect(all?.groups.find(({ id }) => id === group.id)).toMatchObject({
      members: [],
      total_member_count: 1,
    })
    expect((await available(owner, { q: 'fri' }))?.users).toMatchObject([{ username: 'friend' }])
    expect((await available(owner, { limit: 1, offset: 1 }))?.users).toMatchObject([{ username: names[1] }])
    await expect(available(owner, { q: 'foo:bar' })).rejects.toMatchObject({ status: 400 })
  })
})

describe('L-S8: what the lists tell of users', () => {
  /** What each role learns of others, in an organization whose members do not see one another. */
  it.each([
    ['owner', true],
    ['template-admin', true],
    ['admin by the list', false],
  ] as const)('RB-56: the %s learns addresses: %s', async (role, learns) => {
    const organization = await fixtures.organization(database.db, { shareable_workspace_owners: 'none' })
    const everyone = await fixtures.group(database.db, {
      organization,
      id: organization.id,
      name: 'Everyone',
    })
    const [reader, listed] = [`reader-${count}`, `listed-${count}`]
    count += 1
    const clients = [await server.user(reader), await server.user(listed)]
    const members: string[] = []
    for (const client of clients) {
      const { id: user_id } = await client.call(getUser, { params: { user: 'me' } })
      await fixtures.organizationMember(database.db, { organization, user_id })
      await owner.call(removeMember, { params: { organization: 'default', user: user_id } })
      members.push(user_id)
    }
    const [readerId = '', listedId = ''] = members
    const of = await made({
      organization_id: organization.id,
      user_acl: JSON.stringify({ [readerId]: ['*'], [listedId]: ['read', 'use'] }),
      group_acl: JSON.stringify({ [everyone.id]: ['read', 'use'] }),
    })
    const byList = clients[0] ?? server.anonymous
    const client =
      role === 'owner' ? owner : role === 'template-admin' ? await server.user('ta', [role]) : byList
    const { users, group } = await acl(client, of)
    const candidates = await client.call(getTemplateAclAvailable, { params: params(of) })
    const hidden = { email: '', last_seen_at: NEVER }
    const shown = { email: `${listed}@example.com` }
    for (const list of [users, candidates.users]) {
      expect(list.map(({ username }) => username)).toEqual([listed, reader])
      expect(list[0]).toMatchObject(learns ? shown : hidden)
      expect(list[1]).toMatchObject({ email: `${reader}@example.com` })
    }
    expect(group[0]).toMatchObject({ total_member_count: 2 })
    expect(group[0]?.members.map(({ username }) => username)).toEqual(learns ? [listed, reader] : [reader])
    expect(JSON.stringify([users, group, candidates]).includes(shown.email)).toBe(learns)
  })
})

it('RB-99, RB-101: the audit log has the list as one string', async () => {
  await open({ user_perms: { [ids.friend]: 'use', [ids.dev]: 'admin' } })
  const { audit_logs } = await owner.call(listAuditLogs, { query: { q: `resource_id:${template.id}` } })
  const entries = Object.entries({ [ids.friend]: ['read', 'use'], [ids.dev]: ['*'] })
  const text = JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))))
  expect(audit_logs[0]).toMatchObject({
    action: 'write',
    status_code: 200,
    diff: { user_acl: { old: '', new: text, secret: false } },
  })
})
