import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type CreateIdentityProviderRequest,
  createIdentityProvider,
  deleteIdentityProvider,
  getAuthMethods,
  getIdentityProvider,
  getProviderTest,
  getUser,
  listAuditLogs,
  listIdentityProviders,
  listUsers,
  providerGithubDevice,
  startProviderTest,
  updateIdentityProvider,
} from '@slipway/contract'
import {
  CookieBrowser,
  FakeGithub,
  GITHUB_CLIENT,
  IDP_CLIENT,
  IdentityProvider,
  openDatabase,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const CALLBACK = '/api/v2/users/oidc/callback'
const me = { params: { user: 'me' } }

let idp: IdentityProvider
let other: IdentityProvider
let github: FakeGithub
let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  idp = await IdentityProvider.start()
  other = await IdentityProvider.start()
  github = await FakeGithub.start()
  server = await startTestServer({
    env: {
      ...idp.env({ CODER_OIDC_SIGN_IN_TEXT: 'Corporate' }),
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    },
  })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  idp.allowRedirect(`${server.url}${CALLBACK}`)
  other.allowRedirect(`${server.url}${callbackOf('partner')}`, `${server.url}${callbackOf('draft')}`)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  for (const each of [idp, other, github]) await each[Symbol.asyncDispose]()
})
beforeEach(() => {
  other.tamper = (answer) => answer
})

const callbackOf = (id: string): string => `/api/v2/users/oidc/${id}/callback`
const at = (identityprovider: string) => ({ params: { identityprovider } })
const claimsOf = (name: string) => ({
  ...{ email: `${name}@example.com`, email_verified: true, preferred_username: name, name },
})

const partner = (id = 'partner'): CreateIdentityProviderRequest => ({
  id,
  kind: 'oidc',
  display_name: 'Partner',
  icon: '/icon/partner.svg',
  enabled: true,
  client_secret: IDP_CLIENT.secret,
  oidc: { issuer_url: other.issuer, client_id: IDP_CLIENT.id, email_domains: ['example.com'] },
})

describe('L-28, L-30: several providers at once', () => {
  it('are kept, shown without their secrets, and recorded', async () => {
    const made = await owner.call(createIdentityProvider, { body: partner() })
    expect(made).toMatchObject({
      ...{ id: 'partner', kind: 'oidc', source: 'stored', enabled: true, has_client_secret: true },
      callback_url: `${server.url}${callbackOf('partner')}`,
      oidc: { issuer_url: other.issuer, scopes: ['openid', 'profile', 'email'], allow_signups: true },
    })
    const all = await owner.call(listIdentityProviders)
    expect(all.map(({ id, source }) => `${id} ${source}`)).toEqual(['oidc settings', 'partner stored'])
    expect(JSON.stringify(all)).not.toContain(IDP_CLIENT.secret)
    const row = await database.db.selectFrom('identity_providers').selectAll().executeTakeFirstOrThrow()
    expect(row.client_secret?.toString('latin1')).not.toContain(IDP_CLIENT.secret)
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:identity_provider' },
    })
    expect(entries).toMatchObject([
      {
        action: 'create',
        resource_target: 'partner',
        diff: { client_secret: { old: '', new: '', secret: true }, kind: { new: 'oidc' } },
      },
    ])
  })

  it('are on the sign-in page, and their domains only where the operator says so', async () => {
    expect((await server.anonymous.call(getAuthMethods)).providers).toEqual([
      { id: 'oidc', kind: 'oidc', display_name: 'Corporate', icon: '', url: CALLBACK, email_domains: [] },
      {
        ...{ id: 'partner', kind: 'oidc', display_name: 'Partner', icon: '/icon/partner.svg' },
        ...{ url: callbackOf('partner'), email_domains: [] },
      },
    ])
    await owner.call(updateIdentityProvider, {
      ...at('partner'),
      body: { oidc: { email_domains_public: true } },
    })
    expect((await server.anonymous.call(getAuthMethods)).providers[1]?.email_domains).toEqual(['example.com'])
  })

  it('ID-167: people of two issuers are two people, whatever their subjects', async () => {
    idp.person('1', claimsOf('one'))
    other.person('1', claimsOf('two'))
    const [first, second] = [new CookieBrowser(), new CookieBrowser()]
    expect((await first.signIn(server.url)).status).toBe(307)
    expect((await second.signIn(server.url, callbackOf('partner'))).status).toBe(307)
    expect((await first.client(server.url).call(getUser, me)).username).toBe('one')
    expect((await second.client(server.url).call(getUser, me)).username).toBe('two')
    const links = await database.db
      .selectFrom('user_links')
      .select(['linked_id', 'provider'])
      .where('linked_id', 'like', '%||1')
      .orderBy('provider')
      .execute()
    expect(links).toEqual([
      { linked_id: `${idp.issuer}||1`, provider: '' },
      { linked_id: `${other.issuer}||1`, provider: 'partner' },
    ])
    // ID-168: nor does the address of a person of one open the account of a person of another.
    other.person('2', claimsOf('one'))
    expect((await new CookieBrowser().signIn(server.url, callbackOf('partner'))).status).toBe(403)
  })

  it('an answer of one does not end a flow of another', async () => {
    idp.person('3', claimsOf('three'))
    const browser = new CookieBrowser()
    const start = await browser.follow(`${server.url}${CALLBACK}`, (url) => url.searchParams.has('code'))
    const back = new URL(start.location)
    const answer = await browser.visit(`${server.url}${callbackOf('partner')}${back.search}`)
    expect(answer.status).toBe(400)
    expect(browser.cookie(server.url, 'coder_session_token')).toBeUndefined()
  })

  it('a disabled one, an unknown one and one of another kind let nobody in', async () => {
    await owner.call(updateIdentityProvider, { ...at('partner'), body: { enabled: false } })
    for (const path of [
      callbackOf('partner'),
      callbackOf('unknown'),
      '/api/v2/users/oauth2/github/partner/callback',
      '/api/v2/users/oauth2/github/callback',
    ])
      expect((await new CookieBrowser().visit(`${server.url}${path}`)).status, path).toBe(400)
    expect((await server.anonymous.call(getAuthMethods)).providers).toHaveLength(1)
    await owner.call(updateIdentityProvider, { ...at('partner'), body: { enabled: true } })
  })

  it('ID-167: numbers of two GitHub servers are numbers of two people', async () => {
    const body: CreateIdentityProviderRequest = {
      ...{ id: 'enterprise', kind: 'github', enabled: true, client_secret: GITHUB_CLIENT.secret },
      github: {
        client_id: GITHUB_CLIENT.id,
        base_url: github.url,
        allow_everyone: true,
        allow_signups: true,
      },
    }
    await owner.call(createIdentityProvider, { body })
    github.visitor = {
      ...{ id: 42, login: 'octo' },
      emails: [{ email: 'octo@example.com', primary: true, verified: true }],
    }
    const path = '/api/v2/users/oauth2/github/enterprise/callback'
    expect((await new CookieBrowser().signIn(server.url, path)).status).toBe(307)
    const link = await database.db
      .selectFrom('user_links')
      .select(['linked_id', 'provider'])
      .where('login_type', '=', 'github')
      .executeTakeFirstOrThrow()
    expect(link).toEqual({ linked_id: `${github.url}||42`, provider: 'enterprise' })
    await owner.call(updateIdentityProvider, { ...at('enterprise'), body: { github: { device_flow: true } } })
    const page = new URL((await new CookieBrowser().visit(`${server.url}${path}`)).location, server.url)
    expect(page.searchParams.get('provider')).toBe('enterprise')
    const device = { params: { identityprovider: 'enterprise' } }
    expect((await server.anonymous.call(providerGithubDevice, device)).user_code).toBe('ABCD-1234')
  })

  it('checks what it is given', async () => {
    const refused = async (body: CreateIdentityProviderRequest, status = 400) =>
      expect(owner.call(createIdentityProvider, { body })).rejects.toMatchObject({ status })
    await refused({ ...partner(), id: 'oidc' })
    await refused({ ...partner(), id: 'Upper' })
    await refused({ ...partner() }, 409)
    await refused({ id: 'x', kind: 'oidc', oidc: { client_id: 'x' } })
    await refused({ id: 'x', kind: 'oidc', oidc: { client_id: 'x', issuer_url: 'javascript:alert(1)' } })
    await refused({ id: 'x', kind: 'oidc', github: { client_id: 'x', allow_everyone: true } })
    await refused({ id: 'x', kind: 'github', github: { client_id: 'x' } })
    await refused({
      id: 'x',
      kind: 'github',
      github: { client_id: 'x', allow_everyone: true, allowed_orgs: ['a'] },
    })
    await expect(
      owner.call(updateIdentityProvider, { ...at('oidc'), body: { enabled: false } }),
    ).rejects.toMatchObject({ status: 400 })
    await expect(owner.call(deleteIdentityProvider, at('oidc'))).rejects.toMatchObject({ status: 400 })
    expect(await owner.call(getIdentityProvider, at('oidc'))).toMatchObject({
      source: 'settings',
      has_client_secret: true,
    })
  })

  it('a change is effective at the next sign-in, and the secret stays unless another one is given', async () => {
    await owner.call(updateIdentityProvider, { ...at('partner'), body: { oidc: { allow_signups: false } } })
    other.person('9', claimsOf('nine'))
    expect((await new CookieBrowser().signIn(server.url, callbackOf('partner'))).text).toContain(
      'Signups are disabled',
    )
    await owner.call(updateIdentityProvider, { ...at('partner'), body: { client_secret: 'wrong' } })
    expect((await new CookieBrowser().signIn(server.url, callbackOf('partner'))).status).toBe(500)
    await owner.call(updateIdentityProvider, {
      ...at('partner'),
      body: { client_secret: IDP_CLIENT.secret, oidc: { allow_signups: true } },
    })
    expect((await new CookieBrowser().signIn(server.url, callbackOf('partner'))).status).toBe(307)
  })

  it('one whose secret cannot be opened any more is off, and keeps nobody from the others', async () => {
    await owner.call(createIdentityProvider, { body: { ...partner('broken') } })
    await database.db
      .updateTable('identity_providers')
      .set({ client_secret: Buffer.from('sealed under a key that is gone') })
      .where('name', '=', 'broken')
      .execute()
    const { providers } = await server.anonymous.call(getAuthMethods)
    expect(providers.map(({ id }) => id)).toEqual(['oidc', 'partner', 'enterprise'])
    expect(await owner.call(getIdentityProvider, at('broken'))).toMatchObject({
      enabled: false,
      has_client_secret: false,
    })
    await owner.call(deleteIdentityProvider, at('broken'))
  })

  it.each([
    ['member', [], 403, 404],
    ['user-admin', ['user-admin'], 403, 404],
    ['template-admin', ['template-admin'], 403, 404],
    ['auditor', ['auditor'], 200, 403],
  ])('only owners manage them: %s', async (name, roles, list, change) => {
    const client = await server.user(name, roles)
    const outcome = (call: Promise<unknown>) =>
      call.then(() => 200).catch((error: { status: number }) => error.status)
    expect(await outcome(client.call(listIdentityProviders))).toBe(list)
    expect(await outcome(client.call(createIdentityProvider, { body: partner('mine') }))).toBe(403)
    expect(
      await outcome(client.call(updateIdentityProvider, { ...at('partner'), body: { enabled: false } })),
    ).toBe(change)
    expect(await outcome(client.call(deleteIdentityProvider, at('partner')))).toBe(change)
    expect(await outcome(client.call(startProviderTest, at('partner')))).toBe(change)
  })
})

describe('L-29: a test sign-in', () => {
  const browserOf = (client: Client): CookieBrowser => {
    const browser = new CookieBrowser()
    browser.setCookie(server.url, 'coder_session_token', String(client.headers['Coder-Session-Token']))
    return browser
  }
  const read = (id: string, provider = 'draft') =>
    owner.call(getProviderTest, { params: { identityprovider: provider, providertest: id } })

  beforeAll(async () => {
    await owner.call(createIdentityProvider, { body: { ...partner('draft'), enabled: false } })
  })

  it('shows the claims of a provider that nobody else can use yet, and changes nothing', async () => {
    const before = await owner.call(listUsers)
    const test = await owner.call(startProviderTest, at('draft'))
    expect(test).toMatchObject({ state: 'pending', provider: 'draft', url: expect.stringContaining('test=') })
    other.person('trial', { ...claimsOf('trial'), groups: ['builders'] })
    const browser = browserOf(owner)
    const session = browser.cookie(server.url, 'coder_session_token')
    const end = await browser.signIn(server.url, callbackOf('draft'), `?test=${test.id}&redirect=/providers`)
    expect(end).toMatchObject({ status: 307, location: `${server.url}/providers` })
    expect(browser.cookie(server.url, 'coder_session_token')).toBe(session)
    expect(await read(test.id)).toMatchObject({
      state: 'finished',
      claims: {
        id_token_claims: { iss: other.issuer, sub: 'trial' },
        user_info_claims: { groups: ['builders'] },
        merged_claims: { email: 'trial@example.com' },
      },
      profile: {
        ...{ linked_id: `${other.issuer}||trial`, username: 'trial', email: 'trial@example.com' },
        ...{ email_verified: true, name: 'trial' },
      },
      linking: { outcome: 'sign_up' },
      sync: { organizations: { enabled: false } },
    })
    expect((await owner.call(listUsers)).count).toBe(before.count)
    expect((await new CookieBrowser().visit(`${server.url}${callbackOf('draft')}`)).status).toBe(400)
  })

  it('says what a real one would do to accounts that there are', async () => {
    const outcomeOf = async (subject: string, claims: object) => {
      const test = await owner.call(startProviderTest, at('draft'))
      other.person(subject, { ...claims })
      await browserOf(owner).signIn(server.url, callbackOf('draft'), `?test=${test.id}`)
      return (await read(test.id)).linking
    }
    expect(await outcomeOf('1', claimsOf('two'))).toMatchObject({ outcome: 'linked', username: 'two' })
    expect(await outcomeOf('5', claimsOf('owner'))).toMatchObject({
      outcome: 'refused',
      detail: expect.stringContaining('Incorrect login type'),
    })
    expect(await outcomeOf('6', { ...claimsOf('x'), email: 'x@evil.example' })).toMatchObject({
      outcome: 'refused',
    })
    expect(await outcomeOf('7', { ...claimsOf('y'), email_verified: false })).toMatchObject({
      outcome: 'refused',
    })
  })

  it('keeps why it failed', async () => {
    const test = await owner.call(startProviderTest, at('draft'))
    other.person('bad', claimsOf('bad'))
    other.tamper = ({ id_token: _, ...answer }) => answer
    await browserOf(owner).signIn(server.url, callbackOf('draft'), `?test=${test.id}`)
    expect(await read(test.id)).toMatchObject({
      state: 'failed',
      failure: { status: 400, message: expect.stringContaining('No id_token') },
    })
    const refused = await owner.call(startProviderTest, at('draft'))
    other.visitor = undefined
    await browserOf(owner).signIn(server.url, callbackOf('draft'), `?test=${refused.id}`)
    expect((await read(refused.id)).failure?.message).toContain('access_denied')
  })

  it('is of the one who began it, and of no other provider', async () => {
    const test = await owner.call(startProviderTest, at('draft'))
    const query = `?test=${test.id}`
    const member = await server.user('curious')
    for (const browser of [
      new CookieBrowser(),
      browserOf(member),
      browserOf(await server.user('second', ['owner'])),
    ])
      expect(
        (await browser.visit(`${server.url}${callbackOf('draft')}${query}`)).status,
      ).toBeGreaterThanOrEqual(403)
    expect((await browserOf(owner).visit(`${server.url}${callbackOf('partner')}${query}`)).status).toBe(404)
    await expect(read(test.id, 'partner')).rejects.toMatchObject({ status: 404 })
    await expect(read('x')).rejects.toMatchObject({ status: 404 })
    expect((await read(test.id)).state).toBe('pending')
  })

  it('is what it was begun as: a sign-in does not become a test on its way', async () => {
    const test = await owner.call(startProviderTest, at('oidc'))
    idp.person('8', claimsOf('eight'))
    const browser = browserOf(owner)
    const start = await browser.follow(`${server.url}${CALLBACK}`, (url) => url.searchParams.has('code'))
    await browser.visit(`${start.location}&test=${test.id}`)
    expect((await read(test.id, 'oidc')).state).toBe('pending')
  })

  it('is possible for the provider of the settings too', async () => {
    const test = await owner.call(startProviderTest, at('oidc'))
    idp.person('settings', claimsOf('settings'))
    await browserOf(owner).signIn(server.url, CALLBACK, `?test=${test.id}`)
    expect((await read(test.id, 'oidc')).profile?.username).toBe('settings')
  })
})

it('removes a provider; its people stay, and cannot sign in there any more', async () => {
  await owner.call(deleteIdentityProvider, at('partner'))
  expect((await new CookieBrowser().visit(`${server.url}${callbackOf('partner')}`)).status).toBe(400)
  expect((await owner.call(getUser, { params: { user: 'two' } })).status).toBe('active')
})
