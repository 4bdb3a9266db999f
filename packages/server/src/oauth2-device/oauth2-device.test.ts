import { sql } from 'kysely'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createOAuth2App,
  createOAuth2AppSecret,
  createToken,
  DEVICE_CODE_GRANT,
  listAuditLogs,
  suspendUser,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const clock = { offset: 0, now: () => new Date(Date.now() + clock.offset) }
const stack = new AsyncDisposableStack()
let server: TestServer
let database: Database
let owner: Client
let member: Client
let app: string
let secret: string

beforeAll(async () => {
  server = stack.use(await startTestServer({ clock, env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  database = stack.use(await openDatabase(server.databaseUrl, { maxConnections: 2 }))
  owner = await server.owner()
  member = await server.user('member')
  app = (
    await owner.call(createOAuth2App, {
      body: { name: 'television', callback_url: 'https://tv.example/callback' },
    })
  ).id
  secret = (await owner.call(createOAuth2AppSecret, { params: { app } })).client_secret_full
})
afterAll(() => stack.disposeAsync())

const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
    redirect: 'manual',
  })
const credentials = () => ({ client_id: app, client_secret: secret })

interface Started {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}

async function start(more: Record<string, string> = {}): Promise<Started> {
  const answer = await post('/oauth2/device', { ...credentials(), ...more })
  expect(answer.status).toBe(200)
  const started: unknown = await answer.json()
  return started as Started
}

const poll = (device_code: string, more: Record<string, string> = {}) =>
  post('/oauth2/tokens', { ...credentials(), grant_type: DEVICE_CODE_GRANT, device_code, ...more })
const errorOf = async (answer: Response) => {
  const body: unknown = await answer.json()
  return [answer.status, (body as { error?: string }).error]
}
const as = (client: Client) => ({ 'Coder-Session-Token': client.headers['Coder-Session-Token'] ?? '' })
const decide = (user_code: string, decision: string, by = member) =>
  post('/oauth2/device/decision', { user_code, decision }, as(by))

describe('OA-B12: a device asks', () => {
  it('gets codes, of which the one for its user is easy to type and both are stored as hashes only', async () => {
    const started = await start({ scope: 'workspace:read' })
    expect(started).toEqual({
      device_code: expect.stringMatching(/^coder_\w{10}_\w{40}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${server.url}/oauth2/device`,
      verification_uri_complete: `${server.url}/oauth2/device?user_code=${started.user_code}`,
      expires_in: 900,
      interval: 5,
    })
    const rows = JSON.stringify(
      await database.db.selectFrom('oauth2_provider_device_codes').selectAll().execute(),
    )
    expect(rows).not.toContain(started.device_code.slice(17))
    expect(rows).not.toContain(started.user_code.slice(0, 4))
  })

  it('is advertised, and not stored by caches', async () => {
    const metadata: unknown = await (
      await fetch(`${server.url}/.well-known/oauth-authorization-server`)
    ).json()
    expect(metadata).toMatchObject({
      device_authorization_endpoint: `${server.url}/oauth2/device`,
      grant_types_supported: expect.arrayContaining([DEVICE_CODE_GRANT]),
    })
    const answer = await post('/oauth2/device', credentials())
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it.each<[string, Record<string, string>, number, string]>([
    ['without a client', { client_id: '', client_secret: '' }, 400, 'invalid_request'],
    ['with a wrong secret', { client_secret: 'coder_aaaaaaaaaa_b' }, 401, 'invalid_client'],
    ['for a scope that is none', { scope: 'everything' }, 400, 'invalid_scope'],
    ['for a resource that is none', { resource: 'x' }, 400, 'invalid_request'],
  ])('%s is refused as OAuth says', async (_what, form, status, error) => {
    expect(await errorOf(await post('/oauth2/device', { ...credentials(), ...form }))).toEqual([
      status,
      error,
    ])
  })

  it('RFC 7591: a client that describes itself has to name the flow, and what describes it is shown', async () => {
    const describes = { client_type: 'public', token_endpoint_auth_method: 'none' } as const
    const silent = await fixtures.oauth2ProviderApp(database.db, {
      ...describes,
      dynamically_registered: true,
    })
    expect(await errorOf(await post('/oauth2/device', { client_id: silent.id }))).toEqual([
      400,
      'unauthorized_client',
    ])
    const metadata_url = 'https://documents.example/device.json'
    await fixtures.oauth2ProviderApp(database.db, {
      ...describes,
      metadata_url,
      metadata_fresh_until: new Date(Date.now() + 3_600_000),
      grant_types: ['authorization_code', DEVICE_CODE_GRANT],
    })
    const answer = await post('/oauth2/device', { client_id: metadata_url })
    const { user_code }: Record<string, string> = JSON.parse(await answer.text())
    const page = await post('/oauth2/device/verify', { user_code: user_code ?? '' }, as(member))
    expect(await page.text()).toContain('documents.example')
  })

  it('only so many of one app may wait', async () => {
    const { id } = await fixtures.oauth2ProviderApp(database.db, {
      client_type: 'public',
      token_endpoint_auth_method: 'none',
    })
    const ask = () => post('/oauth2/device', { client_id: id })
    expect((await ask()).status).toBe(200)
    await sql`
      insert into oauth2_provider_device_codes (app_id, expires_at, secret_prefix, hashed_secret, hashed_user_code, scopes)
      select ${id}::uuid, now() + interval '10 minutes', lpad(n::text, 10, '0'), sha256(n::text::bytea),
             sha256(n::text::bytea), '{coder:all}' from generate_series(1, 999) n`.execute(database.db)
    const answer = await ask()
    expect(answer.headers.get('retry-after')).toBe('60')
    expect(await errorOf(answer)).toEqual([429, 'temporarily_unavailable'])
    expect((await post('/oauth2/device', credentials())).status).toBe(200)
    // Those that are decided, or came too late, wait no more.
    for (const changed of [{ status: 'denied' as const }, { expires_at: new Date(0) }]) {
      await database.db
        .updateTable('oauth2_provider_device_codes')
        .set(changed)
        .where('app_id', '=', id)
        .where('secret_prefix', '=', changed.status === undefined ? '0000000002' : '0000000001')
        .execute()
      expect((await ask()).status).toBe(200)
      expect((await ask()).status).toBe(429)
    }
  })
})

describe('OA-B12: a device polls', () => {
  it('is told to wait, to wait longer when it asks too often, and gets tokens once its user agrees', async () => {
    const { device_code, user_code } = await start({ scope: 'user:read workspace:read' })
    expect(await errorOf(await poll(device_code))).toEqual([400, 'authorization_pending'])
    expect(await errorOf(await poll(device_code))).toEqual([400, 'slow_down'])
    const interval = await database.db
      .selectFrom('oauth2_provider_device_codes')
      .select('interval_seconds')
      .orderBy('created_at', 'desc')
      .executeTakeFirstOrThrow()
    expect(interval).toEqual({ interval_seconds: 10 })
    // The wait grows to five minutes and no further.
    await database.db
      .updateTable('oauth2_provider_device_codes')
      .set({ interval_seconds: 298 })
      .where('secret_prefix', '=', device_code.split('_')[1] ?? '')
      .execute()
    expect(await errorOf(await poll(device_code))).toEqual([400, 'slow_down'])
    const longest = await database.db
      .selectFrom('oauth2_provider_device_codes')
      .select('interval_seconds')
      .where('secret_prefix', '=', device_code.split('_')[1] ?? '')
      .executeTakeFirstOrThrow()
    expect(longest).toEqual({ interval_seconds: 300 })
    expect((await decide(user_code, 'allow')).status).toBe(200)
    const answer = await poll(device_code)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const tokens = await tokensOf(answer)
    expect(tokens).toMatchObject({ token_type: 'Bearer', scope: 'user:read workspace:read' })
    const me = await fetch(`${server.url}/api/v2/users/me`, {
      headers: { Authorization: `Bearer ${tokens.access_token}` },
    })
    expect(await me.json()).toMatchObject({ username: 'member' })
    // Once.
    expect(await errorOf(await poll(device_code))).toEqual([400, 'invalid_grant'])
    const refreshed = await post('/oauth2/tokens', {
      ...credentials(),
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    })
    expect(refreshed.status).toBe(200)
  })

  it('of any number at once exactly one gets tokens', async () => {
    const { device_code, user_code } = await start()
    await decide(user_code, 'allow')
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(device_code)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const others = await Promise.all(answers.filter(({ status }) => status !== 200).map(errorOf))
    expect(new Set(others.map(String))).toEqual(new Set(['400,invalid_grant']))
  })

  it('is told that its user has declined, and that it came too late', async () => {
    const declined = await start()
    expect((await decide(declined.user_code, 'deny')).status).toBe(200)
    expect(await errorOf(await poll(declined.device_code))).toEqual([400, 'access_denied'])
    expect((await decide(declined.user_code, 'allow')).status).toBe(400)
    const late = await start()
    const agreed = await start()
    await decide(agreed.user_code, 'allow')
    try {
      clock.offset = 901_000
      expect(await errorOf(await poll(agreed.device_code))).toEqual([400, 'expired_token'])
      expect(await errorOf(await poll(late.device_code))).toEqual([400, 'expired_token'])
      expect((await decide(late.user_code, 'allow')).status).toBe(400)
    } finally {
      clock.offset = 0
    }
  })

  it('gets nothing with a code of another app, a wrong secret in it, or for a suspended user', async () => {
    const { device_code, user_code } = await start()
    const other = await owner.call(createOAuth2App, {
      body: { name: 'radio', callback_url: 'https://radio.example/callback' },
    })
    const otherSecret = await owner.call(createOAuth2AppSecret, { params: { app: other.id } })
    const stolen = await post('/oauth2/tokens', {
      client_id: other.id,
      client_secret: otherSecret.client_secret_full,
      grant_type: DEVICE_CODE_GRANT,
      device_code,
    })
    expect(await errorOf(stolen)).toEqual([400, 'invalid_grant'])
    expect(await errorOf(await poll(`${device_code.slice(0, -1)}_`))).toEqual([400, 'invalid_grant'])
    expect(await errorOf(await poll(`${device_code.slice(0, -4)}aaaa`))).toEqual([400, 'invalid_grant'])
    expect(await errorOf(await poll('x'))).toEqual([400, 'invalid_grant'])
    expect(await errorOf(await poll(''))).toEqual([400, 'invalid_request'])
    const gone = await server.user('gone')
    await decide(user_code, 'allow', gone)
    await owner.call(suspendUser, { params: { user: 'gone' } })
    expect(await errorOf(await poll(device_code))).toEqual([400, 'invalid_grant'])
  })

  it('of decisions that come at once one counts, and what is no decision changes nothing', async () => {
    const { device_code, user_code } = await start()
    expect((await decide(user_code, 'maybe')).status).toBe(400)
    expect(await errorOf(await poll(device_code))).toEqual([400, 'authorization_pending'])
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => decide(user_code, n % 2 === 0 ? 'allow' : 'deny')),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('a code that was decided already is no wrong guess', async () => {
    const hasty = await server.user('hasty')
    const { user_code } = await start()
    expect((await decide(user_code, 'allow', hasty)).status).toBe(200)
    for (let click = 0; click < 6; click += 1)
      expect((await decide(user_code, 'allow', hasty)).status).toBe(400)
    expect((await decide((await start()).user_code, 'allow', hasty)).status).toBe(200)
  })

  it('the tokens are for the resource that was asked for', async () => {
    const { device_code, user_code } = await start({ resource: server.url })
    await decide(user_code, 'allow')
    expect(await errorOf(await poll(device_code, { resource: 'https://other.example' }))).toEqual([
      400,
      'invalid_target',
    ])
    expect((await poll(device_code, { resource: server.url })).status).toBe(200)
  })
})

describe('OA-B12: the page', () => {
  const page = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}${path}`, { headers, redirect: 'manual' })

  it('is behind the login, and comes back to where it was', async () => {
    const answer = await page('/oauth2/device?user_code=WDJB-MJHT')
    const location = new URL(answer.headers.get('location') ?? '', server.url)
    expect([answer.status, location.pathname, location.searchParams.get('redirect')]).toEqual([
      303,
      '/login',
      '/oauth2/device?user_code=WDJB-MJHT',
    ])
    const form = await post('/oauth2/device/decision', { user_code: 'WDJB-MJHT', decision: 'allow' })
    expect([
      form.status,
      new URL(form.headers.get('location') ?? '', server.url).searchParams.get('redirect'),
    ]).toEqual([303, '/oauth2/device'])
  })

  it('is in no frame, needs no script, and holds a code of the address without looking at it', async () => {
    const answer = await page('/oauth2/device?user_code=wdjbmjht%22%3E%3Cscript%3E', as(member))
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const text = await answer.text()
    expect(text).toContain('name="user_code"')
    expect(text).not.toContain('<script')
    const known = await (await page('/oauth2/device?user_code=wdjb%20mjht', as(member))).text()
    expect(known).toContain('value="WDJB-MJHT"')
  })

  it('shows who asks and for what, under the code however it was typed', async () => {
    const { user_code } = await start({ scope: 'workspace:read' })
    const typed = ` ${user_code.toLowerCase().replace('-', ' ')} `
    const answer = await post('/oauth2/device/verify', { user_code: typed }, as(member))
    const text = await answer.text()
    expect(answer.status).toBe(200)
    for (const said of ['television', 'See workspaces', user_code, '127.0.0.1', 'member'])
      expect(text).toContain(said)
    expect(text).not.toContain('<script')
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
  })

  it('with a cookie its forms need the token of the page', async () => {
    const session = { Cookie: `coder_session_token=${member.headers['Coder-Session-Token']}` }
    const shown = await page('/oauth2/device', session)
    const csrf = shown.headers.get('set-cookie')?.split(';')[0] ?? ''
    const token = /name="csrf_token" value="([^"]+)"/.exec(await shown.text())?.[1] ?? ''
    const { user_code } = await start()
    const cookies = { Cookie: `${session.Cookie}; ${csrf}` }
    const sent = (form: Record<string, string>, headers: Record<string, string> = cookies) =>
      post('/oauth2/device/decision', { user_code, decision: 'allow', ...form }, headers)
    for (const [form, headers] of [
      [{}, cookies],
      [{ csrf_token: 'x' }, cookies],
      [{ csrf_token: token }, session],
      [{ csrf_token: token }, { ...cookies, Origin: 'https://evil.example' }],
      [{ csrf_token: token }, { ...cookies, Origin: 'null' }],
    ] as const) {
      const refused = await sent(form, headers)
      expect(refused.status, JSON.stringify([form, headers])).toBe(400)
      expect(await refused.text()).toContain('CSRF')
    }
    expect((await post('/oauth2/device/verify', { user_code }, cookies)).status).toBe(400)
    expect((await sent({ csrf_token: token }, { ...cookies, Origin: server.url })).status).toBe(200)
  })

  it('a wrong code is told, the fifth one locks, and an own device does not open again', async () => {
    const guesser = await server.user('guesser')
    const guess = (user_code: string) => post('/oauth2/device/verify', { user_code }, as(guesser))
    for (let round = 0; round < 4; round += 1) {
      const wrong = await guess('BBBB-BBBB')
      expect([wrong.status, wrong.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
      expect(await wrong.text()).toContain('No device waits with this code')
    }
    const own = await start()
    expect((await guess(own.user_code)).status).toBe(200)
    // What cannot be a code is no guess.
    expect((await guess('AEIOU123')).status).toBe(400)
    expect((await guess('BBBB-BBBB')).status).toBe(400)
    const locked = await guess(own.user_code)
    expect([locked.status, Number(locked.headers.get('retry-after')) > 890]).toEqual([429, true])
    expect((await decide(own.user_code, 'allow', guesser)).status).toBe(429)
    // Nobody else is locked.
    expect((await post('/oauth2/device/verify', { user_code: own.user_code }, as(member))).status).toBe(200)
    try {
      clock.offset = 14 * 60_000
      expect((await guess('BBBB-BBBB')).status).toBe(429)
      clock.offset = 16 * 60_000
      expect((await guess('BBBB-BBBB')).status).toBe(400)
      expect((await guess('BBBB-BBBB')).status).toBe(429)
    } finally {
      clock.offset = 0
    }
  })

  it('OA-52: an app approves no app, and a token none that may do more than itself', async () => {
    const first = await start()
    await decide(first.user_code, 'allow')
    const { access_token } = await tokensOf(await poll(first.device_code))
    const { device_code, user_code } = await start()
    const bearer = { Authorization: `Bearer ${access_token}` }
    expect((await page('/oauth2/device', bearer)).status).toBe(403)
    expect((await post('/oauth2/device/verify', { user_code }, bearer)).status).toBe(403)
    expect((await post('/oauth2/device/decision', { user_code, decision: 'allow' }, bearer)).status).toBe(403)
    const { key } = await member.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    const narrow = { 'Coder-Session-Token': key }
    expect((await post('/oauth2/device/decision', { user_code, decision: 'allow' }, narrow)).status).toBe(403)
    expect(await errorOf(await poll(device_code))).toEqual([400, 'authorization_pending'])
  })

  it('OA-B18: a refusal is in the audit log, and the app counts as used only once somebody agrees', async () => {
    const { id } = await fixtures.oauth2ProviderApp(database.db, {
      client_type: 'public',
      token_endpoint_auth_method: 'none',
    })
    const used = async () =>
      (
        await database.db
          .selectFrom('oauth2_provider_apps')
          .select('first_authorized_at')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
      ).first_authorized_at
    const begin = async (): Promise<Started> =>
      JSON.parse(await (await post('/oauth2/device', { client_id: id })).text())
    await decide((await begin()).user_code, 'deny')
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:oauth2_provider_app', limit: 1 },
    })
    expect(audit_logs).toMatchObject([{ additional_fields: { oauth2_event: 'consent_denied' } }])
    expect(await used()).toBeNull()
    await decide((await begin()).user_code, 'allow')
    expect(await used()).not.toBeNull()
  })

  it('OA-B18: decisions and what they lead to are in the audit log', async () => {
    const { device_code, user_code } = await start()
    await decide(user_code, 'allow')
    await poll(device_code)
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:oauth2_provider_app', limit: 2 },
    })
    expect(audit_logs.map(({ additional_fields }) => additional_fields)).toMatchObject([
      { oauth2_event: 'device_code_redeemed' },
      { oauth2_event: 'consent_granted' },
    ])
  })
})

describe('OA-B12, OA-B16: a client of somebody else', () => {
  const client = { client_id: '' }
  const insecure = { [oauth.allowInsecureRequests]: true }
  const auth = () => oauth.ClientSecretBasic(secret)
  let found: oauth.AuthorizationServer

  beforeAll(async () => {
    client.client_id = app
    const issuer = new URL(server.url)
    found = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
    )
  })

  const begin = async () =>
    oauth.processDeviceAuthorizationResponse(
      found,
      client,
      await oauth.deviceAuthorizationRequest(found, client, auth(), { scope: 'user:read' }, insecure),
    )
  const ask = async (deviceCode: string, more: oauth.TokenEndpointRequestOptions = {}) =>
    oauth.processDeviceCodeResponse(
      found,
      client,
      await oauth.deviceCodeGrantRequest(found, client, auth(), deviceCode, { ...insecure, ...more }),
    )

  it('finds the endpoint, waits and gets tokens', async () => {
    const { device_code, user_code } = await begin()
    await expect(ask(device_code)).rejects.toMatchObject({ error: 'authorization_pending' })
    await decide(user_code, 'allow')
    const tokens = await ask(device_code)
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'user:read' })
    const target = new URL(`${server.url}/api/v2/users/me`)
    const me = await oauth.protectedResourceRequest(
      tokens.access_token,
      'GET',
      target,
      undefined,
      undefined,
      insecure,
    )
    expect(await me.json()).toMatchObject({ username: 'member' })
  })

  it('binds the tokens to its key, uses them with proofs, and refreshes them', async () => {
    const keys = await oauth.generateKeyPair('ES256')
    const DPoP = oauth.DPoP({}, keys)
    const { device_code, user_code } = await begin()
    await decide(user_code, 'allow')
    // The first proof has no nonce yet; the handle remembers the one of the answer.
    const first = await ask(device_code, { DPoP }).catch((error: unknown) => error)
    expect(oauth.isDPoPNonceError(first)).toBe(true)
    const tokens = await ask(device_code, { DPoP })
    expect(tokens.token_type).toBe('dpop')
    const target = new URL(`${server.url}/api/v2/users/me`)
    const use = (more: oauth.ProtectedResourceRequestOptions) =>
      oauth.protectedResourceRequest(tokens.access_token, 'GET', target, undefined, undefined, {
        ...insecure,
        ...more,
      })
    expect(await (await use({ DPoP })).json()).toMatchObject({ username: 'member' })
    const thief = oauth.DPoP({}, await oauth.generateKeyPair('ES256'))
    await use({ DPoP: thief }).catch(() => undefined)
    await expect(use({ DPoP: thief })).rejects.toMatchObject({ status: 401 })
    expect(
      (await fetch(target, { headers: { Authorization: `Bearer ${tokens.access_token}` } })).status,
    ).toBe(401)
    const refreshed = await oauth.processRefreshTokenResponse(
      found,
      client,
      await oauth.refreshTokenGrantRequest(found, client, auth(), tokens.refresh_token ?? '', {
        ...insecure,
        DPoP,
      }),
    )
    expect(refreshed.token_type).toBe('dpop')
  })
})

async function tokensOf(answer: Response): Promise<{ access_token: string; refresh_token: string }> {
  const body: unknown = await answer.json()
  return body as { access_token: string; refresh_token: string }
}
