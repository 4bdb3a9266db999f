import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { convertLogin, getLoginType, getUser, listAuditLogs, login } from '@slipway/contract'
import {
  CookieBrowser,
  IdentityProvider,
  openDatabase,
  PASSWORD,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'

const CALLBACK = '/api/v2/users/oidc/callback'
const COOKIE = 'coder_oauth_convert_jwt'
const me = { params: { user: 'me' } }

let idp: IdentityProvider
let server: TestServer
let owner: Client
beforeAll(async () => {
  idp = await IdentityProvider.start()
  server = await startTestServer({
    env: { ...idp.env(), CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
  })
  idp.allowRedirect(`${server.url}${CALLBACK}`)
  owner = await server.owner()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await idp[Symbol.asyncDispose]()
})

/** Begins a conversion in a browser; its state. */
async function begin(name: string, browser: CookieBrowser): Promise<{ client: Client; state: string }> {
  const client = await server.user(name)
  const token = String(client.headers['Coder-Session-Token'])
  browser.setCookie(server.url, 'coder_session_token', token)
  const answer = await browser.visit(`${server.url}/api/v2/users/me/convert-login`, {
    method: 'POST',
    headers: { 'Coder-Session-Token': token },
    body: JSON.stringify({ to_type: 'oidc', password: PASSWORD }),
  })
  expect(answer.status).toBe(201)
  expect(answer.headers.getSetCookie().join()).toMatch(
    new RegExp(`^${COOKIE}=[^;]+; Path=/; Max-Age=300; HttpOnly; SameSite=Lax$`),
  )
  const made: { state_string: string; to_type: string } = JSON.parse(answer.text)
  expect(made.state_string).toMatch(/^convert-[0-9a-f]{32}$/)
  return { client, state: made.state_string }
}

function person(name: string, claims: object = {}): void {
  idp.person(`subject of ${name}`, {
    ...{ email: `${name}@example.com`, email_verified: true, preferred_username: name },
    ...claims,
  })
}

/** What the audit log has of the conversions of a user. */
async function recorded(username: string): Promise<string[]> {
  const { audit_logs: entries } = await owner.call(listAuditLogs, {
    query: { q: `resource_type:convert_login username:${username}` },
  })
  return entries.map(({ action, status_code: status }) => `${action} ${status}`).toSorted()
}

const goOn = (browser: CookieBrowser, state: string) =>
  browser.signIn(server.url, CALLBACK, `?oidc_merge_state=${state}&redirect=/settings`)

describe('ID-176: beginning', () => {
  it('row 49: needs the password', async () => {
    const client = await server.user('wrong')
    const asked = (body: { to_type: 'oidc' | 'github' | 'none'; password: string }) =>
      client.call(convertLogin, { ...me, body })
    await expect(asked({ to_type: 'oidc', password: 'wrong' })).rejects.toMatchObject({ status: 401 })
    for (const type of ['none', 'github'] as const)
      await expect(asked({ to_type: type, password: PASSWORD })).rejects.toMatchObject({ status: 400 })
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:convert_login username:wrong' },
    })
    expect(entries.map(({ status_code: status }) => status).toSorted()).toEqual([400, 400, 401])
  })

  it('is nobody else’s to do', async () => {
    const { id } = await (await server.user('victim')).call(getUser, me)
    const body = { to_type: 'oidc' as const, password: PASSWORD }
    await expect(owner.call(convertLogin, { params: { user: id }, body })).rejects.toMatchObject({
      status: 403,
    })
    await expect(
      (await server.user('other')).call(convertLogin, { params: { user: id }, body }),
    ).rejects.toMatchObject({ status: 404 })
  })
})

describe('ID-177: coming back', () => {
  it('row 49: the account signs in at the provider, the password and the session are gone', async () => {
    const browser = new CookieBrowser()
    const { client, state } = await begin('kim', browser)
    const { id } = await client.call(getUser, me)
    person('kim', { preferred_username: 'another-name' })
    const end = await goOn(browser, state)
    expect(end.status).toBe(307)
    const target = new URL(end.location, server.url)
    expect(target.pathname).toBe('/login')
    expect(target.searchParams.get('redirect')).toBe('/settings')
    for (const name of [COOKIE, 'coder_session_token'])
      expect(browser.cookie(server.url, name)).toBeUndefined()
    await expect(client.call(getUser, me)).rejects.toMatchObject({ status: 401 })
    const body = { email: 'kim@example.com', password: PASSWORD }
    await expect(server.anonymous.call(login, { body })).rejects.toMatchObject({ status: 401 })
    expect((await browser.signIn(server.url)).status).toBe(307)
    const converted = browser.client(server.url)
    expect(await converted.call(getUser, me)).toMatchObject({ id, username: 'kim', login_type: 'oidc' })
    expect(await converted.call(getLoginType, me)).toEqual({ login_type: 'oidc' })
    expect(await recorded('kim')).toEqual(['create 201', 'write 307'])
  })

  it('row 49: the address must be that of an account, of the very one', async () => {
    const browser = new CookieBrowser()
    const { state, client } = await begin('lee', browser)
    person('unknown')
    expect((await goOn(browser, state)).status).toBe(400)
    expect(browser.cookie(server.url, COOKIE)).toBeUndefined()
    expect((await client.call(getUser, me)).login_type).toBe('password')
    expect(await recorded('lee')).toEqual(['create 201', 'write 400'])

    const again = new CookieBrowser()
    const second = await begin('lee2', again)
    await server.user('mallory-target')
    person('mallory-target')
    expect((await goOn(again, second.state)).status).toBe(403)
    const body = { email: 'mallory-target@example.com', password: PASSWORD }
    await expect(server.anonymous.call(login, { body })).resolves.toBeDefined()
  })

  it('an attempt whose cookie is gone by then is recorded, too', async () => {
    const browser = new CookieBrowser()
    const { state } = await begin('gone', browser)
    person('gone')
    const start = `${server.url}${CALLBACK}?oidc_merge_state=${state}`
    const back = await browser.follow(start, (url) => url.searchParams.has('code'))
    browser.setCookie(server.url, COOKIE, '')
    expect((await browser.visit(back.location)).status).toBe(400)
    expect(await recorded('gone')).toEqual(['create 201', 'write 400'])
  })

  it('the cookie is forgotten when the provider refuses', async () => {
    const browser = new CookieBrowser()
    const { state } = await begin('refused', browser)
    idp.visitor = undefined
    expect((await goOn(browser, state)).status).toBe(400)
    expect(browser.cookie(server.url, COOKIE)).toBeUndefined()
  })

  it('the identity must be free', async () => {
    person('first')
    const first = new CookieBrowser()
    expect((await first.signIn(server.url)).status).toBe(307)
    const browser = new CookieBrowser()
    const { state } = await begin('greedy', browser)
    person('first', { email: 'greedy@example.com' })
    expect((await goOn(browser, state)).status).toBe(403)
  })

  it('the cookie must be there, of this deployment, of this state and in time', async () => {
    const browser = new CookieBrowser()
    const { state, client } = await begin('max', browser)
    const { id } = await client.call(getUser, me)
    person('max')
    const good = browser.cookie(server.url, COOKIE) ?? ''
    const tryWith = async (cookie: string, asked = state) => {
      const visitor = new CookieBrowser()
      visitor.setCookie(server.url, COOKIE, cookie)
      return (await goOn(visitor, asked)).status
    }
    expect(await tryWith('')).toBe(400)
    expect(await tryWith(good, 'convert-00000000000000000000000000000000')).toBe(403)
    expect(await tryWith(good, 'not-even-one')).toBe(403)
    const forged = await new SignJWT({ from_login_type: 'password', to_login_type: 'oidc' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('another deployment')
      .setSubject(state)
      .setAudience(id)
      .setExpirationTime('5m')
      .sign(new Uint8Array(32))
    expect(await tryWith(forged)).toBe(400)
    await using database = await openDatabase(server.databaseUrl)
    const { secret } = await database.db
      .selectFrom('crypto_keys')
      .select('secret')
      .where('feature', '=', 'oauth_convert')
      .executeTakeFirstOrThrow()
    const sign = (claims: { iss?: string; aud?: string; from?: string; to?: string; exp?: string }) =>
      new SignJWT({ from_login_type: claims.from ?? 'password', to_login_type: claims.to ?? 'oidc' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(claims.iss ?? 'another deployment')
        .setSubject(state)
        .setAudience(claims.aud ?? id)
        .setExpirationTime(claims.exp ?? '5m')
        .sign(secret ?? new Uint8Array())
    expect(await tryWith(await sign({}))).toBe(403)
    expect(await tryWith(await sign({ to: 'github' }))).toBe(403)
    expect(await tryWith(await sign({ exp: '1s ago' }))).toBe(400)
    expect(await tryWith(good)).toBe(307)
  })

  it('a sign-in that was begun as such does not end as a conversion', async () => {
    const browser = new CookieBrowser()
    const { client, state } = await begin('pat', browser)
    person('pat', { email: 'pat@example.com' })
    const start = await browser.visit(`${server.url}${CALLBACK}`)
    const at = await browser.follow(start.location, (url) => url.searchParams.has('code'))
    const end = await browser.visit(`${at.location}&oidc_merge_state=${state}`)
    expect(end.status).toBe(403)
    expect(end.text).toContain('Incorrect login type')
    expect((await client.call(getUser, me)).login_type).toBe('password')
  })

  it('nobody is led into a state that another one knows', async () => {
    const attacker = new CookieBrowser()
    const { state } = await begin('attacker', attacker)
    const victim = new CookieBrowser()
    const start = await victim.visit(`${server.url}${CALLBACK}?oidc_merge_state=${state}`)
    expect(start.status).toBe(400)
    expect(victim.cookie(server.url, 'oauth_state')).toBeUndefined()
  })
})
