import { once } from 'node:events'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  activateUser,
  createUser,
  deleteUser,
  getNotificationDispatchMethods,
  getNotificationsSettings,
  getUserNotificationPreferences,
  type InboxNotification,
  listAuditLogs,
  listCustomNotificationTemplates,
  listInboxNotifications,
  listSystemNotificationTemplates,
  markAllInboxNotificationsAsRead,
  putNotificationsSettings,
  putUserNotificationPreferences,
  sendCustomNotification,
  sendTestNotification,
  suspendUser,
  updateInboxNotificationReadStatus,
  updateNotificationTemplateMethod,
} from '@slipway/contract'
import {
  FakeMailServer,
  fixtures,
  openDatabase,
  PASSWORD,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { TEMPLATES } from './template-ids.ts'

const FAST = {
  CODER_NOTIFICATIONS_FETCH_INTERVAL: '50ms',
  CODER_NOTIFICATIONS_STORE_SYNC_INTERVAL: '20ms',
  CODER_NOTIFICATIONS_RETRY_INTERVAL: '10ms',
  CODER_ACCESS_URL: 'https://slipway.example.com',
}

const stack = new AsyncDisposableStack()
let mail: FakeMailServer
let server: TestServer
let database: Database
let owner: Client
let now = Date.now()

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

const inboxOf = (client: Client, query: Record<string, string> = {}) =>
  client.call(listInboxNotifications, { query })
const received = (email: string) => mail.received.filter(({ to }) => to.includes(email))
const plain = (raw: string): string => raw.replaceAll('=\r\n', '').replaceAll('=3D', '=')
const custom = (client: Client, title: string, message = 'Hello') =>
  client.call(sendCustomNotification, { body: { content: { title, message } } })
const itemOf = (client: Client, title: string): Promise<InboxNotification> =>
  until(title, async () =>
    (await inboxOf(client)).notifications.find((notification) => notification.title === title),
  )
const messagesOf = (templateId: string) =>
  database.db.selectFrom('notification_messages').selectAll().where('template_id', '=', templateId).execute()

describe('OP-130: a notification', () => {
  it('goes by mail and into the inbox, with its links and a way to stop it', async () => {
    await owner.call(sendTestNotification, {})
    const item = await itemOf(owner, 'This is a test notification')
    expect(item).toMatchObject({
      template_id: TEMPLATES.troubleshooting,
      icon: 'DEFAULT_ICON_OTHER',
      read_at: null,
      actions: [{ url: 'https://slipway.example.com/deployment/notifications?tab=settings' }],
    })
    const message = await until('the mail', async () => received('owner@example.com')[0])
    const raw = plain(message.raw)
    expect(raw).toMatch(/^Subject: This is a test notification\r$/m)
    expect(raw).toMatch(/Content-Type: text\/plain[\s\S]*Content-Type: text\/html/)
    expect(raw).toContain(`/settings/notifications?disabled=${TEMPLATES.troubleshooting}`)
    const sent = await until('both to be sent', async () => {
      const rows = await messagesOf(TEMPLATES.troubleshooting)
      return rows.length === 2 && rows.every(({ status }) => status === 'sent') ? rows : undefined
    })
    const [bySmtp] = sent.filter(({ method }) => method === 'smtp')
    expect(raw).toMatch(new RegExp(`^Message-ID: <${bySmtp?.id}@`, 'im'))
    expect(item.id).toBe(sent.find(({ method }) => method === 'inbox')?.id)
  })

  it('shows what users have written as text, whatever they wrote', async () => {
    const title = '<b>*odd*</b> & [x](javascript:alert(1))'
    await custom(owner, title, 'See <script>x</script> and [this](javascript:alert(1)) **now**')
    expect((await itemOf(owner, title)).content).toContain('**now**')
    const message = await until('the mail', async () =>
      received('owner@example.com').find(({ raw }) => raw.includes('now</strong>')),
    )
    const html = plain(message.raw).split('text/html')[1] ?? ''
    expect(html).not.toContain('<script')
    expect(html).not.toContain('href="javascript')
    expect(html).toContain('<strong>now</strong>')
  })
})

describe('OP-138: a custom notification', () => {
  it.each([
    ['a'.repeat(121), 'x'],
    ['ü'.repeat(61), 'x'],
    ['x', 'a'.repeat(2_001)],
    ['  ', 'x'],
    ['x', '\n'],
    ['half a character \ud800', 'x'],
  ])('test 39: is refused with a text that is blank, too long or broken', async (title, message) => {
    await expect(custom(owner, title, message)).rejects.toMatchObject({ status: 400 })
  })

  it('test 39, OP-132: is sent once a minute at most', async () => {
    const user = await server.user('repeats')
    now = Math.ceil(now / 60_000) * 60_000
    await custom(user, 'Twice')
    await custom(user, 'Twice')
    await itemOf(user, 'Twice')
    expect((await inboxOf(user)).notifications).toHaveLength(1)
    now += 60_000
    await custom(user, 'Twice')
    await until('the second', async () => (await inboxOf(user)).notifications.length === 2 || undefined)
  })

  it('is sent thirty times a minute at most, however the texts differ', async () => {
    const user = await server.user('floods')
    for (let count = 0; count < 30; count += 1)
      await expect(custom(user, '')).rejects.toMatchObject({ status: 400 })
    await expect(custom(user, 'One more')).rejects.toMatchObject({ status: 429 })
  })
})

describe('OP-131: what users do not want', () => {
  it('is not queued', async () => {
    const user = await server.user('choosy')
    const answer = await user.call(putUserNotificationPreferences, {
      params: { user: 'me' },
      body: { template_disabled_map: { [TEMPLATES.custom]: true, [TEMPLATES.taskIdle]: false } },
    })
    expect(new Map(answer.map(({ id, disabled }) => [id, disabled]))).toEqual(
      new Map([
        [TEMPLATES.custom, true],
        [TEMPLATES.taskIdle, false],
      ]),
    )
    await custom(user, 'Unwanted')
    await user.call(putUserNotificationPreferences, {
      params: { user: 'me' },
      body: { template_disabled_map: { [TEMPLATES.custom]: false } },
    })
    await custom(user, 'Wanted')
    await itemOf(user, 'Wanted')
    expect((await inboxOf(user)).notifications.map(({ title }) => title)).toEqual(['Wanted'])
  })

  it('is not sent when they say so while it waits', async () => {
    const user = await server.user('changes-mind')
    await owner.call(putNotificationsSettings, { body: { notifier_paused: true } })
    await custom(user, 'Too late')
    await user.call(putUserNotificationPreferences, {
      params: { user: 'me' },
      body: { template_disabled_map: { [TEMPLATES.custom]: true } },
    })
    await owner.call(putNotificationsSettings, { body: { notifier_paused: false } })
    const inhibited = await until('them to be put aside', async () => {
      const rows = await messagesOf(TEMPLATES.custom)
      const mine = rows.filter(({ status }) => status === 'inhibited')
      return mine.length === 2 ? mine : undefined
    })
    expect(inhibited.map(({ status_reason }) => status_reason)).toEqual([
      'disabled by user',
      'disabled by user',
    ])
    expect((await inboxOf(user)).notifications).toEqual([])
  })

  it('OP-139: is chosen by id, by themselves or an owner', async () => {
    const user = await server.user('prefers')
    const put = (client: Client, map: Record<string, boolean>) =>
      client.call(putUserNotificationPreferences, {
        params: { user: 'prefers' },
        body: { template_disabled_map: map },
      })
    for (const id of ['nonsense', '00000000-0000-4000-8000-000000000000'])
      await expect(put(user, { [id]: true })).rejects.toMatchObject({ status: 400 })
    await put(owner, { [TEMPLATES.custom]: true })
    const own = await user.call(getUserNotificationPreferences, { params: { user: 'me' } })
    expect(own).toMatchObject([{ id: TEMPLATES.custom, disabled: true }])
    const other = await server.user('nosy')
    await expect(put(other, {})).rejects.toMatchObject({ status: 404 })
  })
})

describe('OP-137: pausing', () => {
  it('test 38: keeps everything back, and then it is sent once', async () => {
    const user = await server.user('patient')
    await owner.call(putNotificationsSettings, { body: { notifier_paused: true } })
    await custom(user, 'Later')
    const waiting = await messagesOf(TEMPLATES.custom)
    expect(waiting.filter(({ status }) => status === 'pending')).toHaveLength(2)
    expect((await inboxOf(user)).notifications).toEqual([])
    expect(await user.call(getNotificationsSettings, {})).toEqual({ notifier_paused: true })
    await owner.call(putNotificationsSettings, { body: { notifier_paused: false } })
    await itemOf(user, 'Later')
    await until('the mail', async () => received('patient@example.com')[0])
    expect(received('patient@example.com')).toHaveLength(1)
  })

  it('is for who may change the deployment, 304 when nothing changes, and audited', async () => {
    const user = await server.user('powerless')
    await expect(
      user.call(putNotificationsSettings, { body: { notifier_paused: true } }),
    ).rejects.toMatchObject({ status: 403 })
    const put = (paused: boolean) =>
      fetch(`${server.url}/api/v2/notifications/settings`, {
        method: 'PUT',
        headers: { ...owner.headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ notifier_paused: paused }),
      })
    const logged = async () =>
      (
        await owner.call(listAuditLogs, {
          query: { q: 'resource_type:notifications_settings', limit: 50, offset: 0 },
        })
      ).audit_logs
    const before = (await logged()).length
    expect((await put(false)).status).toBe(304)
    expect((await put(true)).status).toBe(200)
    expect((await put(false)).status).toBe(200)
    const entries = await logged()
    expect(entries).toHaveLength(before + 2)
    expect(entries[0]?.diff).toEqual({ notifier_paused: { old: true, new: false, secret: false } })
  })
})

describe('OP-138: templates', () => {
  it('are listed for everybody, and their methods are chosen by owners', async () => {
    const user = await server.user('reader')
    const system = await user.call(listSystemNotificationTemplates, {})
    expect(system.map(({ id }) => id)).toEqual(
      expect.arrayContaining([TEMPLATES.workspaceDeleted, TEMPLATES.aiBudgetWarning]),
    )
    expect(system.every(({ kind, method }) => kind === 'system' && method === '')).toBe(true)
    expect(await user.call(listCustomNotificationTemplates, {})).toMatchObject([{ id: TEMPLATES.custom }])
    const put = (client: Client, method: string, id: string = TEMPLATES.userCreated) =>
      client.call(updateNotificationTemplateMethod, {
        params: { notification_template: id },
        body: { method },
      })
    await expect(put(user, 'inbox')).rejects.toMatchObject({ status: 403 })
    await expect(put(owner, 'pigeon')).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'method' }],
    })
    // ID-35: it says a secret.
    await expect(put(owner, 'webhook', TEMPLATES.oneTimePasscode)).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'method' }],
    })
    await expect(put(owner, 'inbox', '00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({
      status: 404,
    })
    await put(owner, 'inbox')
    await expect(put(owner, 'inbox')).rejects.toMatchObject({ status: 304 })
    const changed = (await user.call(listSystemNotificationTemplates, {})).find(
      ({ id }) => id === TEMPLATES.userCreated,
    )
    expect(changed?.method).toBe('inbox')
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:notification_template', limit: 10, offset: 0 },
    })
    expect(audit_logs).toMatchObject([
      { resource_target: 'User account created', diff: { method: { old: '', new: 'inbox' } } },
    ])
    await put(owner, '')
  })

  it('the methods that there are', async () => {
    expect(await owner.call(getNotificationDispatchMethods, {})).toEqual({
      available: ['smtp', 'webhook'],
      default: 'smtp',
      ready: ['smtp', 'inbox'],
    })
  })

  it('a test is for who may change the deployment', async () => {
    const user = await server.user('untested')
    await expect(user.call(sendTestNotification, {})).rejects.toMatchObject({ status: 403 })
  })
})

describe('OP-136: the inbox', () => {
  it('is paged, filtered and marked as read', async () => {
    const user = await server.user('reads')
    const me = await database.db
      .selectFrom('users')
      .select('id')
      .where('username', '=', 'reads')
      .executeTakeFirstOrThrow()
    const target = '11111111-1111-4111-8111-111111111111'
    for (let count = 0; count < 27; count += 1)
      await fixtures.inboxNotification(database.db, {
        user_id: me.id,
        title: `number ${count}`,
        template_id: count === 0 ? TEMPLATES.workspaceDeleted : TEMPLATES.custom,
        targets: count === 1 ? [target] : [],
        created_at: new Date(1_000 + count),
      })
    const first = await inboxOf(user)
    expect(first.unread_count).toBe(27)
    expect(first.notifications.map(({ title }) => title)).toEqual(
      Array.from({ length: 25 }, (_, index) => `number ${26 - index}`),
    )
    const rest = await inboxOf(user, { starting_before: first.notifications.at(-1)?.id ?? '' })
    expect(rest.notifications.map(({ title }) => title)).toEqual(['number 1', 'number 0'])
    expect(rest.notifications.at(-1)?.icon).toBe('DEFAULT_ICON_WORKSPACE')
    const titles = async (query: Record<string, string>) =>
      (await inboxOf(user, query)).notifications.map(({ title }) => title)
    expect(await titles({ templates: TEMPLATES.workspaceDeleted })).toEqual(['number 0'])
    expect(await titles({ targets: target })).toEqual(['number 1'])

    const id = rest.notifications[0]?.id ?? ''
    const mark = (client: Client, is_read: boolean) =>
      client.call(updateInboxNotificationReadStatus, { params: { id }, body: { is_read } })
    expect(await mark(user, true)).toMatchObject({
      notification: { id, read_at: expect.any(String) },
      unread_count: 26,
    })
    expect(await titles({ read_status: 'read' })).toEqual(['number 1'])
    expect(await mark(user, false)).toMatchObject({ notification: { read_at: null }, unread_count: 27 })
    const other = await server.user('peeks')
    await expect(mark(other, true)).rejects.toMatchObject({ status: 404 })
    await user.call(markAllInboxNotificationsAsRead, {})
    expect((await inboxOf(user, { read_status: 'unread' })).notifications).toEqual([])
  })

  it.each([
    { read_status: 'perhaps' },
    { targets: 'x' },
    { templates: 'x,y' },
    { starting_before: 'x' },
    { q: 'x' },
  ])('refuses %j', async (query) => {
    const response = await fetch(
      `${server.url}/api/v2/notifications/inbox?${new URLSearchParams(Object.entries(query))}`,
      { headers: owner.headers },
    )
    expect(response.status).toBe(400)
  })

  it('is watched over a WebSocket, filtered, as plain text where that is asked for', async () => {
    const user = await server.user('watches')
    const watch = (query: string) => {
      const frames: { notification: InboxNotification; unread_count: number }[] = []
      const socket = new WebSocket(
        `${server.url.replace('http', 'ws')}/api/v2/notifications/inbox/watch?${query}`,
        { headers: user.headers },
      )
      socket.on('message', (data) => frames.push(JSON.parse(String(data))))
      const opened = once(socket, 'open')
      return { frames, socket, opened }
    }
    const all = watch('format=plaintext&read_status=unread')
    const others = watch(`templates=${TEMPLATES.workspaceDeleted}`)
    await Promise.all([all.opened, others.opened])
    await custom(user, 'Live', 'It is **here**')
    const frame = await until('the frame', async () => all.frames[0])
    expect(frame).toMatchObject({
      notification: { title: 'Live', content: 'It is here' },
      unread_count: 1,
    })
    await custom(owner, 'Not theirs')
    await custom(user, 'Second')
    await until('the second', async () => all.frames[1])
    expect(all.frames.map(({ notification }) => notification.title)).toEqual(['Live', 'Second'])
    expect(others.frames).toEqual([])
    all.socket.close()
    others.socket.close()
  })
})

describe('OP-141: accounts', () => {
  it('ID-15, ID-19, ID-20: administrators hear of changes but not who made them, users of their own', async () => {
    const admin = await server.user('user-boss', ['user-admin'])
    const { id } = await owner.call(createUser, {
      body: {
        username: 'newcomer',
        email: 'newcomer@example.com',
        password: PASSWORD,
        login_type: 'password',
        organization_ids: ['00000000-0000-0000-0000-000000000000'],
      },
    })
    await itemOf(admin, 'Account "newcomer" created')
    await owner.call(suspendUser, { params: { user: id } })
    await itemOf(admin, 'Account "newcomer" suspended')
    await owner.call(activateUser, { params: { user: id } })
    await itemOf(admin, 'Account "newcomer" activated')
    await until('both mails', async () => received('newcomer@example.com').length === 2 || undefined)
    const [first, second] = received('newcomer@example.com')
    expect(plain(first?.raw ?? '')).toContain('You cannot sign in until an administrator')
    expect(plain(second?.raw ?? '')).toContain('You can sign in again')
    await owner.call(deleteUser, { params: { user: id } })
    await itemOf(admin, 'Account "newcomer" deleted')
    const titles = (await inboxOf(owner)).notifications.map(({ title }) => title)
    expect(titles.filter((title) => title.includes('newcomer'))).toEqual([])
  })
})
