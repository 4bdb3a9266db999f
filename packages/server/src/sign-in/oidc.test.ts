import { createHash } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getAuthMethods, getUser, listAuditLogs } from '@slipway/contract'
import {
  CookieBrowser,
  type IdentityProvider,
  OidcDeployment,
  type TestServer,
  type Visited,
} from '@slipway/testkit'

const CALLBACK = '/api/v2/users/oidc/callback'
const me = { params: { user: 'me' } }

let deployment: OidcDeployment
let idp: IdentityProvider
let server: TestServer
let owner: Client

beforeAll(async () => {
  deployment = await OidcDeployment.start({
    CODER_OIDC_SIGN_IN_TEXT: 'Corporate',
    CODER_OIDC_ICON_URL: '/icon/corp.svg',
  })
  ;({ idp, server, owner } = deployment)
})
afterAll(() => deployment[Symbol.asyncDispose]())
beforeEach(() => {
  idp.tamper = (answer) => answer
  idp.staged = undefined
})

const isPage = (url: URL): boolean => url.origin === server.url && url.pathname !== CALLBACK
const signIn = (browser?: CookieBrowser, query?: string): Promise<Visited> =>
  deployment.signIn(browser, query)
const stranger = () => deployment.stranger()
const arrive = (claims: Record<string, unknown> = {}) => deployment.arrive(claims)
const clientOf = (browser: CookieBrowser): Client => browser.client(server.url)

describe('ID-152…ID-166: signing in', () => {
  it('ID-163, ID-166: makes an active account with a session and goes on to a local path', async () => {
    const person = stranger()
    idp.person(person.subject, person.claims)
    const browser = new CookieBrowser()
    const end = await signIn(browser, '?redirect=%2Ftemplates%3Fa%3D1')
    expect(end).toMatchObject({ status: 307, location: `${server.url}/templates?a=1` })
    expect(end.headers.getSetCookie().find((cookie) => cookie.startsWith('coder_session_token='))).toMatch(
      /; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/,
    )
    const user = await clientOf(browser).call(getUser, me)
    expect(user).toMatchObject({
      ...{ username: person.claims.preferred_username, email: person.claims.email, name: person.claims.name },
      ...{ avatar_url: 'https://corp.example/picture.png', status: 'active', login_type: 'oidc', roles: [] },
    })
    expect(user.organization_ids).toHaveLength(1)
    // The flow leaves nothing behind.
    for (const name of ['oauth_state', 'oauth_redirect', 'oauth_pkce_verifier'])
      expect(browser.cookie(server.url, name)).toBeUndefined()
  })

  it('ID-152, ID-154: the start keeps its secrets in cookies and asks with state, nonce and S256', async () => {
    const browser = new CookieBrowser()
    const start = await browser.visit(`${server.url}${CALLBACK}`)
    expect(start.status).toBe(307)
    const asked = new URL(start.location)
    const query = Object.fromEntries(asked.searchParams)
    expect(`${asked.origin}${asked.pathname}`).toBe(`${idp.issuer}/auth`)
    expect(query).toMatchObject({
      ...{
        access_type: 'offline',
        client_id: 'slipway',
        response_type: 'code',
        scope: 'openid profile email',
      },
      ...{ redirect_uri: `${server.url}${CALLBACK}`, code_challenge_method: 'S256' },
    })
    expect(query.state).toMatch(/^[0-9a-f]{32}$/)
    expect(browser.cookie(server.url, 'oauth_state')).toBe(query.state)
    expect(query.nonce).not.toBe(query.state)
    const verifier = browser.cookie(server.url, 'oauth_pkce_verifier') ?? ''
    expect(createHash('sha256').update(verifier).digest('base64url')).toBe(query.code_challenge)
    for (const cookie of start.headers.getSetCookie())
      expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(start.location).not.toContain(verifier)
  })

  it('ID-152: a redirect of an earlier try does not apply', async () => {
    const person = stranger()
    idp.person(person.subject, person.claims)
    const browser = new CookieBrowser()
    await browser.visit(`${server.url}${CALLBACK}?redirect=/templates`)
    expect((await signIn(browser)).location).toBe(`${server.url}/`)
  })

  it('ID-153: a callback needs the state and the verifier of this very browser', async () => {
    const callback = `${server.url}${CALLBACK}?code=abc`
    const json = { headers: { Accept: 'application/json' } }
    const refused = async (browser: CookieBrowser, query: string) => {
      const { status, text } = await browser.visit(`${callback}${query}`, json)
      return { status, message: JSON.parse(text).message }
    }
    const browser = new CookieBrowser()
    expect(await refused(browser, '')).toEqual({ status: 400, message: 'State must be provided.' })
    expect(await refused(browser, '&state=x')).toEqual({
      status: 401,
      message: 'Cookie "oauth_state" must be provided.',
    })
    await browser.visit(`${server.url}${CALLBACK}`)
    expect(await refused(browser, '&state=foreign')).toEqual({ status: 401, message: 'State mismatched.' })
    const state = browser.cookie(server.url, 'oauth_state') ?? ''
    browser.setCookie(server.url, 'oauth_pkce_verifier', '')
    expect(await refused(browser, `&state=${state}`)).toEqual({
      status: 400,
      message: 'PKCE challenge must be provided.',
    })
    browser.setCookie(server.url, 'oauth_pkce_verifier', 'another-one')
    expect(await refused(browser, `&state=${state}`)).toEqual({
      status: 500,
      message: 'Failed exchanging Oauth code.',
    })
  })

  it('ID-153: an answer is good once', async () => {
    const person = stranger()
    idp.person(person.subject, person.claims)
    const browser = new CookieBrowser()
    let back = ''
    await browser.follow(`${server.url}${CALLBACK}`, (url) => {
      if (url.searchParams.has('code')) back = url.href
      return isPage(url)
    })
    expect((await browser.visit(back)).status).toBe(401)
    expect((await new CookieBrowser().visit(back)).status).toBe(401)
  })

  it('ID-151: what the provider says when it refuses', async () => {
    idp.visitor = undefined
    const browser = new CookieBrowser()
    const page = await signIn(browser)
    expect(page).toMatchObject({ status: 400 })
    expect(page.text).toContain('Encountered error in oidc process: access_denied')
    expect(page.text).toContain('The person said no.')
    const html = await browser.visit(
      `${server.url}${CALLBACK}?error=%3Cscript%3E&error_uri=https://idp.example/why`,
    )
    expect(html.text).not.toMatch(/<script/)
    expect(html.headers.get('content-security-policy')).toContain("default-src 'none'")
    const json = await browser.visit(`${server.url}${CALLBACK}?error=x&error_uri=https://idp.example/why`, {
      headers: { Accept: '*/*' },
    })
    expect(JSON.parse(json.text)).toEqual({
      message: 'Encountered error in oidc process: x',
      detail: 'error_uri: https://idp.example/why',
    })
  })

  it('ID-97, ID-155: whatever is asked for, the way back stays here', async () => {
    for (const [asked, target] of [
      ['//evil.example/x', '/evil.example/x'],
      ['https://evil.example/x?y#z', '/x?y#z'],
      ['javascript:alert(1)', '/'],
      ['/\\evil.example', '/evil.example'],
    ] as const) {
      const person = stranger()
      idp.person(person.subject, person.claims)
      const end = await signIn(new CookieBrowser(), `?redirect=${encodeURIComponent(asked)}`)
      expect(end.location).toBe(`${server.url}${target}`)
    }
    // A page of another host below ours may have written the cookie.
    const person = stranger()
    idp.person(person.subject, person.claims)
    const browser = new CookieBrowser()
    const start = await browser.visit(`${server.url}${CALLBACK}`)
    browser.setCookie(server.url, 'oauth_redirect', encodeURIComponent('https://evil.example/x'))
    expect((await browser.follow(start.location, isPage)).location).toBe(`${server.url}/x`)
  })

  it('sends people back to the access URL, whatever host they claim to have come by', async () => {
    const browser = new CookieBrowser()
    const { location } = await browser.visit(`${server.url}${CALLBACK}`, {
      headers: { 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' },
    })
    expect(new URL(location).searchParams.get('redirect_uri')).toBe(`${server.url}${CALLBACK}`)
  })

  it('gives a new session, whatever cookie the browser had', async () => {
    const person = stranger()
    idp.person(person.subject, person.claims)
    const browser = new CookieBrowser()
    const fixed = (owner.headers['Coder-Session-Token'] ?? '').toString()
    browser.setCookie(server.url, 'coder_session_token', fixed)
    await signIn(browser)
    expect(browser.cookie(server.url, 'coder_session_token')).not.toBe(fixed)
    expect((await clientOf(browser).call(getUser, me)).email).toBe(person.claims.email)
    expect((await owner.call(getUser, me)).username).toBe('owner')
  })

  it('ID-166: a first sign-in is recorded as a registration, later ones as sign-ins', async () => {
    const { browser, claims } = await arrive()
    await signIn(browser)
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: `username:${claims.preferred_username}` },
    })
    expect(entries.map(({ action, status_code: status }) => [action, status])).toEqual([
      ['login', 307],
      ['register', 307],
    ])
  })

  it('ID-165: name, picture and address follow the provider, the username never does', async () => {
    const { subject, claims, browser } = await arrive()
    idp.person(subject, {
      ...claims,
      ...{
        name: 'New Name',
        email: `new-${claims.email}`,
        preferred_username: 'renamed',
        picture: 'javascript:x',
      },
    })
    await signIn()
    expect(await clientOf(browser).call(getUser, me)).toMatchObject({
      ...{
        username: claims.preferred_username,
        name: 'New Name',
        email: `new-${claims.email}`,
        avatar_url: '',
      },
    })
  })

  it('ID-165: an address that another account has is not taken over', async () => {
    const other = await arrive()
    const { subject, claims } = await arrive()
    idp.person(subject, { ...claims, email: String(other.claims.email).toUpperCase() })
    const end = await signIn()
    expect(end.status).toBe(409)
  })

  it('ID-163: a taken name gets another one', async () => {
    const { browser } = await arrive({ preferred_username: 'owner' })
    expect((await clientOf(browser).call(getUser, me)).username).toMatch(/^owner-\d+$/)
  })

  it('ID-13: the sign-in page learns of it', async () => {
    expect(await server.anonymous.call(getAuthMethods)).toMatchObject({
      oidc: { enabled: true, signInText: 'Corporate', iconUrl: '/icon/corp.svg' },
      github: { enabled: false, default_provider_configured: false },
      providers: [{ id: 'oidc', kind: 'oidc', display_name: 'Corporate', url: CALLBACK, email_domains: [] }],
    })
  })
})
