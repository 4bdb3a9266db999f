import type { Page, Worker } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  createAIProvider,
  createChat,
  createChatModelConfig,
  listOrganizations,
  updateDeploymentAppearance,
  type WebpushSubscription,
} from '@slipway/contract'
import { PushService } from '@slipway/server/web-push/push-service.fixture.ts'
import {
  FakeModelProvider,
  openBrowser,
  openDatabase,
  says,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
  type WatchedPage,
} from '@slipway/testkit'
import { flawsOf } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let service: PushService
let server: TestServer
let browser: TestBrowser
let database: Awaited<ReturnType<typeof openDatabase>>
let ada: Client
let organization: string
let paths = 0

beforeAll(async () => {
  service = owned.use(await PushService.start())
  const model = owned.use(await FakeModelProvider.start())
  model.answer = () => says('Done, and tested.')
  server = owned.use(
    await startTestServer({
      env: {
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        CODER_WEBPUSH_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
      },
    }),
  )
  database = owned.use(await openDatabase(server.databaseUrl, { maxConnections: 1 }))
  browser = owned.use(await openBrowser())
  const owner = await server.owner()
  ada = await server.user('ada')
  organization = (await owner.call(listOrganizations)).find((one) => one.is_default)?.id ?? ''
  const { id } = await owner.call(createAIProvider, {
    body: { type: 'openai', name: 'house', base_url: `${model.url}/v1`, api_keys: ['sk-a'], enabled: true },
  })
  await owner.call(createChatModelConfig, {
    body: { ai_provider_id: id, model: 'scripted-model', context_limit: 100_000 },
  })
  await owner.call(assignMemberRoles, {
    params: { organization, user: 'ada' },
    body: { roles: ['agents-access'] },
  })
  await startChat('Repair the test')
}, 60_000)
afterAll(() => owned.disposeAsync())

const startChat = (text: string) =>
  ada.call(createChat, { body: { organization_id: organization, content: [{ type: 'text', text }] } })
const endpoints = async () => {
  const rows = await database.db.selectFrom('webpush_subscriptions').select('endpoint').execute()
  return rows.map(({ endpoint }) => endpoint)
}

/** What the viewer answers when the browser asks. */
type Answer = 'granted' | 'denied'

/** A browser with a push service of ours behind it, whose user gives this answer. */
async function openWith(answer: Answer, path: string): Promise<WatchedPage & { readonly sentTo: string }> {
  paths += 1
  const sentTo = `/send/${paths}`
  const opened = await browser.open({ serviceWorkers: 'allow' })
  const { page } = opened
  await page.addInitScript(replacePush, { answer, subscription: service.browser(sentTo) })
  const value = ada.headers['Coder-Session-Token'] ?? ''
  await page.context().addCookies([{ name: 'coder_session_token', value, url: server.url }])
  await page.context().grantPermissions(['notifications'], { origin: server.url })
  await page.goto(server.url + path)
  return { ...opened, sentTo }
}

/** Runs in the page: the push service of the browser's vendor is far away, and so is its user. */
function replacePush({
  answer,
  subscription: { endpoint, auth_key: auth, p256dh_key: p256dh },
}: {
  readonly answer: Answer
  readonly subscription: WebpushSubscription
}): void {
  const read = (name: string) => localStorage.getItem(`test.${name}`)
  const write = (name: string, value: string) => localStorage.setItem(`test.${name}`, value)
  Object.defineProperty(Notification, 'permission', { get: () => read('permission') ?? 'default' })
  Notification.requestPermission = async () => {
    write('asked', String(Number(read('asked') ?? '0') + 1))
    write('permission', answer)
    return answer
  }
  const subscription = (key: string) => {
    const text = atob(key.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0))
    return {
      endpoint,
      options: { applicationServerKey: bytes.buffer, userVisibleOnly: true },
      toJSON: () => ({ endpoint, keys: { auth, p256dh } }),
      unsubscribe: async () => {
        localStorage.removeItem('test.key')
        return true
      },
    }
  }
  Object.assign(PushManager.prototype, {
    subscribe: async ({ applicationServerKey: key }: { readonly applicationServerKey: string }) => {
      write('key', key)
      return subscription(key)
    },
    getSubscription: async () => {
      const key = read('key')
      return key === null ? null : subscription(key)
    },
  })
}
const remembered = (page: Page, name: string) =>
  page.evaluate((key) => localStorage.getItem(`test.${key}`), name)

/** Has the browser deliver a message to the worker, which then writes down what it shows. */
async function deliver(page: Page, message: unknown): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const registration = Promise.withResolvers<string>()
  session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    const [first] = registrations
    if (first !== undefined) registration.resolve(first.registrationId)
  })
  await session.send('ServiceWorker.enable')
  await session.send('ServiceWorker.deliverPushMessage', {
    origin: server.url,
    registrationId: await registration.promise,
    data: JSON.stringify(message),
  })
  await session.detach()
}
async function workerOf(page: Page): Promise<Worker> {
  return until('the worker', () => page.context().serviceWorkers()[0])
}

it('UI-1602: push messages are offered beside the chats, asked for by a click only, and arrive', async () => {
  const { page, faults, sentTo } = await openWith('granted', '/agents')
  const offer = page.getByRole('region', { name: 'Push messages' })
  await offer.waitFor()
  expect(await remembered(page, 'asked')).toBeNull()
  expect(await remembered(page, 'key')).toBeNull()
  await offer.getByRole('button', { name: 'Turn on' }).click()
  await offer.waitFor({ state: 'detached' })
  expect(await remembered(page, 'asked')).toBe('1')
  expect(await endpoints()).toEqual([service.origin + sentTo])

  const worker = await workerOf(page)
  await worker.evaluate(() => {
    const shown: unknown[] = []
    const registration = Reflect.get(globalThis, 'registration')
    registration.showNotification = async (...notification: unknown[]) => void shown.push(notification)
    Reflect.set(globalThis, 'shown', shown)
  })
  const chat = await startChat('Look for other tests')
  const received = await until('the message', () => service.of(sentTo)[0])
  await deliver(page, received.message)
  const shown = await until('the notification', async () => {
    const all: unknown = await worker.evaluate(() => Reflect.get(globalThis, 'shown'))
    return Array.isArray(all) && all.length > 0 ? all : undefined
  })
  expect(shown).toEqual([
    [chat.title, expect.objectContaining({ icon: '/favicon.ico', data: { url: `/agents/${chat.id}` } })],
  ])
  const script = await page.request.get(`${server.url}/service-worker.js`)
  expect(script.headers()).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'content-security-policy': "default-src 'none'; connect-src 'self'",
    'cache-control': expect.stringContaining('max-age=0'),
  })
  const icon = await page.request.get(`${server.url}/favicon.ico`)
  expect(icon.headers()['content-type']).toBe('image/x-icon')
  expect(faults).toEqual([])
})

it('UI-1602: a test is sent on demand, and the browser can be given up', async () => {
  const { page, faults, sentTo } = await openWith('granted', '/settings/notifications')
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByText('On in this browser').waitFor()
  await page.getByRole('button', { name: 'Send a test' }).click()
  await page.getByText('A test is on its way').waitFor()
  expect(service.of(sentTo)).toHaveLength(1)
  // The server may have given it up; a test takes it up again.
  await database.db.deleteFrom('webpush_subscriptions').execute()
  await page.getByRole('button', { name: 'Send a test' }).click()
  await until('the second test', () => service.of(sentTo).length === 2)
  service.answers.set(sentTo, 503)
  await page.getByRole('button', { name: 'Send a test' }).click()
  await page.getByText('The test did not arrive').waitFor()
  await page.getByText('answered 503').waitFor()
  await page.getByRole('button', { name: 'Turn off' }).click()
  await page.getByText('Off in this browser').waitFor()
  expect(await endpoints()).not.toContain(service.origin + sentTo)
  expect(await remembered(page, 'key')).toBeNull()
  expect(faults).toEqual([])
})

it('UI-1602: who refuses is told how to come back, and an offer that was dismissed stays away', async () => {
  const { page, faults } = await openWith('denied', '/agents')
  const offer = page.getByRole('region', { name: 'Push messages' })
  await offer.getByRole('button', { name: 'Turn on' }).click()
  await offer.getByText('This browser blocks notifications').waitFor()
  await page.goto(`${server.url}/settings/notifications`)
  await page.getByText('This browser blocks notifications from Slipway').waitFor()
  await page.goto(`${server.url}/agents`)
  await page.getByRole('link', { name: 'Settings', exact: true }).first().waitFor()
  expect(await offer.count()).toBe(0)

  await page.evaluate(() => localStorage.removeItem('test.permission'))
  await page.reload()
  await offer.getByRole('button', { name: 'Dismiss' }).click()
  await offer.waitFor({ state: 'detached' })
  await page.reload()
  await page.getByRole('link', { name: 'Settings', exact: true }).first().waitFor()
  expect(await offer.count()).toBe(0)
  expect(faults).toEqual([])
})

it('UI-1602: what somebody else has left in the browser ends', async () => {
  const { page } = await openWith('granted', '/settings/notifications')
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByText('On in this browser').waitFor()
  await page.evaluate(() => localStorage.setItem('slipway.push.owner', 'somebody else'))
  await page.reload()
  await page.getByText('Off in this browser').waitFor()
  expect(await remembered(page, 'key')).toBeNull()
})

it('UI-1604, OP-154: without a network a page of ours waits, and then opens what was asked for', async () => {
  const owner = await server.owner()
  await owner.call(updateDeploymentAppearance, {
    body: { application_name: 'Shipyard', logo_url: '', announcement_banners: [] },
  })
  const { page } = await openWith('denied', '/agents')
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
  await page.reload()
  await page.getByRole('link', { name: 'Settings', exact: true }).first().waitFor()
  const kept = () =>
    page.evaluate(async () => {
      const requests = (await caches.keys()).map(async (name) => (await caches.open(name)).keys())
      return (await Promise.all(requests)).flat().map(({ url }) => new URL(url).pathname)
    })
  expect((await kept()).filter((path) => !path.startsWith('/assets/'))).toEqual([
    '/offline.html',
    '/offline.js',
  ])
  expect((await kept()).length).toBeGreaterThan(2)
  await page.context().setOffline(true)
  await page.goto(`${server.url}/templates`)
  await page.getByRole('heading', { name: /You are offline|cannot be reached/ }).waitFor()
  await page.getByRole('banner').getByText('Shipyard').waitFor()
  expect(await page.title()).toBe('Not connected - Shipyard')
  await page.context().setOffline(false)
  await page.getByRole('heading', { name: 'Templates' }).first().waitFor()
  expect(new URL(page.url()).pathname).toBe('/templates')
})

it('UI-205: signing out ends the subscription, and a sign-out that fails does not', async () => {
  const { page, sentTo } = await openWith('granted', '/settings/notifications')
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByText('On in this browser').waitFor()
  const endpoint = service.origin + sentTo
  const signOut = async () => {
    await page.getByRole('button', { name: /ada/ }).first().click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
  }
  await page.route('**/api/v2/users/logout', (route) => route.fulfill({ status: 500, body: '{}' }))
  await signOut()
  await page.getByText('You are still signed in').waitFor()
  await until('the subscription', async () => (await endpoints()).includes(endpoint))
  expect(await remembered(page, 'key')).not.toBeNull()
  await page.unrouteAll()
  await signOut()
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  expect(await endpoints()).not.toContain(endpoint)
  expect(await remembered(page, 'key')).toBeNull()
})

it('UI-1707, UI-1807: the offer and the settings have no accessibility fault and fit a narrow page', async () => {
  ada = await server.user('eve')
  const owner = await server.owner()
  await owner.call(assignMemberRoles, {
    params: { organization, user: 'eve' },
    body: { roles: ['agents-access'] },
  })
  await startChat('Have a look')
  const opened = await openWith('denied', '/agents')
  const flaws = await flawsOf(opened, server.url, {
    offer: {
      path: '/agents',
      open: (page) => page.getByRole('region', { name: 'Push messages' }).waitFor(),
    },
    off: { path: '/settings/notifications', open: (page) => page.getByText('Off in this browser').waitFor() },
    denied: {
      path: '/settings/notifications',
      open: async (page) => {
        await page.getByRole('button', { name: 'Turn on' }).click()
        await page.getByText('This browser blocks notifications').waitFor()
      },
    },
  })
  expect(flaws).toEqual([])
})
