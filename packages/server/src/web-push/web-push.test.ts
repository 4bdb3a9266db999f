import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createWebpushSubscription,
  deleteUser,
  deleteWebpushSubscription,
  getBuildInfo,
  getUser,
  suspendUser,
  testWebpush,
  type WebpushSubscription,
} from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { regenerateWebPushKeys } from '../maintain-web-push.ts'
import { PushService } from './push-service.fixture.ts'

const stack = new AsyncDisposableStack()
const ALLOWED = {
  CODER_WEBPUSH_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
  CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
}
let service: PushService
let server: TestServer
let database: Database
let ada: Client
let users = 0
let paths = 0

beforeAll(async () => {
  service = stack.use(await PushService.start())
  server = stack.use(await startTestServer({ env: ALLOWED }))
  database = stack.use(await openDatabase(server.databaseUrl, { maxConnections: 2 }))
})
afterAll(() => stack.disposeAsync())
beforeEach(async () => {
  users += 1
  ada = await server.user(`ada${users}`)
})

/** A browser that nobody has used before, and the path at which its messages come. */
function newBrowser(): { readonly path: string; readonly browser: WebpushSubscription } {
  paths += 1
  const path = `/send/${paths}`
  return { path, browser: service.browser(path) }
}
const params = (user = 'me') => ({ params: { user } })
const subscribe = (client: Client, body: WebpushSubscription, user = 'me') =>
  client.call(createWebpushSubscription, { ...params(user), body })
const unsubscribe = (client: Client, endpoint: string, user = 'me') =>
  client.call(deleteWebpushSubscription, { ...params(user), body: { endpoint } })
const test = (client: Client, user = 'me') => client.call(testWebpush, params(user))
const publicKey = async (of: TestServer = server) =>
  (await of.anonymous.call(getBuildInfo)).webpush_public_key
const idOf = async (client: Client) => (await client.call(getUser, params())).id
const endpointsOf = async (client: Client) => {
  const rows = await database.db
    .selectFrom('webpush_subscriptions')
    .select('endpoint')
    .where('user_id', '=', await idOf(client))
    .orderBy('created_at')
    .execute()
  return rows.map(({ endpoint }) => endpoint)
}

it('OP-140: a message comes encrypted for the browser and signed with the key that browsers subscribe with', async () => {
  const { path, browser } = newBrowser()
  await subscribe(ada, browser)
  await test(ada)
  const [received, ...more] = service.of(path)
  expect(more).toEqual([])
  expect(service.faults).toEqual([])
  expect(received?.message).toEqual({
    title: 'Push notifications work',
    body: expect.any(String),
    icon: '/favicon.ico',
    tag: 'test',
    actions: [],
    data: { url: '/agents' },
  })
  expect(received?.publicKey).toBe(await publicKey())
  expect(received?.claims).toMatchObject({ aud: service.origin, sub: 'mailto:slipway@127.0.0.1' })
  // RFC 8292: no longer than a day.
  expect(Number(received?.claims.exp) * 1000 - Date.now()).toBeLessThanOrEqual(86_400_000)
  expect(received?.headers).toMatchObject({
    ttl: '86400',
    topic: 'test',
    urgency: 'normal',
    'content-encoding': 'aes128gcm',
    'content-type': 'application/octet-stream',
  })
})

it('OP-140: the key pair is made once for all replicas and restarts, and its private key is stored sealed', async () => {
  const known = await publicKey()
  expect(Buffer.from(known ?? '', 'base64url')).toHaveLength(65)
  await using other = await startTestServer({ databaseUrl: server.databaseUrl })
  expect(await publicKey(other)).toBe(known)
  const rows = await database.db.selectFrom('webpush_keys').selectAll().execute()
  expect(rows).toMatchObject([{ public_key: known }])
  // A nonce and a tag beside the 32 bytes, and what says under which key.
  expect(rows[0]?.private_key).toHaveLength(64)
})

describe('OP-140: what is no subscription of a browser is refused', () => {
  const refused: [string, Partial<WebpushSubscription>, string][] = [
    ['no address', { endpoint: 'push' }, 'endpoint'],
    ['an address without a host', { endpoint: '/send/1' }, 'endpoint'],
    ['plain HTTP', { endpoint: 'http://push.example/1' }, 'endpoint'],
    ['another protocol', { endpoint: 'file:///etc/passwd' }, 'endpoint'],
    ['a name', { endpoint: 'https://ada@push.example/1' }, 'endpoint'],
    ['a password', { endpoint: 'https://:x@push.example/1' }, 'endpoint'],
    ['the private network', { endpoint: 'https://10.1.2.3/1' }, 'endpoint'],
    ['metadata of a cloud', { endpoint: 'https://169.254.169.254/1' }, 'endpoint'],
    ['a local network of the newer kind', { endpoint: 'https://[fe80::1]/1' }, 'endpoint'],
    ['an address that carries another one', { endpoint: 'https://[::ffff:10.0.0.1]/1' }, 'endpoint'],
    ['an address as one number', { endpoint: 'https://167772161/1' }, 'endpoint'],
    ['a key of another length', { p256dh_key: 'BAAA' }, 'p256dh_key'],
    [
      'a point that is on no curve',
      { p256dh_key: Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]).toString('base64url') },
      'p256dh_key',
    ],
    ['a secret of another length', { auth_key: 'AAAA' }, 'auth_key'],
  ]
  it.each(refused)('%s', async (_name, change, field) => {
    const body = { ...newBrowser().browser, ...change }
    await expect(subscribe(ada, body)).rejects.toMatchObject({
      status: 400,
      validations: [{ field, detail: expect.any(String) }],
    })
    expect(await endpointsOf(ada)).toEqual([])
  })

  it('this machine and its names, where no range is allowed', async () => {
    await using strict = await startTestServer()
    const owner = await strict.owner()
    for (const host of [
      'localhost',
      'push.localhost',
      'localhost.',
      '127.0.0.1',
      '[::1]',
      '0.0.0.0',
      '127.1',
    ])
      await expect(
        subscribe(owner, { ...newBrowser().browser, endpoint: `https://${host}/1` }),
        host,
      ).rejects.toMatchObject({ status: 400 })
  })
})

it('OP-140: where the name of an endpoint leads is looked at again whenever it is used', async () => {
  const { path, browser } = newBrowser()
  await subscribe(ada, browser)
  // Of the same deployment, but nothing private may be reached from here.
  await using strict = await startTestServer({ databaseUrl: server.databaseUrl })
  const response = await fetch(`${strict.url}/api/v2/users/me/webpush/test`, {
    method: 'POST',
    headers: ada.headers,
  })
  expect(response.status).toBe(502)
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining('private address') })
  expect(service.of(path)).toEqual([])
  // It may be allowed again.
  expect(await endpointsOf(ada)).toEqual([browser.endpoint])
})

it.each([
  [400, true],
  [403, true],
  [404, true],
  [410, true],
  [307, false],
  [413, false],
  [429, false],
  [500, false],
])('OP-140: after the answer %i the subscription is gone: %s', async (status, gone) => {
  const { path, browser } = newBrowser()
  const kept = newBrowser()
  await subscribe(ada, browser)
  await subscribe(ada, kept.browser)
  service.answers.set(path, status)
  // Another browser has got it.
  await test(ada)
  expect(service.of(path)).toHaveLength(1)
  expect(service.of(kept.path)).toHaveLength(1)
  expect(await endpointsOf(ada)).toEqual([...(gone ? [] : [browser.endpoint]), kept.browser.endpoint])
})

it('OP-140: a test that reaches no browser says why, without the address of the browser', async () => {
  const { path, browser } = newBrowser()
  await subscribe(ada, browser)
  service.answers.set(path, 503)
  await expect(test(ada)).rejects.toMatchObject({
    status: 502,
    detail: `${new URL(service.origin).host} answered 503`,
  })
  // Nobody to tell is no failure.
  await unsubscribe(ada, browser.endpoint)
  await test(ada)
  expect(service.of(path)).toHaveLength(1)
})

it('OP-140: a browser subscribes again with other keys, and is told once', async () => {
  const { path, browser } = newBrowser()
  await subscribe(ada, browser)
  const renewed = service.browser(path)
  await subscribe(ada, renewed)
  expect(await endpointsOf(ada)).toEqual([browser.endpoint])
  await test(ada)
  expect(service.of(path)).toHaveLength(1)
})

it('OP-140: a shared browser is of whoever has subscribed last', async () => {
  const { path, browser } = newBrowser()
  await subscribe(ada, browser)
  users += 1
  const bob = await server.user(`bob${users}`)
  await subscribe(bob, browser)
  await test(ada)
  expect(service.of(path)).toEqual([])
  await expect(unsubscribe(ada, browser.endpoint)).rejects.toMatchObject({ status: 404 })
  await test(bob)
  expect(service.of(path)).toHaveLength(1)
  await unsubscribe(bob, browser.endpoint)
  expect(await endpointsOf(bob)).toEqual([])
})

it('OP-140: a user has at most twenty browsers; one more takes the place of the oldest', async () => {
  const browsers = Array.from({ length: 21 }, newBrowser)
  for (const { browser } of browsers) await subscribe(ada, browser)
  expect(await endpointsOf(ada)).toEqual(browsers.slice(1).map(({ browser }) => browser.endpoint))
})

it('RB-64: nobody but administrators reaches the browsers of others, and nobody without a session any', async () => {
  const owner = await server.owner()
  users += 1
  const bob = await server.user(`bob${users}`)
  const { path, browser } = newBrowser()
  const adaId = await idOf(ada)
  await expect(subscribe(bob, browser, adaId)).rejects.toMatchObject({ status: 404 })
  await subscribe(ada, browser)
  await expect(unsubscribe(bob, browser.endpoint, adaId)).rejects.toMatchObject({ status: 404 })
  await expect(test(bob, adaId)).rejects.toMatchObject({ status: 404 })
  await expect(test(server.anonymous, adaId)).rejects.toMatchObject({ status: 401 })
  await expect(subscribe(server.anonymous, browser, adaId)).rejects.toMatchObject({ status: 401 })
  expect(service.of(path)).toEqual([])
  await test(owner, adaId)
  expect(service.of(path)).toHaveLength(1)
  await unsubscribe(owner, browser.endpoint, adaId)
  await expect(unsubscribe(owner, browser.endpoint, adaId)).rejects.toMatchObject({ status: 404 })
})

it('ID-19: a suspended user is told nothing, and nothing is left of a deleted one', async () => {
  const owner = await server.owner()
  const { path, browser } = newBrowser()
  await subscribe(ada, browser)
  const id = await idOf(ada)
  await owner.call(suspendUser, params(id))
  await test(owner, id)
  expect(service.of(path)).toEqual([])
  await owner.call(deleteUser, params(id))
  const left = await database.db
    .selectFrom('webpush_subscriptions')
    .select('id')
    .where('user_id', '=', id)
    .execute()
  expect(left).toEqual([])
})

it('OP-140: another key pair drops all subscriptions, and running servers take it up', async () => {
  const { path, browser } = newBrowser()
  await subscribe(ada, browser)
  const before = await publicKey()
  const dropped = await regenerateWebPushKeys([], {
    CODER_PG_CONNECTION_URL: server.databaseUrl,
    CODER_CONFIG_DIR: server.configDirectory,
  })
  expect(dropped).toBeGreaterThanOrEqual(1)
  expect(await endpointsOf(ada)).toEqual([])
  const after = await until('the other key', async () => {
    const key = await publicKey()
    return key === before ? undefined : key
  })
  await subscribe(ada, browser)
  await test(ada)
  expect(service.of(path).map((one) => one.publicKey)).toEqual([after])
})
