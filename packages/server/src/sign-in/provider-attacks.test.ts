import { createHash } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createIdentityProvider } from '@slipway/contract'
import {
  CookieBrowser,
  IDP_CLIENT,
  IdentityProvider,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'

const CALLBACK = '/api/v2/users/oidc/callback'
const callbackOf = (id: string): string => `/api/v2/users/oidc/${id}/callback`

let idp: IdentityProvider
let other: IdentityProvider
let server: TestServer

beforeAll(async () => {
  idp = await IdentityProvider.start()
  other = await IdentityProvider.start()
  server = await startTestServer({
    env: { ...idp.env(), CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
  })
  const owner = await server.owner()
  for (const [id, enabled] of [
    ['partner', true],
    ['draft', false],
  ] as const) {
    other.allowRedirect(`${server.url}${callbackOf(id)}`)
    const oidc = { issuer_url: other.issuer, client_id: IDP_CLIENT.id }
    const body = { id, kind: 'oidc', enabled, client_secret: IDP_CLIENT.secret, oidc } as const
    await owner.call(createIdentityProvider, { body })
  }
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  for (const each of [idp, other]) await each[Symbol.asyncDispose]()
})

describe('L-28: of several providers', () => {
  it('RFC 9700: one that has seen the state of its own flow cannot have it ended at another one', async () => {
    const browser = new CookieBrowser()
    await browser.visit(`${server.url}${callbackOf('partner')}`)
    const state = browser.cookie(server.url, 'oauth_state') ?? ''
    const answer = await browser.visit(`${server.url}${CALLBACK}?code=of-an-attacker&state=${state}`)
    expect(answer.status).toBe(401)
    expect(answer.text).toContain('State mismatched.')
  })

  it.each([
    ['test-0', ''],
    ['made-up', '&test=00000000-0000-4000-8000-000000000000'],
  ])('a disabled one lets nobody in, whatever cookies a browser makes up: %s%s', async (state, query) => {
    other.person('sneaky', { email: 'sneaky@example.com', email_verified: true })
    const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')
    const browser = new CookieBrowser()
    const asked = new URLSearchParams({
      ...{ client_id: IDP_CLIENT.id, redirect_uri: `${server.url}${callbackOf('draft')}`, state },
      ...{ response_type: 'code', scope: 'openid profile email', nonce: sha256(`nonce ${state}`) },
      ...{ code_challenge: sha256('verifier'.repeat(8)), code_challenge_method: 'S256' },
    })
    const back = await browser.follow(`${other.issuer}/auth?${asked}`, (url) => url.searchParams.has('code'))
    browser.setCookie(server.url, 'oauth_state', state)
    browser.setCookie(server.url, 'oauth_pkce_verifier', 'verifier'.repeat(8))
    const end = await browser.visit(`${back.location}${query}`)
    expect(end.status).toBe(400)
    expect(end.text).toContain('not configured')
    expect(browser.cookie(server.url, 'coder_session_token')).toBeUndefined()
  })
})

it('ID-220: who has begun nothing here makes nobody ask the provider', async () => {
  await using late = await IdentityProvider.start()
  const owner = await server.owner()
  const oidc = { issuer_url: late.issuer, client_id: IDP_CLIENT.id }
  const body = { id: 'late', kind: 'oidc', enabled: true, client_secret: IDP_CLIENT.secret, oidc } as const
  await owner.call(createIdentityProvider, { body })
  const asked = (): number => late.count('/.well-known/openid-configuration')
  for (const query of [
    `code=x&state=y&iss=${encodeURIComponent(late.issuer)}`,
    'code=x&state=y',
    `code=x&iss=${encodeURIComponent('https://elsewhere.example')}`,
    `error=access_denied&state=y&iss=${encodeURIComponent(late.issuer)}`,
    'error=access_denied',
  ]) {
    const answer = await new CookieBrowser().visit(`${server.url}${callbackOf('late')}?${query}`)
    expect([query, answer.status >= 400 && answer.status < 500]).toEqual([query, true])
  }
  expect(asked()).toBe(0)
  await new CookieBrowser().visit(`${server.url}${callbackOf('late')}`)
  expect(asked()).toBe(1)
})
