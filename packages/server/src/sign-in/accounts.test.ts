import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createUser, getUser, listAuditLogs, suspendUser } from '@slipway/contract'
import {
  CookieBrowser,
  type IdentityProvider,
  OidcDeployment,
  type TestServer,
  type Visited,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const me = { params: { user: 'me' } }

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
const stranger = (claims: Record<string, unknown> = {}) => deployment.stranger(claims)
const arrive = (claims: Record<string, unknown> = {}) => deployment.arrive(claims)
const clientOf = (browser: CookieBrowser): Client => browser.client(server.url)

describe('ID-161, ID-162: addresses', () => {
  it('row 43: one that is not verified is refused, on a page', async () => {
    for (const verified of [undefined, false, 'false', null, [], 0]) {
      const { end } = await arrive({ email_verified: verified })
      expect(end.status).toBe(403)
      expect(end.headers.get('content-type')).toContain('text/html')
      expect(end.text).toContain('Email not verified')
    }
    for (const verified of [true, 'true', 1])
      expect((await arrive({ email_verified: verified })).end.status).toBe(307)
  })

  it('ID-161: the username may hold it, and without any nobody gets in', async () => {
    const { browser, end } = await arrive({ email: undefined, preferred_username: 'upn.user@corp.example' })
    expect(end.status).toBe(307)
    expect(await clientOf(browser).call(getUser, me)).toMatchObject({
      email: 'upn.user@corp.example',
      username: 'upnuser',
    })
    const none = await arrive({ email: undefined })
    expect(none.end.status).toBe(400)
    expect(none.end.text).toContain('No email found in OIDC payload!')
  })
})

describe('ID-164, ID-168: whose account it is', () => {
  it('ID-164: an account that signs in with a password is told so', async () => {
    const { end } = await arrive({ email: 'owner@example.com' })
    expect(end.status).toBe(403)
    expect(end.text).toContain('Incorrect login type')
    expect(end.text).toContain('convert')
    expect((await owner.call(getUser, me)).login_type).toBe('password')
  })

  it('row 44: an address that another person got does not open the account of the first one', async () => {
    const first = await arrive()
    const before = await database.db.selectFrom('user_links').selectAll().orderBy('linked_id').execute()
    const { end } = await arrive({ email: first.claims.email })
    expect(end.status).toBe(403)
    expect(end.text).toContain('Account already linked')
    expect(end.headers.getSetCookie().join()).not.toContain('coder_session_token')
    expect(await database.db.selectFrom('user_links').selectAll().orderBy('linked_id').execute()).toEqual(
      before,
    )
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: `username:${first.claims.preferred_username}` },
    })
    expect(entries.map(({ action }) => action)).toEqual(['register'])
  })

  it('ID-168: of several people with one address one gets the account, also at the same time', async () => {
    const email = 'shared@corp.example'
    await owner.call(createUser, {
      body: {
        ...{ username: 'shared', email, login_type: 'oidc' },
        organization_ids: ['00000000-0000-0000-0000-000000000000'],
      },
    })
    const backs: [CookieBrowser, string][] = []
    for (let count = 0; count < 6; count += 1) {
      stranger({ email })
      const browser = new CookieBrowser()
      const start = `${server.url}/api/v2/users/oidc/callback`
      backs.push([browser, (await browser.follow(start, (url) => url.searchParams.has('code'))).location])
    }
    const ends = await Promise.all(backs.map(([browser, back]) => browser.visit(back)))
    expect(ends.map(({ status }) => status).toSorted()).toEqual([307, 403, 403, 403, 403, 403])
  })

  it('ID-168: a link without a key is filled at the next sign-in, by address', async () => {
    const { subject, claims } = await arrive()
    const linked = `${idp.issuer}||${subject}`
    await database.db
      .updateTable('user_links')
      .set({ linked_id: '' })
      .where('linked_id', '=', linked)
      .execute()
    idp.person(subject, { ...claims, email: String(claims.email).toUpperCase() })
    expect((await signIn()).status).toBe(307)
    const links = await database.db
      .selectFrom('user_links')
      .selectAll()
      .where('linked_id', '=', linked)
      .execute()
    expect(links).toHaveLength(1)
  })

  it('ID-9: a suspended account stays out, and nothing of the sign-in stays', async () => {
    const { subject, claims } = await arrive()
    const { id } = await owner.call(getUser, { params: { user: String(claims.preferred_username) } })
    await owner.call(suspendUser, { params: { user: id } })
    idp.person(subject, { ...claims, name: 'Changed Meanwhile' })
    const end = await signIn()
    expect(end.status).toBe(403)
    expect(end.text).toContain('Account suspended')
    expect((await owner.call(getUser, { params: { user: id } })).name).toBe(claims.name)
  })

  it('ID-10: a dormant account is active again, with one entry in the audit log', async () => {
    const { browser, claims } = await arrive()
    await database.db
      .updateTable('users')
      .set({ status: 'dormant' })
      .where('username', '=', String(claims.preferred_username))
      .execute()
    await signIn()
    expect((await clientOf(browser).call(getUser, me)).status).toBe('active')
    const { id } = await clientOf(browser).call(getUser, me)
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: `resource_id:${id} resource_type:user action:write` },
    })
    expect(entries.map(({ additional_fields: fields }) => fields)).toMatchObject([
      { automatic_actor: 'coder', automatic_subsystem: 'dormancy' },
    ])
  })

  it('two first sign-ins of one person at once make one account', async () => {
    const person = stranger()
    idp.person(person.subject, person.claims)
    const ends = await Promise.all(Array.from({ length: 4 }, () => signIn()))
    expect(ends.map(({ status }) => status)).toEqual([307, 307, 307, 307])
    const users = await database.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', String(person.claims.email))
      .execute()
    expect(users).toHaveLength(1)
  })
})
