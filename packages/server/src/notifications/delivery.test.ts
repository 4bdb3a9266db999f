import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  listInboxNotifications,
  putNotificationsSettings,
  sendCustomNotification,
  sendTestNotification,
  updateNotificationTemplateMethod,
} from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import {
  FakeMailServer,
  fixtures,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import { parseConfig } from '../config/index.ts'
import type { Database } from '../database/index.ts'
import { enqueueToUsers } from './enqueue.ts'
import { type Outcome, storeOutcomes } from './store/messages.ts'
import { TEMPLATES } from './template-ids.ts'

/** An address that takes notifications, and can refuse. */
class WebhookReceiver implements AsyncDisposable {
  readonly requests: { readonly headers: IncomingHttpHeaders; readonly body: Record<string, unknown> }[] = []
  status = 204
  delayMs = 0
  readonly #server = createServer((request, response) => {
    void text(request).then((body) => {
      this.requests.push({ headers: request.headers, body: JSON.parse(body) })
      const { status } = this
      setTimeout(() => response.writeHead(status).end(), this.delayMs)
    })
  })

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const FAST = {
  CODER_NOTIFICATIONS_FETCH_INTERVAL: '50ms',
  CODER_NOTIFICATIONS_STORE_SYNC_INTERVAL: '20ms',
  CODER_NOTIFICATIONS_RETRY_INTERVAL: '10ms',
  CODER_ACCESS_URL: 'https://slipway.example.com',
}

const stack = new AsyncDisposableStack()
const notifier = systemActor('notifier', 'a test delivers what waits')
let mail: FakeMailServer
let server: TestServer
let database: Database
let owner: Client
const now = Date.now()

beforeAll(async () => {
  mail = stack.use(await FakeMailServer.start())
  server = stack.use(
    await startTestServer({
      env: {
        ...FAST,
        CODER_EMAIL_SMARTHOST: mail.smarthost,
        CODER_EMAIL_FROM: 'Slipway <slipway@example.com>',
      },
      clock: { now: () => new Date(now) },
    }),
  )
  database = stack.use(await openDatabase(server.databaseUrl))
  owner = await server.owner()
})
afterAll(() => stack.disposeAsync())

const received = (email: string) => mail.received.filter(({ to }) => to.includes(email))
const custom = (client: Client, title: string, message = 'Hello') =>
  client.call(sendCustomNotification, { body: { content: { title, message } } })
const messagesOf = (templateId: string) =>
  database.db.selectFrom('notification_messages').selectAll().where('template_id', '=', templateId).execute()

describe('OP-133: delivery', () => {
  it('OP-135: posts to a webhook, again while that refuses, under one id', async () => {
    await using receiver = new WebhookReceiver()
    await using hooked = await startTestServer({
      env: {
        ...FAST,
        CODER_NOTIFICATIONS_METHOD: 'webhook',
        CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT: await receiver.start(),
        CODER_NOTIFICATIONS_INBOX_ENABLED: 'false',
      },
    })
    const boss = await hooked.owner()
    receiver.status = 500
    await custom(boss, 'To a "hook"', '**bold** text')
    await until('a second attempt', async () => receiver.requests[1])
    receiver.status = 200
    await until('it to be taken', async () => receiver.requests[2])
    const [first, second] = receiver.requests
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-message-id': String(first?.body.msg_id),
    })
    expect(second?.body).toEqual(first?.body)
    expect(first?.body).toMatchObject({
      _version: '1.1',
      title: 'To a "hook"',
      title_markdown: 'To a "hook"',
      body: 'bold text',
      body_markdown: '**bold** text',
      payload: {
        _version: '1.2',
        notification_name: 'Custom Notification',
        notification_template_id: TEMPLATES.custom,
        user_username: 'owner',
        user_email: 'owner@example.com',
        labels: { custom_title: 'To a "hook"', custom_message: '**bold** text' },
      },
    })
    expect((await boss.call(listInboxNotifications, {})).notifications).toEqual([])
  })

  it('gives up after the last attempt, or at once where another one would not help', async () => {
    await using receiver = new WebhookReceiver()
    receiver.status = 503
    await using hooked = await startTestServer({
      env: {
        ...FAST,
        CODER_NOTIFICATIONS_MAX_SEND_ATTEMPTS: '2',
        CODER_NOTIFICATIONS_METHOD: 'webhook',
        CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT: await receiver.start(),
      },
    })
    await using data = await openDatabase(hooked.databaseUrl)
    const boss = await hooked.owner()
    const failed = (templateId: string) =>
      until('the end', () =>
        data.db
          .selectFrom('notification_messages')
          .selectAll()
          .where('template_id', '=', templateId)
          .where('status', '=', 'permanent_failure')
          .executeTakeFirst(),
      )
    await custom(boss, 'In vain')
    expect(await failed(TEMPLATES.custom)).toMatchObject({
      attempt_count: 2,
      status_reason: 'the webhook answered 503',
    })
    expect(receiver.requests).toHaveLength(2)
    await boss.call(updateNotificationTemplateMethod, {
      params: { notification_template: TEMPLATES.troubleshooting },
      body: { method: 'smtp' },
    })
    await boss.call(sendTestNotification, {})
    expect(await failed(TEMPLATES.troubleshooting)).toMatchObject({ attempt_count: 1, method: 'smtp' })
  })

  it('test 40, OP-55, OP-73: a message whose notifier is gone is sent when its lease has ended', async () => {
    const user = await fixtures.user(database.db, { username: 'abandoned' })
    const message = (leasedUntil: Date, minute: number) =>
      fixtures.notificationMessage(database.db, {
        user,
        template_id: TEMPLATES.custom,
        method: 'smtp',
        status: 'leased',
        leased_until: leasedUntil,
        payload: JSON.stringify({
          _version: '1.2',
          notification_name: 'Custom Notification',
          notification_template_id: TEMPLATES.custom,
          user_id: user.id,
          user_email: user.email,
          user_name: user.username,
          user_username: user.username,
          actions: [],
          labels: { custom_title: `Lease ${minute}`, custom_message: 'x' },
          data: null,
          targets: [],
        }),
      })
    await message(new Date(now - 1), 1)
    await message(new Date(now + 3_600_000), 2)
    await until('the mail', async () => received(user.email)[0])
    await owner.call(sendTestNotification, {})
    await until(
      'the next round',
      async () =>
        (await messagesOf(TEMPLATES.troubleshooting)).every(({ status }) => status === 'sent') || undefined,
    )
    expect(received(user.email)).toHaveLength(1)
  })

  it('OP-32: what is being delivered when the server stops ends first, so that it is not sent twice', async () => {
    await using receiver = new WebhookReceiver()
    receiver.delayMs = 1_500
    await using hooked = await startTestServer({
      env: {
        ...FAST,
        CODER_NOTIFICATIONS_METHOD: 'webhook',
        CODER_NOTIFICATIONS_WEBHOOK_ENDPOINT: await receiver.start(),
        CODER_NOTIFICATIONS_INBOX_ENABLED: 'false',
      },
    })
    await using data = await openDatabase(hooked.databaseUrl)
    await custom(await hooked.owner(), 'At the last moment')
    await until('the delivery', async () => receiver.requests[0])
    await hooked.stop()
    const rows = await data.db.selectFrom('notification_messages').select('status').execute()
    expect(rows).toEqual([{ status: 'sent' }])
  })

  it('of one that somebody else tries by now, only that it succeeded is noted', async () => {
    const { id } = await fixtures.notificationMessage(database.db, {
      status: 'leased',
      leased_until: new Date(now + 3_600_000),
      attempt_count: 2,
    })
    const end = async (outcome: Pick<Outcome, 'attempt' | 'status'>) => {
      const rest = { id, reason: '', nextRetryAfter: new Date(now + 3_600_000), at: new Date(now) }
      await storeOutcomes(notifier, database.db, [{ ...rest, ...outcome }])
      const row = await database.db
        .selectFrom('notification_messages')
        .select('status')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return row.status
    }
    expect(await end({ attempt: 1, status: 'temporary_failure' })).toBe('leased')
    expect(await end({ attempt: 1, status: 'sent' })).toBe('sent')
    expect(await end({ attempt: 2, status: 'permanent_failure' })).toBe('sent')
  })

  it('one whose failure is told in bytes that the database refuses keeps no other from being noted', async () => {
    const messages = await Promise.all(
      [1, 2].map(() =>
        fixtures.notificationMessage(database.db, {
          status: 'leased',
          leased_until: new Date(now + 3_600_000),
          attempt_count: 1,
        }),
      ),
    )
    const [broken, cut] = messages.map(
      ({ id }): Outcome => ({
        id,
        attempt: 1,
        status: 'permanent_failure',
        reason: id === messages[0]?.id ? '550 \0 no' : `${'x'.repeat(1_023)}\u{1f600}`,
        nextRetryAfter: undefined,
        at: new Date(now),
      }),
    )
    if (broken === undefined || cut === undefined) throw new Error('two messages were made')
    await storeOutcomes(notifier, database.db, [broken, cut])
    const rows = await database.db
      .selectFrom('notification_messages')
      .select('status_reason')
      .where('id', 'in', [broken.id, cut.id])
      .execute()
    expect(rows.map(({ status_reason }) => status_reason).toSorted()).toEqual([
      '550  no',
      `${'x'.repeat(1_023)}\u{fffd}`,
    ])
  })

  it('reaches everybody who was named, however many', async () => {
    await owner.call(putNotificationsSettings, { body: { notifier_paused: true } })
    const userIds: string[] = []
    for (let count = 0; count < 1_001; count += 1) userIds.push((await fixtures.user(database.db)).id)
    const parsed = parseConfig([], {})
    if (parsed.kind !== 'start') throw new Error('the defaults are no configuration')
    await enqueueToUsers(
      {
        config: parsed.config,
        database,
        clock: { now: () => new Date(now) },
        log: createLogger({ level: 'error', sink: { write: () => true } }),
        accessUrl: () => server.url,
        appearance: {
          current: { application_name: '', logo_url: '', announcement_banners: [] },
          applicationName: 'Slipway',
          refresh: () => Promise.resolve(),
        },
      },
      notifier,
      { templateId: TEMPLATES.templateDeprecated, userIds, labels: { template: 'old' } },
    )
    expect(await messagesOf(TEMPLATES.templateDeprecated)).toHaveLength(1_001)
    await database.db
      .deleteFrom('notification_messages')
      .where('template_id', '=', TEMPLATES.templateDeprecated)
      .execute()
    await owner.call(putNotificationsSettings, { body: { notifier_paused: false } })
  })

  it('OP-76: what became of messages is deleted after a week', async () => {
    const { notificationMessages } = await import('../purge/store.ts')
    const old = await fixtures.notificationMessage(database.db, {
      status: 'sent',
      updated_at: new Date(now - 8 * 86_400_000),
    })
    const purge = systemActor('dbpurge', 'a test deletes what is old')
    const before = new Date(now - 7 * 86_400_000)
    expect(await notificationMessages.countOld(purge, database.db, before)).toBe(1)
    await expect(
      notificationMessages.deleteOld(systemActor('autostart', 'a test is refused what is old'), database.db, {
        before,
        limit: 10,
      }),
    ).rejects.toMatchObject({ status: 403 })
    expect(await notificationMessages.deleteOld(purge, database.db, { before, limit: 10 })).toBe(1)
    const left = await database.db
      .selectFrom('notification_messages')
      .select('id')
      .where('id', '=', old.id)
      .execute()
    expect(left).toEqual([])
  })
})
