import { createHmac } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getOidcClaims } from '@slipway/contract'
import {
  CookieBrowser,
  IDP_CLIENT,
  type IdentityProvider,
  OidcDeployment,
  type TestServer,
  type Visited,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const CALLBACK = '/api/v2/users/oidc/callback'

let deployment: OidcDeployment
let idp: IdentityProvider
let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  deployment = await OidcDeployment.start({
    CODER_OIDC_SIGN_IN_TEXT: 'Corporate',
    CODER_OIDC_ICON_URL: '/icon/corp.svg',
  })
  ;({ idp, server, database, owner } = deployment)
})
afterAll(() => deployment[Symbol.asyncDispose]())
beforeEach(() => {
  idp.tamper = (answer) => answer
  idp.staged = undefined
})

const signIn = (browser?: CookieBrowser, query?: string): Promise<Visited> =>
  deployment.signIn(browser, query)
const stranger = () => deployment.stranger()
const clientOf = (browser: CookieBrowser): Client => browser.client(server.url)

describe('ID-158…ID-160: what an ID token must be', () => {
  const refusal = async (tamper: IdentityProvider['tamper']) => {
    const person = stranger()
    idp.person(person.subject, person.claims)
    idp.tamper = tamper
    const { status, text } = await signIn()
    return { status, text }
  }
  const part = (token: unknown, index: number) => String(token).split('.')[index] ?? ''
  const changed = (token: unknown, claims: object) => {
    const payload = { ...JSON.parse(Buffer.from(part(token, 1), 'base64url').toString()), ...claims }
    return Buffer.from(JSON.stringify(payload)).toString('base64url')
  }

  it('ID-159: there', async () => {
    const { status, text } = await refusal(({ id_token: _, ...answer }) => answer)
    expect(status).toBe(400)
    expect(text).toContain('No id_token in response payload')
  })

  it.each([
    [
      'signed',
      (token: unknown) =>
        `${part(token, 0)}.${changed(token, { email: 'x@evil.example' })}.${part(token, 2)}`,
    ],
    [
      'signed at all',
      (token: unknown) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${part(token, 1)}.`,
    ],
    [
      'signed by the issuer and not with the secret of the client',
      (token: unknown) => {
        const input = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${part(token, 1)}`
        return `${input}.${createHmac('sha256', IDP_CLIENT.secret).update(input).digest('base64url')}`
      },
    ],
    ['a token', () => 'not.a.token'],
  ])('ID-159: %s', async (_what, forge) => {
    const { status, text } = await refusal((answer) => ({ ...answer, id_token: forge(answer.id_token) }))
    expect({ status, verified: !text.includes('Failed to verify OIDC token.') }).toEqual({
      status: 400,
      verified: false,
    })
  })

  it.each([
    ['of this sign-in', { nonce: 'another' }],
    ['for this client', { aud: 'another' }],
    ['of this issuer', { iss: 'https://evil.example' }],
    ['in time', { exp: Math.floor(Date.now() / 1000) - 120 }],
    ['in time, not before it', { nbf: Math.floor(Date.now() / 1000) + 120 }],
    ['for this client among several', { aud: ['slipway', 'another'], azp: 'another' }],
  ])('ID-158: %s', async (_what, claims) => {
    const { status, text } = await refusal(async (answer) => ({
      ...answer,
      id_token: await idp.sign(answer.id_token, claims),
    }))
    expect(status).toBe(400)
    expect(text).toContain('Failed to verify OIDC token.')
  })

  it('ID-159: of somebody', async () => {
    const { status, text } = await refusal(async (answer) => ({
      ...answer,
      id_token: await idp.sign(answer.id_token, { sub: '' }),
    }))
    expect(status).toBe(400)
    expect(text).toContain('sub')
  })

  it('L-34: clocks may differ by a minute', async () => {
    const now = Math.floor(Date.now() / 1000)
    const { status } = await refusal(async (answer) => ({
      ...answer,
      id_token: await idp.sign(answer.id_token, { nbf: now + 45, iat: now + 45, exp: now - 45 }),
    }))
    expect(status).toBe(307)
  })

  it('ID-160, ID-22: userinfo wins over the ID token, and both are kept', async () => {
    const person = stranger()
    idp.person(person.subject, person.claims)
    idp.tamper = async (answer) => ({
      ...answer,
      id_token: await idp.sign(answer.id_token, { name: 'From the token', only_there: 1 }),
    })
    const browser = new CookieBrowser()
    await signIn(browser)
    const { claims } = await clientOf(browser).call(getOidcClaims)
    expect(claims).toMatchObject({ sub: person.subject, name: person.claims.name, only_there: 1 })
    const { claims: stored } = await database.db
      .selectFrom('user_links')
      .select('claims')
      .where('linked_id', '=', `${idp.issuer}||${person.subject}`)
      .executeTakeFirstOrThrow()
    expect(stored).toMatchObject({
      id_token_claims: { name: 'From the token' },
      user_info_claims: { name: person.claims.name },
      merged_claims: { name: person.claims.name },
    })
    await expect(owner.call(getOidcClaims)).rejects.toMatchObject({ status: 400 })
  })

  it('ID-160: a failing userinfo endpoint, or one that speaks of somebody else, ends the sign-in', async () => {
    const person = stranger()
    idp.person(person.subject, person.claims)
    for (const staged of [
      { status: 500, body: '{}' },
      { status: 200, body: JSON.stringify({ ...person.claims, sub: 'somebody else' }) },
    ]) {
      idp.staged = (path) => (path === '/me' ? staged : undefined)
      expect((await signIn()).status).toBe(500)
    }
  })

  it('RFC 9207: an answer of another issuer is refused', async () => {
    const browser = new CookieBrowser()
    await browser.visit(`${server.url}${CALLBACK}`)
    const state = browser.cookie(server.url, 'oauth_state') ?? ''
    const answer = await browser.visit(
      `${server.url}${CALLBACK}?code=x&state=${state}&iss=https://evil.example`,
    )
    expect(answer.status).toBe(400)
    expect(answer.text).toContain('another identity provider')
  })
})
