import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createOAuth2App,
  createOAuth2AppSecret,
  createToken,
  deleteOAuth2App,
  deleteOAuth2AppSecret,
  getOAuth2App,
  getOAuth2Settings,
  getUser,
  listAuditLogs,
  listOAuth2AppSecrets,
  listOAuth2Apps,
  type OAuth2ProviderApp,
  updateOAuth2App,
  updateOAuth2Settings,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

const CALLBACK = 'http://localhost1:8080/foo/bar'
let server: TestServer
let owner: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_ACCESS_URL: 'https://dev.example/' } })
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

const make = (name: string, more: object = {}): Promise<OAuth2ProviderApp> =>
  owner.call(createOAuth2App, { body: { name, callback_url: CALLBACK, ...more } })

const statusOf = (call: Promise<unknown>): Promise<number> =>
  call.then(
    () => 200,
    (error: { readonly status: number }) => error.status,
  )

/** The status of everything that can be done to an app. */
async function statuses(client: Client, app: string, secretID: string = randomUUID()) {
  const params = { app, secretID }
  const body = { name: 'other', callback_url: CALLBACK }
  return {
    get: await statusOf(client.call(getOAuth2App, { params })),
    put: await statusOf(client.call(updateOAuth2App, { params, body })),
    secrets: await statusOf(client.call(listOAuth2AppSecrets, { params })),
    newSecret: await statusOf(client.call(createOAuth2AppSecret, { params, body: {} })),
    deleteSecret: await statusOf(client.call(deleteOAuth2AppSecret, { params })),
    delete: await statusOf(client.call(deleteOAuth2App, { params })),
  }
}
const all = (status: number) => ({
  get: status,
  put: status,
  secrets: status,
  newSecret: status,
  deleteSecret: status,
  delete: status,
})

describe('apps', () => {
  it('OA-14, OA-15: an app is answered with absolute endpoints', async () => {
    const app = await make('first', { icon: '/emojis/1f600.png' })
    expect(app).toMatchObject({
      name: 'first',
      callback_url: CALLBACK,
      icon: '/emojis/1f600.png',
      endpoints: {
        authorization: 'https://dev.example/oauth2/authorize',
        token: 'https://dev.example/oauth2/tokens',
        token_revoke: 'https://dev.example/oauth2/revoke',
        device_authorization: 'https://dev.example/oauth2/device',
      },
      client_type: 'confidential',
      dynamically_registered: false,
      redirect_uris: [CALLBACK],
    })
    expect(await owner.call(getOAuth2App, { params: { app: app.id } })).toEqual(app)
    await using database = await openDatabase(server.databaseUrl)
    const row = await database.db
      .selectFrom('oauth2_provider_apps')
      .selectAll()
      .where('id', '=', app.id)
      .executeTakeFirstOrThrow()
    expect(row).toMatchObject({ token_endpoint_auth_method: 'client_secret_post', redirect_uris: [] })
  })

  it.each([
    [{ name: 'foo bar' }, 'name'],
    [{ name: 'a'.repeat(33) }, 'name'],
    [{ name: '-a' }, 'name'],
    [{ name: 'a--b' }, 'name'],
    [{ name: 'new' }, 'name'],
    [{ name: 'create' }, 'name'],
    [{ name: '' }, 'name'],
    [{ callback_url: 'coder.com' }, 'callback_url'],
    [{ callback_url: 'http://' }, 'callback_url'],
    [{ callback_url: '/x' }, 'callback_url'],
    [{ callback_url: '' }, 'callback_url'],
    [{ callback_url: 'javascript:alert(1)' }, 'callback_url'],
    [{ callback_url: 'https://e.com/#f' }, 'callback_url'],
    [{ callback_url: 'https://user@e.com/' }, 'callback_url'],
    [{ callback_url: 'https://e.com\\@other.example/' }, 'callback_url'],
    [{ callback_url: `https://e.com/${'x'.repeat(2048)}` }, 'callback_url'],
    [{ icon: 'x'.repeat(257) }, 'icon'],
    [{ redirect_uris: ['http://e.com/'] }, 'redirect_uris.0'],
    [{ redirect_uris: ['https://e.com/', 'data:x'] }, 'redirect_uris.1'],
    [{ scope: 'workspace:read nonsense' }, 'scope'],
  ])('OA-15: %j is refused by name', async (fields, field) => {
    const body = { name: 'ok', callback_url: CALLBACK, ...fields }
    const app = await make(`refuses-${randomUUID().slice(0, 8)}`)
    for (const call of [
      owner.call(createOAuth2App, { body }),
      owner.call(updateOAuth2App, { params: { app: app.id }, body }),
    ])
      await expect(call).rejects.toMatchObject({
        status: 400,
        validations: [expect.objectContaining({ field })],
      })
  })

  it('OA-8: two apps may have one name', async () => {
    const [one, two] = [await make('twin'), await make('twin')]
    expect(one.id).not.toBe(two.id)
  })

  it('OA-B9: apps have several addresses, with schemes of their own', async () => {
    const app = await make('several', {
      redirect_uris: ['vscode://ext/cb', 'com.example.app:/cb', CALLBACK],
      scope: 'workspace:read all',
      require_pushed_authorization_requests: true,
      remember_consent: true,
    })
    const rest = {
      redirect_uris: [CALLBACK, 'vscode://ext/cb', 'com.example.app:/cb'],
      scope: 'coder:all workspace:read',
      require_pushed_authorization_requests: true,
      remember_consent: true,
    }
    expect(app).toMatchObject(rest)
    const body = { name: 'several', callback_url: CALLBACK, icon: '' }
    expect(await owner.call(updateOAuth2App, { params: { app: app.id }, body })).toMatchObject(rest)
    expect((await make('own-scheme', { callback_url: 'myapp://cb' })).callback_url).toBe('myapp://cb')
  })

  it('OA-16: apps are listed by name', async () => {
    const names = (await member.call(listOAuth2Apps)).map(({ name }) => name)
    expect(names.length).toBeGreaterThan(3)
    expect(names).toEqual([...names].sort())
  })

  it('OA-16, OA-21: the apps that hold tokens of a user are for that user and owners', async () => {
    const [held, other] = [await make('held'), await make('not-held')]
    const me = await member.call(getUser, { params: { user: 'me' } })
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    await fixtures.oauth2ProviderAppToken(db, { user_id: me.id, app_id: held.id })
    const past = new Date(Date.now() - 1_000)
    await fixtures.oauth2ProviderAppToken(db, { user_id: me.id, app_id: other.id, expires_at: past })
    for (const client of [member, owner]) {
      const apps = await client.call(listOAuth2Apps, { query: { user_id: me.id } })
      expect(apps.map(({ id }) => id)).toEqual([held.id])
    }
    const stranger = await server.user('stranger')
    const user_id = me.id
    expect(await statusOf(stranger.call(listOAuth2Apps, { query: { user_id } }))).toBe(403)
    expect(await statusOf(member.call(listOAuth2Apps, { query: { user_id: 'me' } }))).toBe(400)
    expect(await statusOf(member.call(listOAuth2Apps, { query: { user_id: 'x' } }))).toBe(400)
    expect(await owner.call(listOAuth2Apps, { query: { user_id: randomUUID() } })).toEqual([])
  })

  it('ID-73, OA-17: what is missing is 404 and never 401, what is malformed 400', async () => {
    expect(await statuses(owner, randomUUID())).toEqual(all(404))
    expect(await statuses(owner, 'not-a-uuid')).toEqual(all(400))
    await expect(owner.call(getOAuth2App, { params: { app: randomUUID() } })).rejects.toMatchObject({
      message: 'OAuth2 application not found.',
    })
    const { id: app } = await make('no-secrets')
    const params = { app, secretID: randomUUID() }
    expect(await statusOf(owner.call(deleteOAuth2AppSecret, { params }))).toBe(404)
    expect(await statusOf(owner.call(deleteOAuth2AppSecret, { params: { app, secretID: 'x' } }))).toBe(400)
  })

  it('OA-21: members read apps and nothing else; nobody without a session does', async () => {
    const app = await make('guarded')
    const refused = { ...all(403), get: 200 }
    expect(await statuses(member, app.id)).toEqual(refused)
    expect(await statuses(member, randomUUID())).toEqual({ ...refused, get: 404 })
    const body = { name: 'mine', callback_url: CALLBACK }
    expect(await statusOf(member.call(createOAuth2App, { body }))).toBe(403)
    for (const role of ['auditor', 'template-admin', 'user-admin'])
      expect(await statuses(await server.user(`as-${role}`, [role]), app.id)).toEqual(refused)
    expect(await statuses(server.anonymous, app.id)).toEqual(all(401))
    const { key } = await owner.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:*', 'user:*'] },
    })
    expect(await statuses(new Client({ url: server.url, token: key }), app.id)).toEqual(all(403))
  })
})

describe('secrets', () => {
  it('OA-9, OA-18: a secret is shown once, and then by its end', async () => {
    const { id: app } = await make('with-secrets')
    const made = []
    for (let count = 0; count < 3; count += 1)
      made.push(await owner.call(createOAuth2AppSecret, { params: { app }, body: {} }))
    for (const { client_secret_full } of made)
      expect(client_secret_full).toMatch(/^coder_[0-9A-Za-z]{10}_[0-9A-Za-z]{40}$/)
    const listed = await owner.call(listOAuth2AppSecrets, { params: { app } })
    expect(listed).toEqual(
      made.map(({ id, client_secret_full }) => ({
        id,
        created_at: expect.any(String),
        last_used_at: null,
        expires_at: null,
        client_secret_truncated: client_secret_full.slice(-6),
      })),
    )
    await using database = await openDatabase(server.databaseUrl)
    const rows = await database.db.selectFrom('oauth2_provider_app_secrets').selectAll().execute()
    for (const { client_secret_full } of made) {
      const secret = client_secret_full.split('_')[2] ?? ''
      expect(JSON.stringify(rows)).not.toContain(secret)
      expect(rows.some(({ hashed_secret }) => hashed_secret.includes(secret))).toBe(false)
    }
  })

  it('OA-18: a client that sends no body gets one too', async () => {
    const { id: app } = await make('no-body')
    const response = await fetch(`${server.url}/api/v2/oauth2-provider/apps/${app}/secrets`, {
      method: 'POST',
      headers: owner.headers,
    })
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual({ id: expect.any(String), client_secret_full: expect.any(String) })
  })

  it('OA-18: an app has many secrets, but not without end, and a public client has none', async () => {
    await using database = await openDatabase(server.databaseUrl)
    const { id: app } = await make('many')
    for (let count = 0; count < 99; count += 1)
      await fixtures.oauth2ProviderAppSecret(database.db, { app_id: app })
    const another = () => statusOf(owner.call(createOAuth2AppSecret, { params: { app }, body: {} }))
    expect([await another(), await another()]).toEqual([200, 400])
    const open = await fixtures.oauth2ProviderApp(database.db, {
      client_type: 'public',
      token_endpoint_auth_method: 'none',
    })
    const params = { app: open.id }
    expect(await statusOf(owner.call(createOAuth2AppSecret, { params, body: {} }))).toBe(400)
    expect(await owner.call(listOAuth2AppSecrets, { params })).toEqual([])
  })

  it('OA-B17: a secret may end', async () => {
    const { id: app } = await make('ending')
    const expires_at = '2099-01-01T00:00:00.000Z'
    await owner.call(createOAuth2AppSecret, { params: { app }, body: { expires_at } })
    expect(await owner.call(listOAuth2AppSecrets, { params: { app } })).toMatchObject([{ expires_at }])
    const past = { expires_at: '2020-01-01T00:00:00Z' }
    expect(await statusOf(owner.call(createOAuth2AppSecret, { params: { app }, body: past }))).toBe(400)
  })

  it('OA-17: the secret of another app is not deleted', async () => {
    const [a, b] = [await make('app-a'), await make('app-b')]
    const { id: secretID } = await owner.call(createOAuth2AppSecret, { params: { app: b.id }, body: {} })
    const wrong = owner.call(deleteOAuth2AppSecret, { params: { app: a.id, secretID } })
    expect(await statusOf(wrong)).toBe(400)
    expect(await owner.call(listOAuth2AppSecrets, { params: { app: b.id } })).toHaveLength(1)
    await owner.call(deleteOAuth2AppSecret, { params: { app: b.id, secretID } })
    expect(await owner.call(listOAuth2AppSecrets, { params: { app: b.id } })).toEqual([])
  })

  it('OA-7, OA-19: with an app or a secret go the tokens and their keys', async () => {
    const me = await member.call(getUser, { params: { user: 'me' } })
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    const keys = () =>
      db.selectFrom('api_keys').select('id').where('login_type', '=', 'oauth2_provider_app').execute()
    const before = (await keys()).length
    for (const what of ['secret', 'app'] as const) {
      const { id: app } = await make(`ends-${what}`)
      const secret = await owner.call(createOAuth2AppSecret, { params: { app }, body: {} })
      const key = await fixtures.apiKey(db, { user_id: me.id, login_type: 'oauth2_provider_app' })
      await fixtures.oauth2ProviderAppToken(db, {
        user_id: me.id,
        app_id: app,
        app_secret_id: secret.id,
        api_key_id: key.id,
      })
      expect(await keys()).toHaveLength(before + 1)
      if (what === 'app') await owner.call(deleteOAuth2App, { params: { app } })
      else await owner.call(deleteOAuth2AppSecret, { params: { app, secretID: secret.id } })
      expect(await keys()).toHaveLength(before)
    }
  })
})

describe('settings', () => {
  it('OA-23, OA-24: owners and auditors read them, owners change them, what is left out stays', async () => {
    const off = { dynamic_client_registration_enabled: false, require_pushed_authorization_requests: false }
    expect(await owner.call(getOAuth2Settings)).toEqual(off)
    const auditor = await server.user('auditor-too', ['auditor'])
    expect(await auditor.call(getOAuth2Settings)).toEqual(off)
    expect(await statusOf(auditor.call(updateOAuth2Settings, { body: {} }))).toBe(403)
    expect(await statusOf(member.call(getOAuth2Settings))).toBe(403)
    expect(await statusOf(member.call(updateOAuth2Settings, { body: {} }))).toBe(403)
    const body = { dynamic_client_registration_enabled: true }
    expect(await owner.call(updateOAuth2Settings, { body })).toEqual({ ...off, ...body })
    expect(await owner.call(updateOAuth2Settings, { body: {} })).toEqual({ ...off, ...body })
    expect(
      await owner.call(updateOAuth2Settings, { body: { require_pushed_authorization_requests: true } }),
    ).toEqual({ dynamic_client_registration_enabled: true, require_pushed_authorization_requests: true })
    await owner.call(updateOAuth2Settings, { body: off })
    expect(await owner.call(getOAuth2Settings)).toEqual(off)
  })
})

describe('OA-20: the audit log', () => {
  it('tells of apps, secrets and settings, and of no hash', async () => {
    const { id: app } = await make('audited', { redirect_uris: ['myapp://cb'] })
    const body = { name: 'renamed', callback_url: CALLBACK }
    await owner.call(updateOAuth2App, { params: { app }, body })
    const secret = await owner.call(createOAuth2AppSecret, { params: { app }, body: {} })
    await owner.call(deleteOAuth2AppSecret, { params: { app, secretID: secret.id } })
    await owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled: true } })
    await owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled: false } })
    await owner.call(deleteOAuth2App, { params: { app } })
    const entriesOf = async (q: string) =>
      (await owner.call(listAuditLogs, { query: { q, limit: 100 } })).audit_logs
    const apps = await entriesOf(`resource_type:oauth2_provider_app resource_id:${app}`)
    expect(apps.map(({ action }) => action)).toEqual(['delete', 'write', 'create'])
    expect(apps[1]?.diff).toEqual({ name: { old: 'audited', new: 'renamed', secret: false } })
    const secrets = await entriesOf(`resource_type:oauth2_provider_app_secret resource_id:${secret.id}`)
    expect(secrets.map(({ action, resource_target }) => [action, resource_target])).toEqual([
      ['delete', 'renamed'],
      ['create', 'renamed'],
    ])
    const settings = await entriesOf('resource_type:oauth2_provider_settings')
    expect(settings[0]?.diff).toEqual({
      dynamic_client_registration_enabled: { old: true, new: false, secret: false },
    })
    const secretPart = secret.client_secret_full.split('_')[2] ?? ''
    expect(JSON.stringify([apps, secrets])).not.toContain(secretPart)
    expect(JSON.stringify([apps, secrets])).not.toContain('hashed_secret')
  })
})

it('OA-4: answers of the management API are not stored', async () => {
  for (const [path, headers] of [
    ['/apps', member.headers],
    ['/apps', {}],
    ['/settings', member.headers],
    [`/apps/${randomUUID()}`, member.headers],
    ['/nothing', member.headers],
  ] as const) {
    const response = await fetch(`${server.url}/api/v2/oauth2-provider${path}`, { headers })
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('pragma')).toBe('no-cache')
  }
})
