import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createToken, getUser, issueOidcToken, listAuditLogs } from '@slipway/contract'
import {
  CookieBrowser,
  IdentityProvider,
  openDatabase,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const CALLBACK = '/api/v2/users/oidc/callback'
const me = { params: { user: 'me' } }

let idp: IdentityProvider
let server: TestServer
let database: Database
let owner: Client
let ahead = 0
const clock = { now: () => new Date(Date.now() + ahead) }

beforeAll(async () => {
  idp = await IdentityProvider.start()
  server = await startTestServer({
    clock,
    env: {
      ...idp.env({ CODER_OIDC_TOKEN_EXCHANGE: 'true' }),
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    },
  })
  idp.allowRedirect(`${server.url}${CALLBACK}`)
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await idp[Symbol.asyncDispose]()
})
beforeEach(() => {
  idp.staged = undefined
})

async function signedIn(name: string): Promise<{ client: Client; id: string }> {
  idp.person(name, { email: `${name}@corp.example`, email_verified: true, preferred_username: name })
  const browser = new CookieBrowser()
  expect((await browser.signIn(server.url)).status).toBe(307)
  const client = browser.client(server.url)
  return { client, id: (await client.call(getUser, me)).id }
}

/** Whom the provider takes the bearer of a token for. */
async function holder(token: string): Promise<unknown> {
  const answer = await fetch(`${idp.issuer}/me`, { headers: { Authorization: `Bearer ${token}` } })
  const claims: { readonly sub?: string } = JSON.parse(await answer.text())
  return claims.sub
}

describe('L-36: the token of the provider, for scripts', () => {
  it('is good at the provider, and each time is recorded', async () => {
    const { client, id } = await signedIn('kim')
    const { key } = await client.call(createToken, { ...me, body: { token_name: 'script' } })
    const script = new Client({ url: server.url, token: key })
    const token = await script.call(issueOidcToken, me)
    expect(await holder(token.access_token)).toBe('kim')
    expect(new Date(token.expires_at).getTime()).toBeGreaterThan(clock.now().getTime() + 60_000)
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: `resource_type:api_key resource_id:${id} action:create` },
    })
    expect(entries[0]).toMatchObject({
      ...{ status_code: 200, additional_fields: { kind: 'oidc_access_token' } },
      user: { username: 'kim' },
    })
    expect(JSON.stringify(entries)).not.toContain(token.access_token)
  })

  it('is renewed before it ends', async () => {
    const { client } = await signedIn('lee')
    const first = await client.call(issueOidcToken, me)
    expect((await client.call(issueOidcToken, me)).access_token).toBe(first.access_token)
    ahead += new Date(first.expires_at).getTime() - clock.now().getTime() - 30_000
    const second = await client.call(issueOidcToken, me)
    expect(second.access_token).not.toBe(first.access_token)
    expect(await holder(second.access_token)).toBe('lee')
  })

  it('a refusal and an outage of the provider sign nobody out', async () => {
    const { client } = await signedIn('max')
    ahead += new Date((await client.call(issueOidcToken, me)).expires_at).getTime() - clock.now().getTime()
    ahead -= 30_000
    for (const [status, body, expected] of [
      [400, '{"error":"invalid_grant"}', 409],
      [503, 'busy', 500],
    ] as const) {
      idp.staged = (path) => (path === '/token' ? { status, body } : undefined)
      await expect(client.call(issueOidcToken, me)).rejects.toMatchObject({ status: expected })
    }
    expect((await client.call(getUser, me)).username).toBe('max')
  })

  it('one that never ends is not handed out', async () => {
    const { client, id } = await signedIn('endless')
    await database.db
      .updateTable('user_links')
      .set({ oauth_expiry: null })
      .where('user_id', '=', id)
      .execute()
    await expect(client.call(issueOidcToken, me)).rejects.toMatchObject({ status: 409 })
  })

  it('is for its owner alone', async () => {
    const { client, id } = await signedIn('pat')
    await expect(owner.call(issueOidcToken, { params: { user: id } })).rejects.toMatchObject({ status: 403 })
    await expect(owner.call(issueOidcToken, me)).rejects.toMatchObject({ status: 400 })
    const other = (await signedIn('other')).client
    await expect(other.call(issueOidcToken, { params: { user: id } })).rejects.toMatchObject({ status: 404 })
    const body = { token_name: 'narrow', scopes: ['user:read'] }
    const { key } = await client.call(createToken, { ...me, body })
    await expect(new Client({ url: server.url, token: key }).call(issueOidcToken, me)).rejects.toMatchObject({
      status: 403,
    })
  })

  it('is handed out only where the operator allows it', async () => {
    await using closed = await startTestServer({
      clock,
      databaseUrl: server.databaseUrl,
      env: idp.env(),
    })
    const { client } = await signedIn('closed')
    await expect(
      new Client({ url: closed.url, token: String(client.headers['Coder-Session-Token']) }).call(
        issueOidcToken,
        me,
      ),
    ).rejects.toMatchObject({ status: 403 })
  })
})
