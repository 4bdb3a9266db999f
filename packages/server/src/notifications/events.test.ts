import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  deleteTemplate,
  getUser,
  type InboxNotification,
  listInboxNotifications,
  setDormant,
  updateChatAcl,
  updateTemplate,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { findExpiringTokens, markExpiryTold } from './store/expiring-tokens.ts'
import { takeFailedBuilds } from './store/failed-builds.ts'
import { TEMPLATES } from './template-ids.ts'

const DAY_MS = 86_400_000

const stack = new AsyncDisposableStack()
let server: TestServer
let database: Database
let owner: Client
let ownerId: string
let ada: Client
let adaId: string

beforeAll(async () => {
  server = stack.use(
    await startTestServer({
      env: { CODER_NOTIFICATIONS_FETCH_INTERVAL: '50ms', CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    }),
  )
  database = stack.use(await openDatabase(server.databaseUrl))
  owner = await server.owner()
  ada = await server.user('ada')
  ownerId = await idOf(owner)
  adaId = await idOf(ada)
})
afterAll(() => stack.disposeAsync())

const idOf = async (client: Client) => (await client.call(getUser, { params: { user: 'me' } })).id
const inboxOf = async (client: Client, templates: string): Promise<InboxNotification[]> =>
  (await client.call(listInboxNotifications, { query: { templates } })).notifications
const arrived = (client: Client, template: string): Promise<InboxNotification> =>
  until('the notification', async () => (await inboxOf(client, template))[0])

describe('ID-214: tokens', () => {
  it('that end within a week are told of once', async () => {
    const key = (name: string, days: number, lifetimeDays: number) =>
      fixtures.apiKey(database.db, {
        user_id: adaId,
        login_type: 'token',
        token_name: name,
        expires_at: new Date(Date.now() + days * DAY_MS),
        lifetime_seconds: lifetimeDays * 86_400,
      })
    await key('ci', 6, 30)
    await key('later', 8, 30)
    await key('short', 1, 2)
    const restart = async () => {
      await server.stop()
      await server.start()
      const { headers } = ada
      const { Client: Fresh } = await import('@slipway/client')
      return new Fresh({ url: server.url, headers })
    }
    const again = await restart()
    await arrived(again, TEMPLATES.tokenExpiring)
    await until(
      'the note of it',
      async () =>
        (await database.db.selectFrom('token_expiry_warnings').selectAll().execute()).length === 1 ||
        undefined,
    )
    // As on another day, on which the same may be said again.
    await database.db.deleteFrom('notification_messages').execute()
    await key('behind it', 6.5, 30)
    ada = await restart()
    const titles = await until('the second look', async () => {
      const found = (await inboxOf(ada, TEMPLATES.tokenExpiring)).map(({ title }) => title)
      return found.some((title) => title.includes('behind it')) ? found : undefined
    })
    expect(titles.toSorted()).toEqual(['Your token "behind it" expires soon', 'Your token "ci" expires soon'])
    owner = await server.owner()
  })

  it('are looked for again as long as nobody noted that their users were told', async () => {
    const made = await fixtures.apiKey(database.db, {
      user_id: adaId,
      login_type: 'token',
      token_name: 'unfinished',
      expires_at: new Date(Date.now() + DAY_MS),
      lifetime_seconds: 30 * 86_400,
    })
    const actor = systemActor('provisionerd', 'a test looks for tokens that end soon')
    const found = async () =>
      (
        await findExpiringTokens(actor, database.db, {
          now: new Date(),
          withinMs: 7 * DAY_MS,
          limit: 10,
        })
      )
        .map(({ id }) => id)
        .filter((id) => id === made.id)
    expect([await found(), await found()]).toEqual([[made.id], [made.id]])
    await markExpiryTold(actor, database.db, [made.id])
    expect(await found()).toEqual([])
  })
})

describe('CH-305: a chat that is shared', () => {
  it('is told to who was named, and not to who did it', async () => {
    const { organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
    const organization_id = organization_ids[0] ?? ''
    const chat = await fixtures.chat(database.db, { owner_id: ownerId, organization_id, title: 'Plan *B*' })
    const share = (role: 'read' | '') =>
      owner.call(updateChatAcl, { params: { chat: chat.id }, body: { user_roles: { [adaId]: role } } })
    await share('read')
    await share('read')
    const told = await arrived(ada, TEMPLATES.chatShared)
    expect(told).toMatchObject({
      title: 'owner shared a chat with you',
      content: 'owner shared the chat **Plan \\*B\\*** with you.',
      targets: [chat.id],
    })
    expect(told.actions[0]?.url).toBe(`${server.url}/agents/${chat.id}`)
    expect(await inboxOf(ada, TEMPLATES.chatShared)).toHaveLength(1)
    expect(await inboxOf(owner, TEMPLATES.chatShared)).toEqual([])
  })
})

describe('WS section 13: workspaces and templates', () => {
  it('WS-164, WS-87, WS-91: owners hear of what others do to their workspaces and templates', async () => {
    const boss = await server.user('boss', ['template-admin'])
    const template = await fixtures.template(database.db, { name: 'legacy', created_by: ownerId })
    const workspace = await fixtures.workspace(database.db, { name: 'dev', owner_id: adaId, template })
    await fixtures.workspaceBuild(database.db, { workspace })
    await owner.call(setDormant, { params: { workspace: workspace.id }, body: { dormant: true } })
    expect(await arrived(ada, TEMPLATES.workspaceDormant)).toMatchObject({
      title: 'Workspace "dev" is dormant',
      icon: 'DEFAULT_ICON_WORKSPACE',
    })
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { deprecation_message: 'Use the new one' },
    })
    expect((await arrived(ada, TEMPLATES.templateDeprecated)).content).toContain('> Use the new one')

    const gone = await fixtures.template(database.db, { name: 'gone', created_by: ownerId })
    await owner.call(deleteTemplate, { params: { template: gone.id } })
    await arrived(boss, TEMPLATES.templateDeleted)
    expect(await inboxOf(owner, TEMPLATES.templateDeleted)).toEqual([])
  })
})

describe('OP-141, WS-245: what cannot be queued', () => {
  it('is logged, and fails nobody', async () => {
    const template = await fixtures.template(database.db, { name: 'doomed', created_by: ownerId })
    const workspace = await fixtures.workspace(database.db, { name: 'last', owner_id: adaId, template })
    await fixtures.workspaceBuild(database.db, { workspace })
    await sql`alter table notification_messages add constraint none check (template_id is null) not valid`.execute(
      database.db,
    )
    try {
      const after = await owner.call(setDormant, {
        params: { workspace: workspace.id },
        body: { dormant: true },
      })
      expect(after.dormant_at).not.toBeNull()
      const changed = await owner.call(updateTemplate, {
        params: { template: template.id },
        body: { deprecation_message: 'Gone soon' },
      })
      expect(changed.deprecated).toBe(true)
    } finally {
      await sql`alter table notification_messages drop constraint none`.execute(database.db)
    }
  })
})

describe('OP-56: builds that failed', () => {
  it('are reported to administrators of templates once a week, by template', async () => {
    const { db } = database
    const day = (ago: number) => new Date(Date.now() - ago * DAY_MS)
    const build = async (name: string, ended: Date, error?: string) => {
      const template =
        (await db.selectFrom('templates').selectAll().where('name', '=', name).executeTakeFirst()) ??
        (await fixtures.template(db, { name }))
      const workspace = await fixtures.workspace(db, { template })
      await fixtures.workspaceBuild(db, {
        workspace,
        job: await fixtures.provisionerJob(db, {
          organization_id: workspace.organization_id,
          started_at: ended,
          completed_at: ended,
          ...(error === undefined ? {} : { error }),
        }),
      })
    }
    await build('shaky', day(1), 'broken')
    await build('shaky', day(2), 'broken')
    await build('shaky', day(3))
    await build('solid', day(1))
    await build('past', day(9), 'broken')
    const admin = await server.user('template-keeper', ['template-admin'])
    const reports = (url = server.url) =>
      inboxOf(new Client({ url, headers: admin.headers }), TEMPLATES.buildsFailedReport)
    const lastAt = async (at: Date) =>
      db
        .updateTable('site_configs')
        .set({ value: at.toISOString() })
        .where('key', '=', 'failed_builds_reported_at')
        .executeTakeFirst()
    // The first one is a week after the start.
    await until('the note of the start', async () => (await lastAt(day(6))).numUpdatedRows > 0)
    const due = { now: new Date(), periodMs: 7 * DAY_MS, limit: 50 }
    expect(await takeFailedBuilds(systemActor('provisionerd', 'a test'), db, due)).toBeUndefined()
    expect(await reports()).toEqual([])
    // The server looks when it starts: what is due must stand there by then.
    await server.stop()
    await lastAt(day(8))
    await server.start()
    const [report] = await until('the report', async () => {
      const all = await reports()
      return all.length > 0 ? all : undefined
    })
    expect(report?.content).toContain('**shaky**: 2 of 3')
    expect(report?.content).not.toMatch(/solid|past/)
    expect(report?.title).toContain('week')
    const { value } = await db
      .selectFrom('site_configs')
      .select('value')
      .where('key', '=', 'failed_builds_reported_at')
      .executeTakeFirstOrThrow()
    expect(Date.now() - Date.parse(value)).toBeLessThan(DAY_MS)
  })
})
