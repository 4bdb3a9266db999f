import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createToken, getUser, listAuditLogs, listSessions, logout } from '@slipway/contract'
import {
  CookieBrowser,
  type IdentityProvider,
  OidcDeployment,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'

const LOGOUT = '/api/v2/users/oidc/backchannel-logout'
const me = { params: { user: 'me' } }

let deployment: OidcDeployment
let idp: IdentityProvider
let server: TestServer

beforeAll(async () => {
  deployment = await OidcDeployment.start()
  ;({ idp, server } = deployment)
  idp.tellLogouts(`${server.url}${LOGOUT}`)
})
afterAll(() => deployment[Symbol.asyncDispose]())

/** Whether a session still holds. */
async function holds(client: Client): Promise<boolean> {
  try {
    await client.call(getUser, me)
    return true
  } catch (error) {
    expect(error).toMatchObject({ status: 401 })
    return false
  }
}

/** Ends the session at the provider like somebody who signs out there. */
async function signOutAtProvider(browser: CookieBrowser): Promise<void> {
  const page = await browser.visit(`${idp.issuer}/session/end`)
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const end = await browser.visit(`${idp.issuer}/session/end/confirm`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
  })
  expect(end.status).toBe(303)
}

function send(token: string | undefined, path = LOGOUT): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(token === undefined ? {} : { logout_token: token }),
  })
}

it('ID-34: without the setting a sign-out stays here', async () => {
  const person = await deployment.arrive()
  expect(await person.client.call(logout)).toEqual({ message: 'Logged out!' })
  expect(await holds(person.client)).toBe(false)
})

describe('ID-220: back-channel logout', () => {
  it('who signs out at the provider is signed out here, in that browser alone', async () => {
    const person = await deployment.arrive()
    const other = new CookieBrowser()
    await deployment.signIn(other)
    const second = other.client(server.url)
    const { key } = await person.client.call(createToken, { ...me, body: { token_name: 'script' } })
    const script = new Client({ url: server.url, token: key })
    await signOutAtProvider(person.browser)
    expect(await holds(person.client)).toBe(false)
    expect(await holds(second)).toBe(true)
    expect(await holds(script)).toBe(true)
    const { audit_logs: entries } = await deployment.owner.call(listAuditLogs, {
      query: { q: `action:logout username:${String(person.claims.preferred_username)}` },
    })
    expect(entries).toHaveLength(1)
    expect(entries[0]?.additional_fields).toMatchObject({ backchannel_logout: 'oidc' })
  })

  it('a token about a subject ends all its sessions and no token', async () => {
    const person = await deployment.arrive()
    const other = new CookieBrowser()
    await deployment.signIn(other)
    const second = other.client(server.url)
    const { key } = await second.call(createToken, { ...me, body: { token_name: 'script' } })
    const stranger = await deployment.arrive()
    const answer = await send(await idp.logoutToken({ sub: person.subject }))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await holds(person.client)).toBe(false)
    expect(await holds(second)).toBe(false)
    expect(await holds(stranger.client)).toBe(true)
    const script = new Client({ url: server.url, token: key })
    expect(await script.call(listSessions, me)).toEqual([])
  })

  it('a token that names the session of somebody else ends nothing', async () => {
    const person = await deployment.arrive()
    const other = await deployment.arrive()
    const sid = await sidOf(person.client)
    expect((await send(await idp.logoutToken({ sub: other.subject, sid }))).status).toBe(200)
    expect(await holds(person.client)).toBe(true)
    expect(await holds(other.client)).toBe(true)
    expect((await send(await idp.logoutToken({ sub: undefined, sid }))).status).toBe(200)
    expect(await holds(person.client)).toBe(false)
    // That nobody has the session any more is what was asked for.
    expect((await send(await idp.logoutToken({ sid }))).status).toBe(200)
  })

  it('a session of which no name is known ends with the first of its owner', async () => {
    const person = await deployment.arrive()
    const [session] = await person.client.call(listSessions, me)
    await deployment.database.db
      .deleteFrom('oidc_sessions')
      .where('key_id', '=', session?.id ?? '')
      .execute()
    expect((await send(await idp.logoutToken({ sub: person.subject, sid: randomUUID() }))).status).toBe(200)
    expect(await holds(person.client)).toBe(false)
  })

  it('a token counts once, also when it comes twice at the same time', async () => {
    const person = await deployment.arrive()
    const token = await idp.logoutToken({ sub: person.subject })
    const answers = await Promise.all([send(token), send(token), send(token)])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400])
    await deployment.signIn(person.browser)
    const again = await send(token)
    expect(again.status).toBe(400)
    expect(await again.json()).toMatchObject({
      error: 'invalid_request',
      error_description: expect.stringContaining('has been used'),
    })
    expect(await holds(person.browser.client(server.url))).toBe(true)
  })

  it('tokens that do not hold are refused, and end nothing', async () => {
    const person = await deployment.arrive()
    const sub = person.subject
    const now = Math.floor(Date.now() / 1000)
    const refused: Record<string, string | undefined> = {
      'none at all': undefined,
      'no JWT': 'x',
      'another issuer': await idp.logoutToken({ sub, iss: 'https://elsewhere.example' }),
      'another audience': await idp.logoutToken({ sub, aud: 'somebody else' }),
      'one that is over': await idp.logoutToken({ sub, exp: now - 120 }),
      'one without an end': await idp.logoutToken({ sub, exp: undefined }),
      'one of yesterday': await idp.logoutToken({ sub, iat: now - 90_000, exp: now + 120 }),
      'one of tomorrow': await idp.logoutToken({ sub, iat: now + 600, exp: now + 1200 }),
      'one without a name': await idp.logoutToken({ sub, jti: undefined }),
      'no event': await idp.logoutToken({ sub, events: undefined }),
      'another event': await idp.logoutToken({ sub, events: { 'https://example.com/event': {} } }),
      'an event that is no object': await idp.logoutToken({
        sub,
        events: { 'http://schemas.openid.net/event/backchannel-logout': 'yes' },
      }),
      'a nonce': await idp.logoutToken({ sub, nonce: 'n' }),
      nobody: await idp.logoutToken({}),
      'an access token': await idp.logoutToken({ sub }, { typ: 'at+jwt' }),
    }
    for (const [what, token] of Object.entries(refused)) {
      const answer = await send(token)
      expect([what, answer.status]).toEqual([what, 400])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
    }
    const good = await idp.logoutToken({ sub })
    const [head = '', body = ''] = good.split('.')
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
    const forged = `${head}.${body}.${Buffer.alloc(256, 7).toString('base64url')}`
    for (const token of [unsigned, forged]) expect((await send(token)).status).toBe(400)
    expect((await send(good, '/api/v2/users/oidc/nobody/backchannel-logout')).status).toBe(400)
    expect(await holds(person.client)).toBe(true)
  })

  it('what is obviously not of the issuer does not make the server ask it', async () => {
    await using down = await startTestServer({
      env: { ...idp.env({ CODER_OIDC_ISSUER_URL: 'http://127.0.0.1:1' }) },
    })
    const body = new URLSearchParams({ logout_token: await idp.logoutToken({ sub: 'x' }) })
    expect((await fetch(`${down.url}${LOGOUT}`, { method: 'POST', body })).status).toBe(400)
  })
})

async function sidOf(client: Client): Promise<string> {
  const [session] = await client.call(listSessions, me)
  const { sid } = await deployment.database.db
    .selectFrom('oidc_sessions')
    .select('sid')
    .where('key_id', '=', session?.id ?? '')
    .executeTakeFirstOrThrow()
  return sid ?? ''
}
