import { once } from 'node:events'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { getOidcClaims, getUser } from '@slipway/contract'
import {
  CookieBrowser,
  FakeGithub,
  IdentityProvider,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const CALLBACK = '/api/v2/users/oidc/callback'
const GITHUB = '/api/v2/users/oauth2/github/callback'
const me = { params: { user: 'me' } }

let idp: IdentityProvider
let github: FakeGithub
let server: TestServer
let database: Database
beforeAll(async () => {
  idp = await IdentityProvider.start()
  github = await FakeGithub.start()
  github.lifetime = 3600
  server = await startTestServer({
    clock,
    env: {
      ...idp.env(),
      ...github.env({
        CODER_OAUTH2_GITHUB_ALLOW_EVERYONE: 'true',
        CODER_OAUTH2_GITHUB_ALLOW_SIGNUPS: 'true',
      }),
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    },
  })
  idp.allowRedirect(`${server.url}${CALLBACK}`)
  database = await openDatabase(server.databaseUrl)
  await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await idp[Symbol.asyncDispose]()
  await github[Symbol.asyncDispose]()
})
beforeEach(() => {
  idp.tamper = (answer) => answer
  idp.staged = undefined
  github.staged = undefined
})

let people = 0
/** Somebody who has just signed in. */
async function signedIn() {
  people += 1
  const name = `person${people}`
  const claims = {
    email: `${name}@corp.example`,
    email_verified: true,
    preferred_username: name,
    name: 'Before',
  }
  idp.person(name, claims)
  const browser = new CookieBrowser()
  expect((await browser.signIn(server.url)).status).toBe(307)
  const client = browser.client(server.url)
  return { name, claims, client, id: (await client.call(getUser, me)).id }
}

const linkOf = (id: string) =>
  database.db.selectFrom('user_links').selectAll().where('user_id', '=', id).executeTakeFirstOrThrow()

let ahead = 0
const clock = { now: () => new Date(Date.now() + ahead) }

/** Two hours later: tokens of the providers have ended, sessions have not. */
function endUpstream(): void {
  ahead += 2 * 3_600_000
}

const status = (
  client: { headers: Record<string, string> },
  path: string,
  url = server.url,
): Promise<number> => fetch(`${url}${path}`, { headers: client.headers }).then((answer) => answer.status)

describe('row 9, ID-65: the token of the provider has ended', () => {
  it('L-31: it is renewed, and a new ID token takes the place of the claims', async () => {
    const { client, id, name, claims } = await signedIn()
    const before = await linkOf(id)
    idp.person(name, { ...claims, name: 'After' })
    endUpstream()
    const asked = idp.count('/token')
    expect(await status(client, '/api/v2/users/me')).toBe(200)
    expect(idp.count('/token')).toBe(asked + 1)
    const after = await linkOf(id)
    expect(after.oauth_expiry?.getTime()).toBeGreaterThan(clock.now().getTime() + 3_000_000)
    expect(after.oauth_refresh_token).not.toEqual(before.oauth_refresh_token)
    expect(after.refresh_lease).toBeNull()
    expect((await client.call(getOidcClaims)).claims).toMatchObject({ name: 'After' })
    // The rotated refresh token works, and while the token lasts nobody is asked.
    expect(await status(client, '/api/v2/users/me')).toBe(200)
    expect(idp.count('/token')).toBe(asked + 1)
    endUpstream()
    expect(await status(client, '/api/v2/users/me')).toBe(200)
    expect(idp.count('/token')).toBe(asked + 2)
  })

  it('without a new ID token the claims stay', async () => {
    const { client, name, claims } = await signedIn()
    idp.person(name, { ...claims, name: 'After' })
    idp.tamper = ({ id_token: _, ...answer }) => answer
    endUpstream()
    expect(await status(client, '/api/v2/users/me')).toBe(200)
    expect((await client.call(getOidcClaims)).claims).toMatchObject({ name: 'Before' })
  })

  it('a refusal is a 401', async () => {
    const { client } = await signedIn()
    endUpstream()
    idp.staged = (path) =>
      path === '/token' ? { status: 400, body: '{"error":"invalid_grant"}' } : undefined
    const answer = await fetch(`${server.url}/api/v2/users/me`, { headers: client.headers })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({
      message: 'Could not refresh expired OpenID Connect token. Try re-authenticating to resolve this issue.',
      detail: expect.stringContaining('invalid_grant'),
    })
    // Nothing is lost by it: the provider may think better of it.
    idp.staged = undefined
    expect(await status(client, '/api/v2/users/me')).toBe(200)
  })

  it('an outage is ours: nobody is signed out by it', async () => {
    const { client } = await signedIn()
    endUpstream()
    idp.staged = (path) => (path === '/token' ? { status: 503, body: 'busy' } : undefined)
    expect(await status(client, '/api/v2/users/me')).toBe(500)
    await idp.down()
    expect(await status(client, '/api/v2/users/me')).toBe(500)
    await idp.up()
    idp.staged = undefined
    expect(await status(client, '/api/v2/users/me')).toBe(200)
  })

  it('RB-137: what is open with the session stays over an outage, and ends with a refusal', async () => {
    const { client } = await signedIn()
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v2/notifications/inbox/watch`, {
      headers: client.headers,
    })
    await once(socket, 'open')
    const closed = once(socket, 'close')
    const asked = idp.count('/token')
    idp.staged = (path) => (path === '/token' ? { status: 503, body: 'busy' } : undefined)
    endUpstream()
    await until('the renewal to be tried', () => idp.count('/token') > asked)
    expect(socket.readyState).toBe(WebSocket.OPEN)
    idp.staged = (path) =>
      path === '/token' ? { status: 400, body: '{"error":"invalid_grant"}' } : undefined
    ahead += 60_000
    const [code] = await closed
    expect(code).toBe(1008)
  })

  it('L-S2: without a refresh token the session ends with the token', async () => {
    const { client, id } = await signedIn()
    await database.db
      .updateTable('user_links')
      .set({ oauth_refresh_token: null })
      .where('user_id', '=', id)
      .execute()
    endUpstream()
    const asked = idp.count('/token')
    expect(await status(client, '/api/v2/users/me')).toBe(401)
    expect(idp.count('/token')).toBe(asked)
  })

  it('an ID token of somebody else ends the session for good', async () => {
    const { client, id } = await signedIn()
    idp.tamper = async (answer) => ({
      ...answer,
      id_token: await idp.sign(answer.id_token, { sub: 'somebody else' }),
    })
    endUpstream()
    expect(await status(client, '/api/v2/users/me')).toBe(401)
    idp.tamper = (answer) => answer
    expect(await status(client, '/api/v2/users/me')).toBe(401)
    expect((await linkOf(id)).oauth_refresh_token).toBeNull()
  })

  it('claims that cannot be read leave the session and the former claims', async () => {
    const { client } = await signedIn()
    idp.staged = (path) => (path === '/me' ? { status: 500, body: '{}' } : undefined)
    endUpstream()
    expect(await status(client, '/api/v2/users/me')).toBe(200)
    expect((await client.call(getOidcClaims)).claims).toMatchObject({ name: 'Before' })
  })

  it('keys that cannot be read leave the session and the former claims, too', async () => {
    const { client, id } = await signedIn()
    await using fresh = await startTestServer({
      clock,
      databaseUrl: server.databaseUrl,
      env: { ...idp.env(), CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    })
    for (const staged of [
      { status: 503, body: 'busy' },
      { status: 200, body: '<html>' },
      { status: 200, body: '{"keys":1}' },
    ]) {
      idp.staged = (path) => (path === '/jwks' ? staged : undefined)
      endUpstream()
      const asked = idp.count('/jwks')
      expect(await status(client, '/api/v2/users/me', fresh.url)).toBe(200)
      expect(idp.count('/jwks')).toBe(asked + 1)
      expect((await linkOf(id)).oauth_refresh_token).not.toBeNull()
    }
  })

  it('what GitHub gave is renewed alike', async () => {
    github.visitor = {
      id: 77,
      login: 'octo',
      emails: [{ email: 'octo@example.com', primary: true, verified: true }],
    }
    const browser = new CookieBrowser()
    await browser.signIn(server.url, GITHUB)
    const client = browser.client(server.url)
    endUpstream()
    expect(await status(client, '/api/v2/users/me')).toBe(200)
    endUpstream()
    github.staged = (path) =>
      path === '/login/oauth/access_token'
        ? { status: 200, body: '{"error":"bad_refresh_token"}' }
        : undefined
    expect(await status(client, '/api/v2/users/me')).toBe(401)
  })

  it('a link of a provider that is gone is a fault', async () => {
    const { client, id } = await signedIn()
    await database.db.updateTable('user_links').set({ provider: 'gone' }).where('user_id', '=', id).execute()
    endUpstream()
    expect(await status(client, '/api/v2/users/me')).toBe(500)
  })
})

describe('many ask at once', () => {
  it('row 46: two replicas make one renewal, and all requests succeed', async () => {
    await using second = await startTestServer({
      clock,
      databaseUrl: server.databaseUrl,
      env: { ...idp.env(), CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    })
    const { client } = await signedIn()
    endUpstream()
    const asked = idp.count('/token')
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        status(client, '/api/v2/users/me', index % 2 === 0 ? server.url : second.url),
      ),
    )
    expect(new Set(all)).toEqual(new Set([200]))
    expect(idp.count('/token')).toBe(asked + 1)
  })

  it('a lease that its holder has lost is taken over, one that it holds is waited for', async () => {
    const { client, id } = await signedIn()
    endUpstream()
    const lease = (until: Date) =>
      database.db
        .updateTable('user_links')
        .set({ refresh_lease: '00000000-0000-4000-8000-000000000001', refresh_lease_until: until })
        .where('user_id', '=', id)
        .execute()
    await lease(new Date(Date.now() - 1000))
    expect(await status(client, '/api/v2/users/me')).toBe(200)
    endUpstream()
    await lease(new Date(Date.now() + 60_000))
    const asked = idp.count('/token')
    const waiting = status(client, '/api/v2/users/me')
    // The other replica has done it.
    await database.db
      .updateTable('user_links')
      .set({
        oauth_expiry: new Date(clock.now().getTime() + 60_000),
        refresh_lease: null,
        refresh_lease_until: null,
      })
      .where('user_id', '=', id)
      .execute()
    expect(await waiting).toBe(200)
    expect(idp.count('/token')).toBe(asked)
  })
})
