import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  getNotificationsSettings,
  getUserNotificationPreferences,
  listInboxNotifications,
  listSystemNotificationTemplates,
  sendCustomNotification,
} from '@slipway/contract'
import {
  openBrowser,
  PHONE,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
} from '@slipway/testkit'
import { flawsOf } from './sights.fixture.ts'

const DORMANT = '0ea69165-ec14-4314-91f1-69566ac3c5a0'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let ada: Client

beforeAll(async () => {
  server = owned.use(
    await startTestServer({
      env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_NOTIFICATIONS_FETCH_INTERVAL: '100ms' },
    }),
  )
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  ada = await server.user('ada')
}, 60_000)
afterAll(() => owned.disposeAsync())

const notify = (client: Client, title: string, message: string) =>
  client.call(sendCustomNotification, { body: { content: { title, message } } })
const inboxOf = (client: Client) => client.call(listInboxNotifications)
const settle = (client: Client, count: number) =>
  until('the notifications', async () => (await inboxOf(client)).notifications.length >= count || undefined)

describe('UI-1601: the inbox', () => {
  it('comes live, counts, and is read one by one and all at once', async () => {
    const { page, faults } = await browser.openAs(ada, '/workspaces')
    const bell = page.getByRole('button', { name: /^Notifications/ })
    await bell.waitFor()
    await bell.click()
    await page.getByText('No notifications yet').waitFor()
    await notify(ada, 'Build is done', 'Your **nightly** build [is here](https://example.com/build).')
    await notify(ada, 'Second <b>thing</b>', '<script>x</script> stays text')
    await page.getByRole('heading', { name: 'Second <b>thing</b> (unread)' }).waitFor()
    await page.getByRole('heading', { name: 'Build is done (unread)' }).waitFor()
    await page.getByText('<script>x</script> stays text').waitFor()
    await page.getByText(/^New notification: /).waitFor({ state: 'attached' })
    await page.getByRole('button', { name: 'Mark “Build is done” as read' }).click()
    await page.getByRole('button', { name: 'Mark “Build is done” as unread' }).waitFor()
    expect((await inboxOf(ada)).unread_count).toBe(1)
    await page.getByRole('radio', { name: /^Unread/ }).click()
    await page.getByRole('heading', { name: 'Build is done' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Mark all as read' }).click()
    await until('all to be read', async () => (await inboxOf(ada)).unread_count === 0 || undefined)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Notifications', exact: true }).waitFor()
    expect(faults).toEqual([])
  })

  it('is reached from a phone', async () => {
    const { page, faults } = await browser.openAs(ada, '/workspaces', { viewport: PHONE })
    await page.getByRole('button', { name: /^Notifications/ }).click()
    await page.getByRole('heading', { name: /^Build is done/ }).waitFor()
    expect(faults).toEqual([])
  })
})

describe('UI-1507: what a user wants to hear of', () => {
  it('is turned off and on, and shows only what can come', async () => {
    const { page, faults } = await browser.openAs(ada, '/settings/notifications')
    await page.getByRole('switch', { name: 'Workspace marked as dormant' }).click()
    const disabled = async () =>
      (await ada.call(getUserNotificationPreferences, { params: { user: 'me' } })).find(
        ({ id }) => id === DORMANT,
      )?.disabled
    await until('it to be off', async () => (await disabled()) === true || undefined)
    await page.getByRole('switch', { name: 'Workspace marked as dormant', checked: false }).click()
    await until('it to be on', async () => (await disabled()) === false || undefined)
    expect(await page.getByText('User account created').count()).toBe(0)
    expect(faults).toEqual([])
  })

  it('a link of a mail stops one kind after the reader has said so', async () => {
    const { page, faults } = await browser.openAs(ada, `/settings/notifications?disabled=${DORMANT}`)
    await page.getByRole('dialog', { name: 'Stop “Workspace marked as dormant”?' }).waitFor()
    const before = await ada.call(getUserNotificationPreferences, { params: { user: 'me' } })
    expect(before.find(({ id }) => id === DORMANT)?.disabled).not.toBe(true)
    await page.getByRole('button', { name: 'Stop them' }).click()
    await page.getByText('“Workspace marked as dormant” is off').waitFor()
    expect(new URL(page.url()).search).toBe('')
    await page.getByRole('switch', { name: 'Workspace marked as dormant', checked: false }).waitFor()
    expect(faults).toEqual([])
  })
})

describe('UI-1404: how a deployment notifies', () => {
  it('is paused, tried, and chosen for each event', async () => {
    const { page, faults } = await browser.openAs(owner, '/deployment/notifications?tab=settings')
    await page.getByText('Off: set CODER_EMAIL_SMARTHOST and CODER_EMAIL_FROM').waitFor()
    await page.getByRole('switch', { name: 'Send notifications' }).click()
    await page.getByText('They are kept until you turn sending back on').waitFor()
    // The switch shows what it was set to before the server has it.
    await expect.poll(() => owner.call(getNotificationsSettings)).toEqual({ notifier_paused: true })
    await page.getByRole('switch', { name: 'Send notifications' }).click()
    await page.getByText('Notifications are sent again').waitFor()
    await page.getByRole('button', { name: 'Send a test to me' }).click()
    await page.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor()
    await page.getByRole('radio', { name: 'Events' }).click()
    await page.getByRole('combobox', { name: /^Workspace deleted/ }).selectOption('inbox')
    await page.getByText('“Workspace deleted” is saved').waitFor()
    const templates = await owner.call(listSystemNotificationTemplates)
    expect(templates.find(({ name }) => name === 'Workspace Deleted')?.method).toBe('inbox')
    await page.getByRole('combobox', { name: /^Workspace created/ }).selectOption('webhook')
    await page.getByText('Some events use a method that is not set up').waitFor()
    expect(faults).toEqual([])
  })

  it('is no business of others', async () => {
    const { page } = await browser.openAs(ada, '/deployment/notifications')
    await page
      .getByText(/permission/i)
      .first()
      .waitFor()
    expect(await page.getByRole('combobox').count()).toBe(0)
  })
})

it('UI-1807: nothing for axe to find, and no sideways scrolling', async () => {
  await notify(
    ada,
    'A workspace with quite a long name was updated by somebody',
    'See the **notes** of `v2`.',
  )
  await settle(ada, 3)
  const mine = await browser.openAs(ada, '/workspaces')
  expect(
    await flawsOf(mine, server.url, {
      inbox: {
        path: '/workspaces',
        open: async (page) => {
          await page.getByRole('button', { name: /^Notifications/ }).click()
          await page.getByRole('heading', { name: /^A workspace with quite/ }).waitFor()
        },
      },
      preferences: { path: '/settings/notifications' },
      stop: {
        path: `/settings/notifications?disabled=${DORMANT}`,
        open: (page) => page.getByRole('dialog').waitFor(),
      },
    }),
  ).toEqual([])
  const theirs = await browser.openAs(owner, '/deployment/notifications')
  expect(
    await flawsOf(theirs, server.url, {
      events: { path: '/deployment/notifications' },
      delivery: { path: '/deployment/notifications?tab=settings' },
    }),
  ).toEqual([])
}, 60_000)
