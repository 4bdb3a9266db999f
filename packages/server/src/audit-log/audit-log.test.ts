import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  exportAuditLogs,
  generateTestAuditLog,
  getUser,
  listAuditLogs,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let organizationId: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
  organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const search = (q: string, client = owner) => client.call(listAuditLogs, { query: { q } })

describe('the audit log', () => {
  it('RB-86: shows what a newer release has written as it is, and refuses no page for it', async () => {
    const made = await fixtures.auditLog(database.db, {
      resource_type: 'quantum_lease',
      action: 'entangle',
      resource_target: 'from-the-future',
    })
    const { audit_logs: all } = await search('')
    const entry = all.find(({ id }) => id === made.id)
    expect(entry).toMatchObject({
      resource_type: 'quantum_lease',
      action: 'entangle',
      resource_link: '',
      description: '{user} did entangle to quantum lease {target}',
    })
    const found = await search('resource_target:from-the-future')
    expect(found.audit_logs).toHaveLength(1)
  })

  it('RB-87, T30: a member is refused, an auditor of an organization sees its entries and no others', async () => {
    const other = await fixtures.organization(database.db)
    const resource_target = 'counted'
    await fixtures.auditLog(database.db, { organization_id: organizationId, resource_target })
    await fixtures.auditLog(database.db, { organization_id: other.id, resource_target })
    await fixtures.auditLog(database.db, { resource_target })
    await expect(search('')).resolves.toMatchObject({ count_cap: 2_000 })
    await expect(search('', member)).rejects.toMatchObject({ status: 403 })
    const { id } = await member.call(getUser, { params: { user: 'me' } })
    await owner.call(assignMemberRoles, {
      params: { organization: organizationId, user: id },
      body: { roles: ['organization-auditor'] },
    })
    const seen = await search('resource_target:counted', member)
    expect(seen.count).toBe(1)
    expect(seen.audit_logs).toMatchObject([
      { organization_id: organizationId, organization: { id: organizationId } },
    ])
    expect(await search(`organization:${other.name}`, member)).toEqual({
      audit_logs: [],
      count: 0,
      count_cap: 2_000,
    })
    expect((await search('resource_target:counted')).count).toBe(3)
  })

  it('RB-91: every key narrows the search, in any case of letters', async () => {
    const user = await fixtures.user(database.db, { username: 'Kim' })
    const request_id = randomUUID()
    const entry = await fixtures.auditLog(database.db, {
      user_id: user.id,
      organization_id: organizationId,
      resource_type: 'template',
      resource_target: 'Kube',
      action: 'delete',
      request_id,
      time: new Date('2026-02-28T23:59:59.500Z'),
    })
    for (const q of [
      'username:KIM',
      'email:kim@example.com',
      `request_id:${request_id}`,
      `resource_id:${entry.resource_id}`,
      'resource_target:kube resource_type:template',
      'template action:delete',
      'username:kim date_from:2026-02-28 date_to:2026-02-28',
      `username:kim organization:${organizationId}`,
    ])
      expect(
        (await search(q)).audit_logs.map(({ id }) => id),
        q,
      ).toEqual([entry.id])
    expect((await search('username:kim date_from:2026-03-01')).count).toBe(0)
    expect((await search('username:kim date_to:2026-02-27')).count).toBe(0)
    expect((await search('username:me resource_target:kube')).count).toBe(0)
  })

  it('RB-129: keys take lists and can be negated, and know users who are gone', async () => {
    const { db } = database
    const [ann, bob] = [
      await fixtures.user(db, { username: 'ann-1' }),
      await fixtures.user(db, { username: 'bob-1', deleted: true }),
    ]
    const resource_target = 'Listed'
    const made = [
      await fixtures.auditLog(db, { user_id: ann.id, action: 'create', resource_target }),
      await fixtures.auditLog(db, { user_id: bob.id, action: 'write', resource_target }),
      await fixtures.auditLog(db, { action: 'delete', resource_target, resource_type: 'group' }),
    ]
    const at = async (q: string) => {
      const { audit_logs } = await search(`resource_target:LISTED ${q}`)
      return made.flatMap(({ id }, index) => (audit_logs.some((log) => log.id === id) ? [index] : []))
    }
    expect(await at('username:ann-1,BOB-1')).toEqual([0, 1])
    expect(await at(`user_id:${bob.id}`)).toEqual([1])
    expect(await at('-username:ann-1')).toEqual([1, 2])
    expect(await at('action:create,delete')).toEqual([0, 2])
    expect(await at('-action:create,delete')).toEqual([1])
    expect(await at('action:create,write -username:bob-1')).toEqual([0])
    expect(await at('-resource_type:user')).toEqual([2])
    expect(await at('group -action:write')).toEqual([2])
    await expect(search('-action:fly -date_from:2026-01-01')).rejects.toMatchObject({
      status: 400,
      validations: [{ field: '-action' }, { field: '-date_from' }],
    })
  })

  it('T31: a query that cannot be read names where', async () => {
    for (const [q, field] of [
      ['foo:bar', 'foo'],
      ['a:b:c', 'q'],
      ['date_from:2006', 'date_from'],
      ['date_from:2026-02-31', 'date_from'],
      ['date_to:2026-13-01', 'date_to'],
      ['date_to:2026-01-99', 'date_to'],
      ['request_id:x', 'request_id'],
      ['nosuchtype', 'resource_type'],
    ] as const)
      await expect(search(q), q).rejects.toMatchObject({
        status: 400,
        validations: [expect.objectContaining({ field })],
      })
  })

  it('RB-128: pages behind an entry neither repeat nor leave out what has the same time', async () => {
    const time = new Date('2026-05-05T05:05:05Z')
    for (let n = 0; n < 5; n += 1) await fixtures.auditLog(database.db, { resource_target: 'tied', time })
    const q = 'resource_target:tied'
    const all = (await search(q)).audit_logs.map(({ id }) => id)
    const seen: string[] = []
    for (;;) {
      const after_id = seen.at(-1)
      const query = { q, limit: 2, ...(after_id === undefined ? {} : { after_id }) }
      const { audit_logs } = await owner.call(listAuditLogs, { query })
      if (audit_logs.length === 0) break
      seen.push(...audit_logs.map(({ id }) => id))
      await fixtures.auditLog(database.db, { resource_target: 'tied' })
    }
    expect(seen).toEqual(all)
  })

  it('RB-128: is exported whole, as lines of JSON and as CSV that no spreadsheet runs', async () => {
    const entry = { resource_type: 'user', resource_id: randomUUID(), action: 'write', status_code: 200 }
    const resource_target = '=exported,"x"'
    await database.db
      .insertInto('audit_logs')
      .values(Array.from({ length: 2_500 }, () => ({ ...entry, resource_target })))
      .execute()
    const read = async (format?: 'csv' | 'jsonl', client = owner) => {
      const query = { q: `resource_id:${entry.resource_id}`, ...(format === undefined ? {} : { format }) }
      return fetch(client.address(exportAuditLogs, { query }), { headers: client.headers })
    }
    const lines = (await (await read()).text()).trimEnd().split('\n')
    expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(2_500)
    const answer = await read('csv')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="audit-log.csv"')
    const csv = (await answer.text()).trimEnd().split('\r\n')
    expect(csv).toHaveLength(2_501)
    expect(csv[1]).toContain(`,"'=exported,""x""",`)
    const stranger = await server.user('stranger')
    expect((await read('csv', stranger)).status).toBe(403)
  })

  it('RB-92: every fault is named, and nothing is searched', async () => {
    await expect(
      search('resource_id:x action:fly date_from:2026-02-31 foo:bar resource_type:moon'),
    ).rejects.toMatchObject({
      status: 400,
      message: 'Invalid audit search query.',
      validations: expect.arrayContaining(
        ['resource_id', 'action', 'date_from', 'foo', 'resource_type'].map((field) =>
          expect.objectContaining({ field }),
        ),
      ),
    })
  })

  it('RB-88: pages are ordered by time, youngest first', async () => {
    for (const hour of [1, 3, 2])
      await fixtures.auditLog(database.db, {
        resource_target: 'paged',
        time: new Date(`2026-01-01T0${hour}:00:00Z`),
      })
    const page = (offset: number) =>
      owner.call(listAuditLogs, { query: { q: 'resource_target:paged', limit: 2, offset } })
    const hours = (await page(0)).audit_logs.map(({ time }) => time.slice(11, 13))
    expect(hours).toEqual(['03', '02'])
    expect(await page(2)).toMatchObject({ count: 3, audit_logs: [{ time: '2026-01-01T01:00:00.000Z' }] })
  })

  it('RB-88, T34: the count ends at one more than its cap', async () => {
    const resource_target = 'many'
    const entry = { resource_type: 'user', resource_id: randomUUID(), action: 'write', status_code: 200 }
    await database.db
      .insertInto('audit_logs')
      .values(Array.from({ length: 2_100 }, () => ({ ...entry, resource_target })))
      .execute()
    const page = await owner.call(listAuditLogs, { query: { q: 'resource_target:many', limit: 0 } })
    expect([page.count, page.count_cap, page.audit_logs.length]).toEqual([2_001, 2_000, 100])
  })

  it('RB-105: what is gone is said to be gone and has no link', async () => {
    const user = await fixtures.user(database.db, { username: 'here' })
    const gone = await fixtures.user(database.db, { username: 'gone', deleted: true })
    await fixtures.auditLog(database.db, { resource_id: user.id, resource_target: 'linked' })
    await fixtures.auditLog(database.db, { resource_id: gone.id, resource_target: 'linked' })
    const { audit_logs } = await search('resource_target:linked')
    expect(audit_logs.map((log) => [log.is_deleted, log.resource_link]).sort()).toEqual([
      [false, '/users?filter=here'],
      [true, ''],
    ])
  })

  it('RB-105: chats, MCP servers and OAuth2 apps with their secrets are looked for as well', async () => {
    const chat = await fixtures.chat(database.db)
    const config = await fixtures.mcpServerConfig(database.db)
    const app = await fixtures.oauth2ProviderApp(database.db)
    const secret = await fixtures.oauth2ProviderAppSecret(database.db, { app })
    const apps = `/deployment/oauth2-provider/apps/${app.id}`
    for (const [resource_type, resource_id, link] of [
      ['chat', chat.id, `/agents/${chat.id}`],
      ['mcp_server_config', config.id, ''],
      ['oauth2_provider_app', app.id, apps],
      ['oauth2_provider_app_secret', secret.id, apps],
    ] as const) {
      const of = { resource_type, resource_target: `a-${resource_type}` }
      await fixtures.auditLog(database.db, { ...of, resource_id })
      await fixtures.auditLog(database.db, { ...of, resource_id: randomUUID() })
      const { audit_logs } = await search(`resource_target:${of.resource_target}`)
      expect(audit_logs.map((log) => [log.is_deleted, log.resource_link]).sort()).toEqual([
        [false, link],
        [true, ''],
      ])
    }
  })

  it('RB-85: entries are appended and never changed', async () => {
    const { id } = await fixtures.auditLog(database.db)
    await expect(
      database.db.updateTable('audit_logs').set({ action: 'create' }).where('id', '=', id).execute(),
    ).rejects.toThrow('never changed')
  })

  it('RB-89: only an owner makes an entry for a try', async () => {
    const resource_id = randomUUID()
    await owner.call(generateTestAuditLog, { body: { resource_id, action: 'create' } })
    expect(await search(`resource_id:${resource_id}`)).toMatchObject({
      audit_logs: [
        {
          action: 'create',
          resource_type: 'user',
          diff: { foo: { old: 'bar', new: 'baz', secret: false } },
          user: { username: 'owner' },
        },
      ],
    })
    const auditor = await server.user('auditor', ['auditor'])
    await expect(auditor.call(generateTestAuditLog, { body: {} })).rejects.toMatchObject({ status: 403 })
    expect((await search('', auditor)).count).toBeGreaterThan(0)
  })
})
