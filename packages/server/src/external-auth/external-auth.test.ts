import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  deleteExternalAuth,
  exchangeExternalAuthDevice,
  getExternalAuth,
  listExternalAuths,
  NEVER,
  startExternalAuthDevice,
} from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import {
  connectTo,
  FakeGitProvider,
  openDatabase,
  startTestServer,
  type TestServer,
  visit,
} from '@slipway/testkit'

let fake: FakeGitProvider
let server: TestServer
let member: Client
const logged: Record<string, unknown>[] = []

beforeAll(async () => {
  fake = await FakeGitProvider.start()
  server = await startTestServer({
    log: createLogger({ level: 'info', sink: { write: (line: string) => logged.push(JSON.parse(line)) } }),
    env: {
      ...fake.settings(0),
      ...fake.settings(1, { ID: 'plain', PKCE_METHODS: 'none', VALIDATE_URL: '', REVOKE_URL: '' }),
      ...fake.settings(2, {
        ID: 'github',
        TYPE: 'github',
        REVOKE_URL: `${fake.url}/revoke`,
        APP_INSTALLATIONS_URL: `${fake.url}/installations`,
        APP_INSTALL_URL: 'https://github.example/install',
      }),
      ...fake.settings(3, {
        ID: 'device',
        DEVICE_FLOW: 'true',
        DEVICE_CODE_URL: `${fake.url}/device`,
        EXTRA_TOKEN_KEYS: 'team',
      }),
      ...fake.settings(4, { ID: 'other-host', REDIRECT_URL: 'https://public.example/ignored' }),
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    },
  })
  member = await server.user('member')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await fake[Symbol.asyncDispose]()
})
beforeEach(() => {
  fake.lifetime = undefined
  fake.refusesPkce = false
  fake.requests.length = 0
})

const list = (client = member) => client.call(listExternalAuths)
const get = (id = 'fake', client = member) => client.call(getExternalAuth, { params: { externalauth: id } })
const remove = (id = 'fake') => member.call(deleteExternalAuth, { params: { externalauth: id } })
const linkTo = async (id = 'fake') => (await list()).links.find(({ provider_id }) => provider_id === id)

describe('connecting in a browser', () => {
  it('ID-187: a person goes to the provider and back, and is connected', async () => {
    expect(await get()).toMatchObject({ authenticated: false, user: null, installations: [] })
    expect(await connectTo(member, fake)).toBe('/external-auth/fake?redirected=true')
    expect(await get()).toMatchObject({ authenticated: true, device: false, supports_revocation: true })
    expect(await linkTo()).toMatchObject({
      authenticated: true,
      validate_error: '',
      has_refresh_token: true,
      expires: NEVER,
    })
  })

  it('ID-180: the authorization request of an unknown type has a challenge, and with PKCE_METHODS=none it has none', async () => {
    const asked = async (id: string) =>
      new URL((await visit(member, `/external-auth/${id}/callback`)).location).searchParams
    expect(await asked('fake').then((query) => query.get('code_challenge_method'))).toBe('S256')
    expect((await asked('plain')).has('code_challenge')).toBe(false)
    fake.refusesPkce = true
    await expect(connectTo(member, fake)).rejects.toThrow('400')
    expect(await connectTo(member, fake, { id: 'plain' })).toBe('/external-auth/plain?redirected=true')
  })

  it('ID-179: the provider sends people back to the deployment, or to the host of REDIRECT_URL', async () => {
    const back = async (id: string) =>
      new URL((await visit(member, `/external-auth/${id}/callback`)).location).searchParams.get(
        'redirect_uri',
      )
    expect(await back('fake')).toBe(`${server.url}/external-auth/fake/callback`)
    expect(await back('other-host')).toBe('https://public.example/external-auth/other-host/callback')
  })

  it('ID-178: a provider of unknown type may want the secret in the header', async () => {
    fake.wantsBasic = true
    expect(await connectTo(member, fake)).toBe('/external-auth/fake?redirected=true')
    await expect(connectTo(member, fake, { id: 'github' })).rejects.toThrow('500')
    fake.wantsBasic = false
    await connectTo(member, fake, { id: 'github' })
    await remove('github')
  })

  it('ID-155: where to go on is a local path', async () => {
    expect(await connectTo(member, fake, { redirect: '/templates/x' })).toBe('/templates/x')
    expect(await connectTo(member, fake, { redirect: '//evil.example/x' })).toBe('/evil.example/x')
  })

  it('ID-187: the former address works as well', async () => {
    expect(await connectTo(member, fake, { path: 'gitauth' })).toBe('/external-auth/fake?redirected=true')
  })

  it('ID-187: connecting again replaces the tokens, and forgets that the old ones were refused', async () => {
    fake.lifetime = 3600
    await connectTo(member, fake)
    await using database = await openDatabase(server.databaseUrl)
    const row = () =>
      database.db
        .selectFrom('external_auth_links')
        .selectAll()
        .where('provider_id', '=', 'fake')
        .executeTakeFirstOrThrow()
    await database.db
      .updateTable('external_auth_links')
      .set({
        refresh_failure: 'invalid_grant',
        has_refresh_token: false,
        refresh_lease: '11111111-1111-4111-8111-111111111111',
        refresh_lease_until: new Date(Date.now() + 60_000),
      })
      .where('provider_id', '=', 'fake')
      .execute()
    const before = await row()
    await connectTo(member, fake)
    const after = await row()
    expect(after).toMatchObject({ refresh_failure: '', refresh_lease: null, has_refresh_token: true })
    expect(after.generation).toBeGreaterThan(before.generation)
    expect(after.tokens.equals(before.tokens)).toBe(false)
    expect(after.created_at).toEqual(before.created_at)
  })

  it('ID-187: tokens are not readable in the database', async () => {
    await connectTo(member, fake)
    await using database = await openDatabase(server.databaseUrl)
    const rows = await database.db.selectFrom('external_auth_links').select('tokens').execute()
    for (const { tokens } of rows) expect(tokens.toString('latin1')).not.toContain('access-')
  })

  it('ID-153: a foreign state is refused and connects nobody', async () => {
    const other = await server.user('victim')
    const start = await visit(member, '/external-auth/fake/callback')
    const back = new URL(await fake.allow(start.location))
    const answer = await visit(other, `${back.pathname}${back.search}`, 'oauth_state=another')
    expect(answer.status).toBe(401)
    expect((await list(other)).links).toEqual([])
  })

  it('ID-69: who is not signed in goes to the login page and comes back', async () => {
    const answer = await visit(server.anonymous, '/external-auth/fake/callback')
    expect(answer.status).toBe(303)
    expect(answer.location).toMatch(/^\/login\?/)
    expect(new URLSearchParams(answer.location.split('?')[1]).get('redirect')).toContain(
      '/external-auth/fake/callback',
    )
  })

  it('ID-149: only an exact id of the configuration is a provider', async () => {
    for (const id of ['FAKE', 'fak', 'nothing']) await expect(get(id)).rejects.toMatchObject({ status: 404 })
    expect((await visit(member, '/external-auth/nothing/callback')).status).toBe(404)
    // People who use a code never come back by themselves (ID-179).
    expect((await visit(member, '/external-auth/device/callback')).status).toBe(404)
  })
})

describe('the connections of a user', () => {
  it('ID-183: all providers are listed with what they can do, and links of providers that are gone', async () => {
    await using database = await openDatabase(server.databaseUrl)
    const user = await database.db
      .selectFrom('users')
      .select('id')
      .where('username', '=', 'member')
      .executeTakeFirstOrThrow()
    await database.db
      .insertInto('external_auth_links')
      .values({
        provider_id: 'gone',
        user_id: user.id,
        tokens: Buffer.from('not sealed'),
        has_refresh_token: false,
      })
      .execute()
    const { providers, links } = await list()
    expect(providers.map(({ id }) => id)).toEqual(['fake', 'plain', 'github', 'device', 'other-host'])
    expect(providers[0]).toEqual({
      id: 'fake',
      type: 'fake',
      device: false,
      display_name: 'fake',
      display_icon: '/emojis/1f511.png',
      allow_refresh: true,
      allow_validate: true,
      supports_revocation: true,
      code_challenge_methods_supported: ['S256'],
    })
    expect(providers[1]).toMatchObject({ allow_validate: false, supports_revocation: false })
    expect(providers[1]?.code_challenge_methods_supported).toEqual([])
    expect(providers[3]?.device).toBe(true)
    expect(links.find(({ provider_id }) => provider_id === 'gone')).toMatchObject({ authenticated: false })
    await database.db.deleteFrom('external_auth_links').where('provider_id', '=', 'gone').execute()
    expect((await list(await server.owner())).links).toEqual([])
  })

  it('ID-184: a GitHub connection names its account and where the app is installed', async () => {
    expect((await get('github')).installations).toEqual([])
    await connectTo(member, fake, { id: 'github' })
    expect(await get('github')).toMatchObject({
      authenticated: true,
      user: { id: 7, login: 'octo', name: 'Octo' },
      app_installable: true,
      app_install_url: 'https://github.example/install',
      installations: [{ id: 9, configure_url: 'c', account: { login: 'octo' } }],
    })
    fake.stage('/installations', { status: 403 })
    expect(await get('github')).toMatchObject({ app_installable: false, installations: [] })
  })

  it('ID-183: a provider that is away shows on its own link only', async () => {
    await connectTo(member, fake)
    await connectTo(member, fake, { id: 'plain' })
    fake.stage('/user', { status: 500 }, { status: 500 })
    const { links } = await list()
    expect(links.find(({ provider_id }) => provider_id === 'plain')?.authenticated).toBe(true)
    expect(links.filter(({ authenticated }) => !authenticated).length).toBeGreaterThan(0)
  })

  it('ID-184: a token of narrow scope reaches no connection, and nobody anonymous does', async () => {
    await connectTo(member, fake)
    const { key } = await member.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    const narrow = new Client({ url: server.url, token: key })
    const remove = (client: Client) => client.call(deleteExternalAuth, { params: { externalauth: 'fake' } })
    for (const [client, status] of [
      [narrow, 403],
      [server.anonymous, 401],
    ] as const) {
      await expect(list(client)).rejects.toMatchObject({ status })
      await expect(get('fake', client)).rejects.toMatchObject({ status })
      await expect(remove(client)).rejects.toMatchObject({ status })
    }
    expect(await linkTo()).toBeDefined()
  })
})

describe('validation', () => {
  it.each([
    [{ status: 401 }, false],
    [{ status: 403 }, false],
    [{ status: 403, headers: { 'retry-after': '60' } }, true],
    [{ status: 403, headers: { 'x-ratelimit-remaining': '0' } }, true],
    [{ status: 429 }, true],
  ])('ID-188: the answer %j means authenticated: %s', async (answer, authenticated) => {
    await connectTo(member, fake)
    fake.stage('/user', answer)
    expect((await get()).authenticated).toBe(authenticated)
    // The token was not thrown away.
    expect((await get()).authenticated).toBe(true)
  })

  it('ID-188: any other answer is an error of ours to tell', async () => {
    await connectTo(member, fake)
    fake.stage('/user', { status: 503 })
    await expect(get()).rejects.toMatchObject({ status: 500, detail: expect.stringContaining('503') })
  })

  it('ID-188: a rate limit is complained about once a minute', async () => {
    await connectTo(member, fake)
    const warnings = () =>
      logged.filter((line) => line.level === 'warn' && JSON.stringify(line).includes('limits the validation'))
    fake.stage('/user', { status: 429 }, { status: 429 }, { status: 429 })
    await get()
    await get()
    await get()
    expect(warnings().length).toBe(1)
  })

  it('ID-184: a token that was taken back at the provider is no connection', async () => {
    await connectTo(member, fake)
    for (const token of fake.accessTokens) fake.forget(token)
    expect((await get()).authenticated).toBe(false)
    expect(await linkTo()).toMatchObject({ authenticated: false, validate_error: /accept/ })
  })
})

describe('removing a connection', () => {
  it('ID-185: the refresh token is taken back at the provider', async () => {
    await connectTo(member, fake)
    expect(await remove()).toEqual({ token_revoked: true })
    const [asked] = fake.asked('/revoke')
    expect(asked?.method).toBe('POST')
    expect(new URLSearchParams(asked?.body).get('token')).toMatch(/^refresh-/)
    expect(await linkTo()).toBeUndefined()
    await expect(remove()).rejects.toMatchObject({ status: 404 })
  })

  it('ID-185: GitHub has its own way', async () => {
    await connectTo(member, fake, { id: 'github' })
    const before = fake.accessTokens.length
    expect(await remove('github')).toEqual({ token_revoked: true })
    expect(fake.accessTokens.length).toBe(before - 1)
    expect(fake.asked('/revoke')[0]?.method).toBe('DELETE')
  })

  it('ID-185: the connection goes even when the provider refuses', async () => {
    for (const answer of [{ status: 500 }, { status: 200, body: { ok: false, error: 'invalid_auth' } }]) {
      await connectTo(member, fake)
      fake.stage('/revoke', answer)
      expect(await remove()).toMatchObject({
        token_revoked: false,
        token_revocation_error: expect.stringContaining(String(answer.status)),
      })
      expect(await linkTo()).toBeUndefined()
    }
  })

  it('ID-185: without a way to revoke it is just removed', async () => {
    await connectTo(member, fake, { id: 'plain' })
    expect(await remove('plain')).toEqual({ token_revoked: false })
  })
})

describe('the device flow', () => {
  const start = (id = 'device') => member.call(startExternalAuthDevice, { params: { externalauth: id } })
  const exchange = (code: string) =>
    member.call(exchangeExternalAuthDevice, {
      params: { externalauth: 'device' },
      body: { device_code: code },
    })

  it('ID-186: a code is entered at the provider, and asking for it connects', async () => {
    const device = await start()
    expect(device).toMatchObject({ user_code: 'ABCD-1234', expires_in: 900, interval: 5 })
    for (const code of ['authorization_pending', 'slow_down', 'expired_token', 'access_denied'] as const) {
      fake.deviceAnswer = code
      await expect(exchange(device.device_code)).rejects.toMatchObject({ status: 400, detail: code })
    }
    fake.deviceAnswer = 'allowed'
    await exchange(device.device_code)
    expect((await get('device')).authenticated).toBe(true)
  })

  it('ID-186: why it cannot begin is said in words', async () => {
    fake.stage('/device', { status: 429 })
    await expect(start()).rejects.toMatchObject({ status: 500, detail: expect.stringContaining('too many') })
    fake.stage('/device', { status: 404, body: '<html>Not Found</html>' })
    await expect(start()).rejects.toMatchObject({ status: 500, detail: expect.stringContaining('no JSON') })
    await expect(start('fake')).rejects.toMatchObject({ status: 400 })
  })
})

it('ID-157: calls to providers are counted', async () => {
  await connectTo(member, fake)
  await get()
  const owner = await server.owner()
  const text = await (await fetch(`${server.url}/metrics`, { headers: owner.headers })).text()
  expect(text).toContain(
    'coderd_oauth2_external_requests_total{name="fake",source="Exchange",status_code="200"}',
  )
  expect(text).toContain(
    'coderd_oauth2_external_requests_total{name="fake",source="ValidateToken",status_code="200"}',
  )
})

it('ID-19: the connections of a deleted user are gone', async () => {
  const gone = await server.user('gone')
  await connectTo(gone, fake)
  await using database = await openDatabase(server.databaseUrl)
  const count = () => database.db.selectFrom('external_auth_links').selectAll().execute()
  const before = (await count()).length
  await database.db.updateTable('users').set({ deleted: true }).where('username', '=', 'gone').execute()
  expect((await count()).length).toBe(before - 1)
})
