import { once } from 'node:events'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import { createToken } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { visitor } from '../../apps/apps.fixture.ts'
import type { Database } from '../../database/index.ts'
import { newToken } from '../keys/api-key-token.ts'
import { dueTouch } from '../keys/key-lifetime.ts'
import { endOfUpstream, notRefreshed } from './upstream-session.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const START = new Date('2026-01-01T12:00:00Z')

let server: TestServer
let database: Database
let now = START
const lines: Record<string, unknown>[] = []

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_WILDCARD_ACCESS_URL: '*.apps.test' },
    clock: { now: () => now },
    log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
  })
  database = await openDatabase(server.databaseUrl)
  await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => {
  now = START
})

/** Somebody who has signed in through a provider; `expiry` is that of the provider's token. */
async function signedIn(link?: { readonly expiry?: Date; readonly refreshes?: boolean }) {
  const user = await fixtures.user(database.db, { status: 'active', login_type: 'oidc' })
  if (link !== undefined)
    await fixtures.userLink(database.db, {
      user,
      login_type: 'oidc',
      oauth_expiry: link.expiry ?? null,
      ...(link.refreshes === true ? { oauth_refresh_token: Buffer.from('sealed') } : {}),
    })
  const { id, token, hashedSecret } = newToken()
  await fixtures.apiKey(database.db, {
    user,
    id,
    hashed_secret: hashedSecret,
    login_type: 'oidc',
    scopes: ['coder:all'],
    last_used: START,
    created_at: START,
    expires_at: new Date(START.getTime() + 24 * HOUR_MS),
  })
  const ask = (path: string) => fetch(`${server.url}${path}`, { headers: { 'Coder-Session-Token': token } })
  return { user, token, me: () => ask('/api/v2/users/me'), optional: () => ask('/metrics') }
}

describe('ID-62: a session that comes from a login provider', () => {
  it('L-S2: ends with the token of the provider where nothing can renew it, whatever its own expiry says', async () => {
    // Before a use is noted again, which would look at everything anew.
    const end = START.getTime() + HOUR_MS / 2
    const { me, optional } = await signedIn({ expiry: new Date(end) })
    expect((await me()).status).toBe(200)
    now = new Date(end - 1)
    expect((await me()).status).toBe(200)
    // The rows are known by now, and still the clock is asked each time.
    now = new Date(end)
    const ended = await me()
    expect(ended.status).toBe(401)
    expect(ended.headers.get('www-authenticate')).toContain(
      'error_description="The access token has expired"',
    )
    expect(await ended.json()).toEqual({
      message: expect.stringContaining('You are signed out'),
      detail: 'OpenID Connect session expired at "2026-01-01T12:30:00.000Z". Try signing in again.',
    })
    // Anonymous there, where nobody but owners sees anything.
    expect((await optional()).status).toBe(404)
  })

  it('L-S2, RB-137: takes what is open with it', async () => {
    const end = START.getTime() + HOUR_MS / 2
    const { token } = await signedIn({ expiry: new Date(end) })
    const { token: other } = await signedIn({ expiry: new Date(end + 1) })
    const watch = (key: string) =>
      new WebSocket(`${server.url.replace('http', 'ws')}/api/v2/notifications/inbox/watch`, {
        headers: { 'Coder-Session-Token': key },
      })
    const [ending, staying] = [watch(token), watch(other)]
    await Promise.all([once(ending, 'open'), once(staying, 'open')])
    const closed = once(ending, 'close')
    now = new Date(end)
    const [code] = await closed
    expect({ code, staying: staying.readyState }).toEqual({ code: 1008, staying: WebSocket.OPEN })
    staying.terminate()
  })

  it('L-S2, AC-195: takes the keys of its workspace apps with it, which live no longer than the session', async () => {
    const end = START.getTime() + HOUR_MS / 2
    const { token } = await signedIn({ expiry: new Date(end) })
    const app = 'http://app--main--dev--nobody.apps.test/'
    const { ask } = visitor(() => server.url)
    const away = await ask(
      `/api/v2/applications/auth-redirect?${new URLSearchParams({ redirect_uri: app })}`,
      {
        headers: { 'Coder-Session-Token': token },
      },
    )
    const { search, host } = new URL(away.headers.location ?? '')
    const arrived = await ask(`/${search}`, { host })
    const cookie = arrived.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    const reach = async () => (await ask('/', { host, headers: { Cookie: cookie } })).status
    // There is no such app, which only those hear who are signed in.
    expect(await reach()).toBe(404)
    now = new Date(end)
    expect(await reach()).toBe(303)
  })

  it('AC-195: the key for apps that comes of a token ends with the token, whatever its use', async () => {
    const { token, user } = await signedIn({ expiry: new Date(START.getTime() + HOUR_MS) })
    const lifetime = 48 * HOUR_MS
    const made = await new Client({ url: server.url, token }).call(createToken, {
      params: { user: 'me' },
      body: { lifetime: lifetime * 1e6 },
    })
    const { ask } = visitor(() => server.url)
    await ask(
      `/api/v2/applications/auth-redirect?${new URLSearchParams({ redirect_uri: 'http://a--b--c.apps.test/' })}`,
      { headers: { 'Coder-Session-Token': made.key } },
    )
    const keys = await database.db
      .selectFrom('api_keys')
      .selectAll()
      .where('user_id', '=', user.id)
      .where('scopes', '@>', sql<string[]>`array['coder:application_connect']`)
      .execute()
    expect(keys).toHaveLength(1)
    const [key] = keys
    if (key === undefined) throw new Error('there is no key')
    expect(key.expires_at).toEqual(new Date(START.getTime() + lifetime))
    const rules = { sessionMaxLifetime: 0, sessionIdleTimeout: 0, disableSessionExpiryRefresh: false }
    const lastUse = new Date(key.expires_at.getTime() - 1)
    expect(dueTouch(key, rules, lastUse)?.expiresAt).toBeUndefined()
  })

  it('is none without the link of that login', async () => {
    const { me } = await signedIn()
    const answer = await me()
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ detail: 'You must re-authenticate with the login provider.' })
  })

  it.each([
    ['never', undefined],
    ['year 1, as others write never', new Date('0001-01-01T00:00:00Z')],
  ])('ID-65: a token that ends %s is not refreshed', async (_what, expiry) => {
    const { me } = await signedIn({ ...(expiry === undefined ? {} : { expiry }), refreshes: true })
    now = new Date(START.getTime() + 2 * HOUR_MS)
    expect((await me()).status).toBe(200)
  })

  it('ID-61: a provider that is not configured any more is our fault, everywhere, and tells nothing', async () => {
    const { me, optional } = await signedIn({ expiry: START, refreshes: true })
    for (const ask of [me, optional]) {
      const answer = await ask()
      expect(answer.status).toBe(500)
      expect(answer.headers.get('set-cookie')).toBeNull()
      expect(await answer.json()).toEqual({
        message: 'An internal error occurred. Please try again or contact the system administrator.',
        detail: `Reference: ${answer.headers.get('x-coder-request-id')}`,
      })
    }
  })

  it('ID-65: an expired key asks no provider', async () => {
    const { me } = await signedIn({ expiry: START, refreshes: true })
    now = new Date(START.getTime() + 25 * HOUR_MS)
    const answer = await me()
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(/^API key expired at/) })
  })

  it('ID-222: a link that changes elsewhere is looked at again', async () => {
    const { me, user } = await signedIn({ expiry: new Date(START.getTime() + HOUR_MS) })
    expect((await me()).status).toBe(200)
    const began = performance.now()
    await database.db
      .updateTable('user_links')
      .set({ oauth_expiry: new Date(START.getTime() - HOUR_MS) })
      .where('user_id', '=', user.id)
      .execute()
    await until('the refusal', async () => (await me()).status === 401)
    expect(performance.now() - began).toBeLessThan(1_500)
  })
})

describe('ID-61: what a refresh that fails is worth', () => {
  it('a refusal is told on every route, and so is what is our fault', () => {
    expect(notRefreshed('oidc', { kind: 'refused', detail: 'invalid_grant' })).toEqual({
      ok: false,
      status: 401,
      hard: true,
      reason: 'expired',
      message: 'Could not refresh expired OpenID Connect token. Try re-authenticating to resolve this issue.',
      detail: 'invalid_grant',
    })
    const cause = new Error('timeout')
    expect(notRefreshed('github', { kind: 'failed', cause })).toMatchObject({
      status: 500,
      hard: true,
      reason: 'fault',
      cause,
    })
    expect(notRefreshed('github', { kind: 'unconfigured', detail: 'gone' })).toMatchObject({
      status: 500,
      hard: true,
      detail: 'Unable to refresh OAuth token for login type "github". gone',
    })
  })

  it('a token ends at its expiry and not before', () => {
    const ended = (expiresAt: Date | undefined) =>
      endOfUpstream({ expiresAt, refreshes: true }) <= START.getTime()
    expect(ended(undefined)).toBe(false)
    expect(ended(START)).toBe(true)
    expect(ended(new Date(START.getTime() + 1))).toBe(false)
    expect(ended(new Date('0001-01-01T00:00:00Z'))).toBe(false)
  })
})
