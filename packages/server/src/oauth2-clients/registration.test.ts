import { createHash, randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createOAuth2App, listAuditLogs, updateOAuth2Settings } from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

const BASE = 'https://dev.example'
let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_ACCESS_URL: BASE,
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    },
  })
  owner = await server.owner()
  await allowRegistration(true)
})
afterAll(() => server[Symbol.asyncDispose]())

const allowRegistration = (dynamic_client_registration_enabled: boolean) =>
  owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled } })

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Headers
}

async function send(method: string, path: string, body?: unknown, token?: string): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text), headers: response.headers }
}

const register = (body: unknown) => send('POST', '/oauth2/register', body)
const CONFIDENTIAL = { redirect_uris: ['https://e.com/cb'] }
const PUBLIC = { redirect_uris: ['https://e.com/cb'], token_endpoint_auth_method: 'none' }

/** A client that has just registered, and how it is reached. */
async function registered(metadata: object) {
  const { status, body } = await register(metadata)
  expect(status, JSON.stringify(body)).toBe(201)
  const path = `/oauth2/clients/${body.client_id}`
  const token = String(body.registration_access_token)
  return {
    id: String(body.client_id),
    token,
    body,
    get: (as = token) => send('GET', path, undefined, as),
    put: (changes: unknown, as = token) => send('PUT', path, changes, as),
    delete: (as = token) => send('DELETE', path, undefined, as),
  }
}

describe('POST /oauth2/register', () => {
  it('OA-32, OA-36: defaults of a confidential client, with a secret that is shown once', async () => {
    const { body, headers } = await register(CONFIDENTIAL)
    expect(body).toEqual({
      client_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      client_id_issued_at: expect.any(Number),
      client_name: 'Dynamically Registered Client',
      client_secret: expect.stringMatching(/^coder_[0-9A-Za-z]{10}_[0-9A-Za-z]{40}$/),
      client_secret_expires_at: 0,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://e.com/cb'],
      registration_access_token: expect.stringMatching(/^[0-9A-Za-z]{40}$/),
      registration_client_uri: `${BASE}/oauth2/clients/${body.client_id}`,
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    })
    expect(Math.abs(Number(body.client_id_issued_at) - Date.now() / 1000)).toBeLessThan(60)
    expect(headers.get('cache-control')).toBe('no-store')
    await using database = await openDatabase(server.databaseUrl)
    const row = await database.db
      .selectFrom('oauth2_provider_apps')
      .selectAll()
      .where('id', '=', String(body.client_id))
      .executeTakeFirstOrThrow()
    const hash = createHash('sha256').update(String(body.registration_access_token)).digest()
    expect(row).toMatchObject({
      client_type: 'confidential',
      dynamically_registered: true,
      callback_url: 'https://e.com/cb',
      registration_access_token: hash,
    })
    const secrets = await database.db
      .selectFrom('oauth2_provider_app_secrets')
      .select('display_secret')
      .where('app_id', '=', row.id)
      .execute()
    expect(secrets).toEqual([{ display_secret: `${'*'.repeat(51)}${String(body.client_secret).slice(-6)}` }])
  })

  it('OA-32: a public client gets no secret at all', async () => {
    const { status, body } = await register(PUBLIC)
    expect(status).toBe(201)
    expect(body).not.toHaveProperty('client_secret')
    expect(body).not.toHaveProperty('client_secret_expires_at')
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    const app_id = String(body.client_id)
    const row = await db
      .selectFrom('oauth2_provider_apps')
      .selectAll()
      .where('id', '=', app_id)
      .executeTakeFirst()
    expect(row?.client_type).toBe('public')
    expect(
      await db.selectFrom('oauth2_provider_app_secrets').selectAll().where('app_id', '=', app_id).execute(),
    ).toEqual([])
  })

  it('OA-36: all metadata is answered, what is unknown ignored', async () => {
    const metadata = {
      redirect_uris: ['https://e.com/cb', 'vscode://ext'],
      client_name: 'Pine CLI ✓',
      client_uri: 'https://e.com#about',
      logo_uri: 'http://e.com/logo.png',
      tos_uri: 'https://e.com/tos',
      policy_uri: 'https://e.com/policy',
      jwks: { keys: [{ kty: 'RSA', n: 'x', e: 'AQAB' }] },
      software_id: 'pine',
      software_version: '1.2',
      grant_types: ['refresh_token', 'authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'workspace:read template:read',
      contacts: ['a@e.com'],
    }
    const { status, body } = await register({
      ...metadata,
      software_statement: 'ey',
      frobnicate: { a: 1 },
      jwks_uri: null,
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({ ...metadata, scope: 'template:read workspace:read' })
    expect(body).not.toHaveProperty('software_statement')
    expect(body).not.toHaveProperty('frobnicate')
  })

  it('OA-32: a long name is cut and still tells clients apart', async () => {
    const name = 'é'.repeat(65)
    const digest = createHash('sha256').update(name).digest('hex').slice(0, 8)
    expect((await register({ ...PUBLIC, client_name: name })).body.client_name).toBe(
      `${'é'.repeat(55)}-${digest}`,
    )
    expect((await register({ ...PUBLIC, client_name: 'é'.repeat(64) })).body.client_name).toBe('é'.repeat(64))
  })

  it.each([
    ['redirect_uris', {}],
    ['redirect_uris', { redirect_uris: [] }],
    ['redirect_uris', { redirect_uris: 'https://e.com' }],
    ['redirect_uris', { redirect_uris: [1] }],
    ['redirect_uris', { redirect_uris: Array.from({ length: 33 }, (_, at) => `https://e.com/${at}`) }],
    ['grant_types', { grant_types: ['refresh_token'] }],
    ['grant_types', { grant_types: ['authorization_code', 'password'] }],
    ['grant_types', { grant_types: ['authorization_code', 'client_credentials'] }],
    ['response_types', { response_types: ['token'] }],
    ['response_types', { response_types: ['code', 'token'] }],
    ['token_endpoint_auth_method', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['token_endpoint_auth_method', { token_endpoint_auth_method: 5 }],
    ['application_type', { application_type: 'desktop' }],
    ['client_name', { client_name: 1 }],
    ['client_name', { client_name: 'a\0b' }],
    ['client_name', { client_name: '\ud800' }],
    ['client_uri', { client_uri: 'e.com' }],
    ['client_uri', { client_uri: 'javascript:alert(1)' }],
    ['logo_uri', { logo_uri: 'data:image/png;base64,AA' }],
    ['logo_uri', { logo_uri: `https://e.com/${'x'.repeat(256)}` }],
    ['tos_uri', { tos_uri: 'https://' }],
    ['policy_uri', { policy_uri: '/policy' }],
    ['jwks_uri', { jwks_uri: 'ftp://e.com/jwks' }],
    ['jwks', { jwks: [] }],
    ['jwks', { jwks: 'x' }],
    ['jwks', { jwks: { keys: ['x'.repeat(20_000)] } }],
    ['jwks', { jwks: { keys: ['\0'] } }],
    ['jwks', { jwks: { keys: ['\udc00'] } }],
    ['jwks', { jwks: {}, jwks_uri: 'https://e.com/jwks' }],
    ['software_id', { software_id: 'x'.repeat(257) }],
    ['contacts', { contacts: ['x'.repeat(257)] }],
    ['contacts', { contacts: 'a@e.com' }],
    // OA-B6
    ['scope', { scope: 'workspace:read nonsense' }],
    ['scope', { scope: 'deployment_config:read' }],
  ])('OA-35, OA-37: %s is named when it is wrong: %j', async (member, wrong) => {
    const metadata =
      'redirect_uris' in wrong || Object.keys(wrong).length === 0 ? wrong : { ...CONFIDENTIAL, ...wrong }
    const { status, body } = await register(metadata)
    expect(status).toBe(400)
    expect(body).toEqual({
      error: 'invalid_client_metadata',
      error_description: expect.stringContaining(member),
    })
  })

  it.each(['', '{', '[]', '"x"', 'null', '\u{fffd}', 'a=b'])(
    'OA-37: the body %j is no metadata',
    async (text) => {
      const { status, body } = await register(text)
      expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
    },
  )

  it('OA-37: bytes that are no text, and a body that is too long', async () => {
    const response = await fetch(`${server.url}/oauth2/register`, {
      method: 'POST',
      body: Buffer.from([0x22, 0xff, 0x22]),
    })
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: 'invalid_client_metadata' },
    ])
    const long = await register({ ...CONFIDENTIAL, client_uri: `https://e.com/${'x'.repeat(100_000)}` })
    expect([long.status, long.body.error]).toEqual([413, 'invalid_request'])
  })

  it('OA-33, OA-25: while it is off nobody registers, and who has goes on', async () => {
    const client = await registered(CONFIDENTIAL)
    await allowRegistration(false)
    try {
      // Also before the body is looked at.
      for (const body of [CONFIDENTIAL, '{', { redirect_uris: [] }]) {
        const refused = await register(body)
        expect([refused.status, refused.body.error]).toEqual([403, 'invalid_request'])
        expect(refused.body.error_description).toContain('disabled')
      }
      expect((await client.get()).status).toBe(200)
      expect((await client.put(CONFIDENTIAL)).status).toBe(200)
      expect((await client.delete()).status).toBe(204)
    } finally {
      await allowRegistration(true)
    }
  })

  it('OA-B19: what a client is says where it may be redirected to', async () => {
    const statusOf = async (application_type: string, uri: string, method = 'none') => {
      const metadata = { application_type, redirect_uris: [uri], token_endpoint_auth_method: method }
      return (await register(metadata)).status
    }
    expect(await statusOf('web', 'https://e.com/cb', 'client_secret_basic')).toBe(201)
    expect(await statusOf('web', 'http://localhost/cb')).toBe(201)
    expect(await statusOf('web', 'myapp://cb')).toBe(400)
    expect(await statusOf('web', 'urn:ietf:wg:oauth:2.0:oob')).toBe(400)
    expect(await statusOf('native', 'myapp://cb')).toBe(201)
    expect(await statusOf('native', 'http://127.0.0.1/cb')).toBe(201)
    expect(await statusOf('native', 'http://e.com/cb')).toBe(400)
    const { body } = await register({ ...PUBLIC, redirect_uris: ['myapp://cb'], application_type: 'native' })
    expect(body.application_type).toBe('native')
  })
})

describe('/oauth2/clients/{client_id}', () => {
  it('OA-38: a client reads its registration without its secrets', async () => {
    const client = await registered({ ...CONFIDENTIAL, client_name: 'Reader' })
    const { status, body, headers } = await client.get()
    expect(status).toBe(200)
    const { client_secret: _secret, registration_access_token: _token, ...rest } = client.body
    expect(body).toEqual(rest)
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('RFC 7592: who does not prove to be that client learns nothing of it', async () => {
    const [one, two] = [await registered(CONFIDENTIAL), await registered(PUBLIC)]
    const app = await owner.call(createOAuth2App, { body: { name: 'admins', callback_url: 'https://e.com' } })
    const bodies: unknown[] = []
    for (const method of ['GET', 'PUT', 'DELETE'])
      for (const [id, header, status, error] of [
        ['x', `Bearer ${one.token}`, 400, 'invalid_client_id'],
        ['00000000', `Bearer ${one.token}`, 400, 'invalid_client_id'],
        [two.id, undefined, 401, 'invalid_token'],
        [two.id, 'Basic eDp5', 401, 'invalid_token'],
        [two.id, 'Bearer ', 401, 'invalid_token'],
        [two.id, one.token, 401, 'invalid_token'],
        [two.id, `Bearer ${one.token}`, 401, 'invalid_token'],
        [two.id, `Bearer ${one.body.client_secret}`, 401, 'invalid_token'],
        [two.id, 'Bearer wrong', 401, 'invalid_token'],
        [randomUUID(), `Bearer ${one.token}`, 401, 'invalid_token'],
        [app.id, `Bearer ${one.token}`, 403, 'invalid_token'],
      ] as const) {
        const response = await fetch(`${server.url}/oauth2/clients/${id}`, {
          method,
          headers: { ...(header === undefined ? {} : { authorization: header }) },
          ...(method === 'PUT' ? { body: JSON.stringify({ ...PUBLIC, client_name: 'taken' }) } : {}),
        })
        const body: unknown = await response.json()
        expect([response.status, body], `${method} ${id} ${header}`).toMatchObject([status, { error }])
        expect(Object.keys(Object(body))).toEqual(['error', 'error_description'])
        if (status === 400) bodies.push(body)
      }
    // OA-42
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
    const { client_name, redirect_uris } = (await two.get()).body
    expect([client_name, redirect_uris]).toEqual(['Dynamically Registered Client', ['https://e.com/cb']])
  })

  it('OA-39: a change replaces everything, and the token stays', async () => {
    const client = await registered({
      ...CONFIDENTIAL,
      client_name: 'Old',
      scope: 'workspace:read',
      contacts: ['x'],
    })
    const { status, body } = await client.put({
      redirect_uris: ['https://new.example/a', 'https://new.example/b'],
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      client_id: client.id,
      client_name: 'Dynamically Registered Client',
      redirect_uris: ['https://new.example/a', 'https://new.example/b'],
    })
    for (const gone of ['scope', 'contacts', 'registration_access_token', 'client_secret'])
      expect(body).not.toHaveProperty(gone)
    expect((await client.get()).body).toEqual(body)
    await using database = await openDatabase(server.databaseUrl)
    const row = await database.db
      .selectFrom('oauth2_provider_apps')
      .select('callback_url')
      .where('id', '=', client.id)
      .executeTakeFirst()
    expect(row?.callback_url).toBe('https://new.example/a')
    const other = await registered(PUBLIC)
    for (const fault of [
      { redirect_uris: ['javascript:"\\é'] },
      // RFC 7592, section 2.2: whoever names itself names itself.
      { redirect_uris: ['https://e.com/'], client_id: other.id },
      { redirect_uris: ['https://e.com/'], client_id: 7 },
    ]) {
      const wrong = await client.put(fault)
      expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_client_metadata'])
      // RFC 6749, section 5.2.
      expect(wrong.body.error_description).toMatch(/^[ !#-[\]-~]+$/)
      expect((await client.get()).body).toEqual(body)
    }
    expect((await client.put(body)).body).toEqual(body)
  })

  it('OA-40: the type of a client never changes', async () => {
    const [confidential, open] = [await registered(CONFIDENTIAL), await registered(PUBLIC)]
    for (const [client, change, stored, asked] of [
      [confidential, PUBLIC, 'client_secret_basic', 'none'],
      [open, CONFIDENTIAL, 'none', 'client_secret_basic'],
    ] as const) {
      const before = (await client.get()).body
      const { status, body } = await client.put({ ...change, client_name: 'changed' })
      expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
      expect(body.error_description).toContain(stored)
      expect(body.error_description).toContain(asked)
      expect((await client.get()).body).toEqual(before)
    }
    const post = { ...CONFIDENTIAL, token_endpoint_auth_method: 'client_secret_post' }
    expect((await confidential.put(post)).body.token_endpoint_auth_method).toBe('client_secret_post')
    expect((await open.put({ ...PUBLIC, client_name: 'changed' })).body.client_name).toBe('changed')
  })

  it('OA-40: a row whose type and method disagree is changed and stays what it is', async () => {
    const client = await registered(CONFIDENTIAL)
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    await db
      .updateTable('oauth2_provider_apps')
      .set({ token_endpoint_auth_method: 'none' })
      .where('id', '=', client.id)
      .execute()
    expect((await client.put({ ...PUBLIC, client_name: 'still' })).body.client_name).toBe('still')
    const row = await db
      .selectFrom('oauth2_provider_apps')
      .select('client_type')
      .where('id', '=', client.id)
      .executeTakeFirst()
    expect(row?.client_type).toBe('confidential')
  })

  it('OA-41: of many who remove a client at once one does, and then it is gone', async () => {
    const client = await registered(CONFIDENTIAL)
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.delete()))
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    for (const { status, body } of answers)
      if (status !== 204) expect([status, body.error]).toEqual([401, 'invalid_token'])
    for (const answer of [await client.get(), await client.delete(), await client.put(CONFIDENTIAL)])
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token'])
    await using database = await openDatabase(server.databaseUrl)
    const secrets = await database.db
      .selectFrom('oauth2_provider_app_secrets')
      .selectAll()
      .where('app_id', '=', client.id)
      .execute()
    expect(secrets).toEqual([])
  })

  it('OA-20, OA-33: registration, change and removal are audited without secrets', async () => {
    const client = await registered({ ...CONFIDENTIAL, client_name: 'Audited', jwks: { keys: [] } })
    await client.put({ ...CONFIDENTIAL, client_name: 'Renamed', jwks: { keys: [{ kty: 'RSA' }] } })
    await client.delete()
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: `resource_type:oauth2_provider_app resource_id:${client.id}`, limit: 10 },
    })
    expect(audit_logs.map(({ action, resource_target }) => [action, resource_target])).toEqual([
      ['delete', 'Renamed'],
      ['write', 'Renamed'],
      ['create', 'Audited'],
    ])
    expect(audit_logs[1]?.diff).toEqual({
      name: { old: 'Audited', new: 'Renamed', secret: false },
      jwks: { old: {}, new: {}, secret: true },
    })
    const text = JSON.stringify(audit_logs)
    expect(text).not.toContain(client.token)
    expect(text).not.toContain(createHash('sha256').update(client.token).digest('hex'))
  })

  it('OA-42: whatever is sent, no answer is a fault of ours', async () => {
    const client = await registered(CONFIDENTIAL)
    const values = [
      null,
      1,
      true,
      '',
      'x',
      '\0',
      '\ud800',
      [],
      {},
      ['x'],
      [null],
      { keys: [[[]]] },
      'https://e.com',
    ]
    const members = Object.keys({
      ...client.body,
      ...CONFIDENTIAL,
      scope: 1,
      jwks: 1,
      contacts: 1,
      application_type: 1,
    })
    for (const member of members)
      for (const value of values) {
        const { status, body } = await register({ ...CONFIDENTIAL, [member]: value })
        expect([201, 400], `${member} ${JSON.stringify(value)}: ${JSON.stringify(body)}`).toContain(status)
      }
  })
})
