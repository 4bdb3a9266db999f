import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { type AuthorizationCheck, assignMemberRoles, checkAuthorization, getUser } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

type Asked = AuthorizationCheck['object'] & { readonly action?: string }

let server: TestServer
let database: Database
let owner: Client
let member: Client
let memberId: string
let organizationId: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
  const me = await member.call(getUser, { params: { user: 'me' } })
  memberId = me.id
  organizationId = me.organization_ids[0] ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const ask = (client: Client, checks: Readonly<Record<string, Asked>>) =>
  client.call(checkAuthorization, {
    body: {
      checks: Object.fromEntries(
        Object.entries(checks).map(([name, { action = 'read', ...object }]) => [name, { action, object }]),
      ),
    },
  })
const one = async (client: Client, question: Asked) => (await ask(client, { one: question })).one

describe('POST /authcheck', () => {
  it('RB-80: "me" is the caller', async () => {
    expect(
      await ask(member, {
        own: { resource_type: 'api_key', owner_id: 'me' },
        others: { resource_type: 'api_key', owner_id: '7b1f5b8c-0e3e-4a52-9d4f-1b8a3d1c9f10' },
        create: { resource_type: 'user', action: 'create' },
      }),
    ).toEqual({ own: true, others: false, create: false })
  })

  it('RB-81: an id stands for the stored object, whatever the question says of it', async () => {
    const { db } = database
    const template = await fixtures.template(db, { organization_id: organizationId })
    const given = { organization_id: organizationId, template_id: template.id }
    const own = await fixtures.workspace(db, { ...given, owner_id: memberId })
    const foreign = await fixtures.workspace(db, given)
    const shared = await fixtures.workspace(db, {
      ...given,
      user_acl: JSON.stringify({ [memberId]: ['read', 'ssh'] }),
    })
    const dormant = await fixtures.workspace(db, {
      ...given,
      dormant_at: new Date(),
      user_acl: JSON.stringify({ [memberId]: ['read', 'ssh'] }),
    })
    const lie = { resource_type: 'workspace', owner_id: 'me', organization_id: organizationId }
    expect(
      await ask(member, {
        own: { resource_type: 'workspace', resource_id: own.id, action: 'ssh' },
        upperCase: { resource_type: 'workspace', resource_id: own.id.toUpperCase() },
        foreign: { ...lie, resource_id: foreign.id, action: 'ssh' },
        shared: { resource_type: 'workspace', resource_id: shared.id, action: 'ssh' },
        sharedDelete: { resource_type: 'workspace', resource_id: shared.id, action: 'delete' },
        dormant: { resource_type: 'workspace', resource_id: dormant.id },
        absent: { ...lie, resource_id: '7b1f5b8c-0e3e-4a52-9d4f-1b8a3d1c9f10' },
        template: { resource_type: 'template', resource_id: template.id },
        user: { resource_type: 'user', resource_id: memberId },
      }),
    ).toEqual({
      own: true,
      upperCase: true,
      foreign: false,
      shared: true,
      sharedDelete: false,
      dormant: false,
      absent: false,
      template: false,
      user: true,
    })
    expect(await one(owner, { resource_type: 'workspace', resource_id: foreign.id })).toBe(true)
    expect(await one(owner, { ...lie, resource_id: dormant.id, action: 'ssh' })).toBe(false)
    expect(
      await one(owner, { resource_type: 'workspace', resource_id: '7b1f5b8c-0e3e-4a52-9d4f-1b8a3d1c9f10' }),
    ).toBe(false)
  })

  it('RB-81: a group may be read by who is in it', async () => {
    const group = await fixtures.group(database.db, { organization_id: organizationId })
    const question = { resource_type: 'group', resource_id: group.id }
    const outsider = await server.user('outsider')
    const { id } = await outsider.call(getUser, { params: { user: 'me' } })
    await database.db.updateTable('organizations').set({ shareable_workspace_owners: 'none' }).execute()
    await fixtures.groupMember(database.db, { group, user_id: memberId })
    await expect.poll(() => one(member, question)).toBe(true)
    expect(await one(outsider, question)).toBe(false)
    expect(id).not.toBe(memberId)
  })

  it.each([
    ['a type without ids', { resource_type: 'file', resource_id: organizationId }, 'resource_type'],
    ['an id that is none', { resource_type: 'workspace', resource_id: 'W1' }, 'resource_id'],
  ])('RB-81: %s is refused', async (_what, question, field) => {
    const resource_id = question.resource_id || '7b1f5b8c-0e3e-4a52-9d4f-1b8a3d1c9f10'
    await expect(one(owner, { ...question, resource_id })).rejects.toMatchObject({
      status: 400,
      validations: [expect.objectContaining({ field })],
    })
  })

  it('RB-81: ten checks may name an object and eleven not', async () => {
    const many = (count: number) =>
      ask(
        member,
        Object.fromEntries(
          Array.from({ length: count }, (_, i) => [
            `check${i}`,
            { resource_type: 'user', resource_id: memberId },
          ]),
        ),
      )
    expect(Object.values(await many(10))).toEqual(Array.from({ length: 10 }, () => true))
    await expect(many(11)).rejects.toMatchObject({ status: 400, message: expect.stringContaining('10') })
  })

  it('RB-82: an empty type is refused by the name of its check, unknown things are not allowed', async () => {
    await expect(ask(owner, { odd: { resource_type: '' } })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('"odd"'),
    })
    expect(
      await ask(owner, {
        type: { resource_type: 'spaceship' },
        anyType: { resource_type: '*' },
        action: { resource_type: 'workspace', action: 'fly' },
        internal: { resource_type: 'aibridge_interception', action: 'delete' },
        both: { resource_type: 'workspace', organization_id: organizationId, any_org: true },
      }),
    ).toEqual({ type: false, anyType: false, action: false, internal: false, both: false })
  })

  it('T40, RB-122: a ban in one organization is not lifted by membership of another', async () => {
    const { db } = database
    const banned = await server.user('banned')
    const { id } = await banned.call(getUser, { params: { user: 'me' } })
    const elsewhere = await fixtures.organization(db, { default_org_member_roles: [] })
    await fixtures.organizationMember(db, { organization: elsewhere, user_id: id })
    const question = { resource_type: 'workspace', action: 'create', owner_id: 'me', any_org: true }
    expect(await one(banned, question)).toBe(true)
    await owner.call(assignMemberRoles, {
      params: { organization: 'default', user: 'banned' },
      body: { roles: ['organization-workspace-creation-ban'] },
    })
    expect(await one(banned, question)).toBe(false)
  })

  it('RB-139: everything with an id of its own can be named by it', async () => {
    const { db } = database
    const dormant = await fixtures.workspace(db, {
      organization_id: organizationId,
      owner_id: memberId,
      dormant_at: new Date(),
    })
    const awake = await fixtures.workspace(db, { organization_id: organizationId, owner_id: memberId })
    const secret = await fixtures.userSecret(db, { user_id: memberId })
    const theirs = await fixtures.userSecret(db)
    const daemon = await fixtures.provisionerDaemon(db, { organization_id: organizationId })
    const entry = await fixtures.auditLog(db)
    const foreign = await fixtures.organization(db)
    const named = (resource_type: string, resource_id: string, action = 'read') => ({
      resource_type,
      resource_id,
      action,
    })
    expect(
      await ask(member, {
        organization: named('organization', organizationId),
        foreign: named('organization', foreign.id),
        secret: named('user_secret', secret.id, 'delete'),
        theirs: named('user_secret', theirs.id),
        dormant: named('workspace_dormant', dormant.id, 'update'),
        awake: named('workspace_dormant', awake.id),
        prebuilt: named('prebuilt_workspace', awake.id, 'delete'),
        daemon: named('provisioner_daemon', daemon.id),
        removed: named('provisioner_daemon', daemon.id, 'delete'),
        entry: named('audit_log', entry.id),
      }),
    ).toEqual({
      organization: true,
      foreign: false,
      secret: true,
      theirs: false,
      dormant: true,
      awake: false,
      prebuilt: false,
      daemon: true,
      removed: false,
      entry: false,
    })
    expect(
      await ask(owner, { entry: named('audit_log', entry.id), foreign: named('organization', foreign.id) }),
    ).toEqual({ entry: true, foreign: true })
  })

  it('RB-139: so can be what has an owner, an organization or neither', async () => {
    const { db } = database
    const [own, theirs] = [{ user_id: memberId }, {}]
    const place = { organization_id: organizationId }
    const workspace = await fixtures.workspace(db, {
      ...place,
      user_acl: JSON.stringify({ [memberId]: ['read'] }),
    })
    const task = await fixtures.task(db, { workspace })
    const chat = await fixtures.chat(db, {
      ...place,
      user_acl: JSON.stringify({ [memberId]: ['read'] }),
    })
    const part = await fixtures.chat(db, { ...place, parent_chat_id: chat.id, root_chat_id: chat.id })
    const objects: [string, string, boolean, Asked['action']?][] = [
      ['user_skill', (await fixtures.userSkill(db, own)).id, true, 'delete'],
      ['user_skill', (await fixtures.userSkill(db, theirs)).id, false],
      ['inbox_notification', (await fixtures.inboxNotification(db, own)).id, true, 'update'],
      ['inbox_notification', (await fixtures.inboxNotification(db, theirs)).id, false],
      ['task', task.id, true],
      ['task', task.id, false, 'delete'],
      ['task', (await fixtures.task(db)).id, false],
      ['chat', chat.id, true],
      ['chat', part.id, true],
      ['chat', part.id, false, 'update'],
      ['chat', (await fixtures.chat(db, place)).id, false],
      ['oauth2_app', (await fixtures.oauth2ProviderApp(db)).id, true],
      ['oauth2_app', (await fixtures.oauth2ProviderApp(db)).id, false, 'delete'],
      ['oauth2_app', memberId, false],
      ['ai_provider', (await fixtures.aiProvider(db)).id, false],
      ['connection_log', (await fixtures.connectionLog(db, { workspace })).id, false],
      ['provisioner_jobs', (await fixtures.provisionerJob(db, place)).id, false],
      ['aibridge_interception', (await fixtures.aibridgeInterception(db)).id, false],
    ]
    const answers = async (client: Client) => {
      const answered: (boolean | undefined)[] = []
      for (const [resource_type, resource_id, , action] of objects)
        answered.push(await one(client, { resource_type, resource_id, ...(action ? { action } : {}) }))
      return answered
    }
    const about = (values: readonly (boolean | undefined)[]) =>
      objects.map(([type, , , action = 'read'], n) => `${type} ${action}: ${values[n]}`)
    expect(about(await answers(member))).toEqual(about(objects.map(([, , expected]) => expected)))
    // They are there, for those who may see them.
    const seen = await answers(owner)
    for (const [n, [type]] of objects.entries())
      if (type.endsWith('_log') || type === 'ai_provider' || type.startsWith('aibridge'))
        expect([type, seen[n]]).toEqual([type, true])
  })

  it('RB-82: no name of a check is special', async () => {
    const check = { action: 'read', object: { resource_type: 'api_key', owner_id: 'me' } }
    const answer = await fetch(`${server.url}/api/v2/authcheck`, {
      method: 'POST',
      headers: { ...member.headers, 'Content-Type': 'application/json' },
      body: `{"checks":{"__proto__":${JSON.stringify(check)},"constructor":${JSON.stringify(check)}}}`,
    })
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('{"__proto__":true,"constructor":true}')
  })

  it('RB-83: the answer does not depend on how many are asked', async () => {
    const question = { resource_type: 'workspace', action: 'create', owner_id: 'me', any_org: true }
    const answers = await ask(
      member,
      Object.fromEntries(Array.from({ length: 55 }, (_, i) => [`check${i}`, question])),
    )
    expect(new Set(Object.values(answers))).toEqual(new Set([await one(member, question)]))
    expect(await one(member, question)).toBe(true)
  })
})
