import { createHash } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  OAuth2ClientType,
  OAuth2ErrorCode,
  OAuth2PKCECodeChallengeMethod,
  OAuth2ProviderGrantType,
  OAuth2ProviderResponseType,
  OAuth2RevocationTokenTypeHint,
  OAuth2TokenEndpointAuthMethod,
  OAuth2TokenType,
  registerOAuth2Client,
  updateOAuth2Settings,
} from '@slipway/contract'
import { openDatabase, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import { CALLBACK, OAuthDeployment, pkce, type TestApp, told } from './deployment.fixture.ts'
import { findCode } from './store/codes.ts'

let deployment: OAuthDeployment
let database: Awaited<ReturnType<typeof openDatabase>>
let app: TestApp

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  database = await openDatabase(deployment.server.databaseUrl, { maxConnections: 3 })
  app = await deployment.app()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await deployment[Symbol.asyncDispose]()
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function codeRow(code: string) {
  return database.db
    .selectFrom('oauth2_provider_app_codes')
    .selectAll()
    .where('secret_prefix', '=', code.split('_')[1] ?? '')
    .executeTakeFirst()
}

describe('what is stored of secrets', () => {
  it('OA-9, OA-10, OA-64: of codes and tokens only a hash, of a key that is the user’s and no more than was granted', async () => {
    const scope = 'template:read workspace:read'
    const code = await deployment.code(app, { scope })
    const stored = await codeRow(code.code)
    expect(stored?.hashed_secret.toString('hex')).toBe(sha256(code.code.split('_')[2] ?? ''))
    const tokens = JSON.parse(await (await deployment.exchange(app, code)).text())
    const [id = '', secret = ''] = tokens.access_token.split('-')
    const key = await database.db
      .selectFrom('api_keys')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(key).toMatchObject({
      user_id: deployment.memberId,
      login_type: 'oauth2_provider_app',
      lifetime_seconds: 86_400,
      token_name: `${deployment.memberId}_${app.id}_oauth_session_token`,
      scopes: ['template:read', 'workspace:read'],
      allow_list: ['*:*'],
    })
    expect(key.hashed_secret.toString('hex')).toBe(sha256(secret))
    expect(key.expires_at.toISOString()).toBe(tokens.expiry)
    const [, prefix = '', refresh = ''] = tokens.refresh_token.split('_')
    const pair = await database.db
      .selectFrom('oauth2_provider_app_tokens')
      .selectAll()
      .where('hash_prefix', '=', prefix)
      .executeTakeFirstOrThrow()
    expect(pair.api_key_id).toBe(id)
    expect(pair.refresh_hash.toString('hex')).toBe(sha256(refresh))
    const { rows } = await sql<{ text: string }>`
      select to_jsonb(c)::text as text from oauth2_provider_app_codes c
      union all select to_jsonb(t)::text from oauth2_provider_app_tokens t
      union all select to_jsonb(k)::text from api_keys k`.execute(database.db)
    for (const plain of [code.code.split('_')[2] ?? '', secret, refresh])
      expect(rows.filter(({ text }) => text.includes(plain))).toEqual([])
  })

  it('OA-10: of a registration access token as well, which is 40 letters and digits', async () => {
    await deployment.owner.call(updateOAuth2Settings, {
      body: { dynamic_client_registration_enabled: true },
    })
    const answer = await deployment.post(registerOAuth2Client.path, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://e.com/cb'] }),
    })
    const { client_id: id, registration_access_token: token } = JSON.parse(await answer.text())
    expect(token).toMatch(/^[A-Za-z0-9]{40}$/)
    const { registration_access_token: stored } = await database.db
      .selectFrom('oauth2_provider_apps')
      .select('registration_access_token')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(stored?.toString('hex')).toBe(sha256(token))
  })

  it('OA-12, OA-58: of the redirect URI what was asked with; one that was not given need not be given again', async () => {
    const given = await deployment.code(app, { redirect_uri: CALLBACK })
    expect((await codeRow(given.code))?.redirect_uri).toBe(CALLBACK)
    expect(await told(await deployment.exchange(app, given))).toEqual({ status: 400, error: 'invalid_grant' })
    const without = await deployment.code(app)
    expect((await codeRow(without.code))?.redirect_uri).toBeNull()
    expect((await deployment.exchange(app, without)).status).toBe(200)
  })

  it('OA-62, OA-66: the audience, the scopes and the secret go along with a refresh', async () => {
    const resource = 'https://r.example/x'
    const first = await deployment.tokens(app, { resource, scope: 'workspace:read' })
    const answer = await deployment.refresh(app, first.refresh_token)
    const second = JSON.parse(await answer.text())
    const pair = (refresh: string | undefined) =>
      database.db
        .selectFrom('oauth2_provider_app_tokens')
        .selectAll()
        .where('hash_prefix', '=', refresh?.split('_')[1] ?? '')
        .executeTakeFirst()
    const row = await pair(second.refresh_token)
    expect(row?.app_secret_id).not.toBeNull()
    expect(second.scope).toBe('workspace:read')
    const introspected = await deployment.form('/oauth2/introspect', app, { token: second.access_token })
    expect(await introspected.json()).toMatchObject({ aud: resource, scope: 'workspace:read' })
  })
})

describe('what a client is registered for', () => {
  it('RFC 7591: one that gives refresh tokens up has no use for those that it has', async () => {
    await deployment.owner.call(updateOAuth2Settings, {
      body: { dynamic_client_registration_enabled: true },
    })
    const metadata = { redirect_uris: ['http://127.0.0.1:4321/cb'], token_endpoint_auth_method: 'none' }
    const headers = { 'content-type': 'application/json' }
    const answer = await deployment.post(registerOAuth2Client.path, {
      headers,
      body: JSON.stringify(metadata),
    })
    const { client_id: id, registration_access_token: token } = JSON.parse(await answer.text())
    const client = { id, secret: undefined, redirectUri: 'http://127.0.0.1:4321/cb' }
    const tokens = await deployment.tokens(client)
    const changed = await fetch(deployment.url(`/oauth2/clients/${id}`), {
      method: 'PUT',
      headers: { ...headers, authorization: `Bearer ${token}` },
      body: JSON.stringify({ ...metadata, grant_types: ['authorization_code'] }),
    })
    expect(changed.status).toBe(200)
    expect(await told(await deployment.refresh(client, tokens.refresh_token))).toEqual({
      status: 400,
      error: 'unauthorized_client',
    })
  })

  it('OA-B6: scopes of a registration that cannot be read allow nothing rather than everything', async () => {
    const odd = await deployment.app({ scope: 'workspace:read' })
    await database.db
      .updateTable('oauth2_provider_apps')
      .set({ scope: 'workspace:read of-a-later-release' })
      .where('id', '=', odd.id)
      .execute()
    const location = async () =>
      (await deployment.authorize(odd, { code_challenge: pkce().challenge })).headers.get('location') ?? ''
    await until('the change is heard of', async () => (await location()).includes('error=invalid_scope'))
  })
})

describe('OA-51: programs', () => {
  it.each(['Coder-Session-Token', 'Authorization'])(
    'authorize with %s and no token of a form',
    async (name) => {
      const token = deployment.member.headers['Coder-Session-Token'] ?? ''
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: app.id,
        code_challenge: pkce().challenge,
      })
      const answer = await deployment.post(`/oauth2/authorize?${query}`, {
        headers: { [name]: name === 'Authorization' ? `bearer ${token}` : token },
      })
      expect(answer.status).toBe(302)
      expect(new URL(answer.headers.get('location') ?? '').searchParams.get('code')).toMatch(/^coder_/)
    },
  )
})

describe('OA-60: a code that was tried with a wrong verifier', () => {
  it('is gone although the client has left before it was', async () => {
    const code = await deployment.code(app)
    const gone = new AbortController()
    const waits = async () => {
      const { rows } = await sql<{ waits: boolean }>`
        select exists (select from pg_stat_activity
                        where datname = current_database() and wait_event_type = 'Lock') as waits`.execute(
        database.db,
      )
      return rows[0]?.waits === true
    }
    await database.transaction(async (tx) => {
      await sql`select 1 from oauth2_provider_app_codes
                 where secret_prefix = ${code.code.split('_')[1] ?? ''} for update`.execute(tx)
      const body = new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: app.id,
        client_secret: app.secret ?? '',
        code: code.code,
        code_verifier: pkce().verifier,
      })
      const left = deployment.post('/oauth2/tokens', { body, signal: gone.signal }).catch(() => 'left')
      await until('the deletion waits', waits)
      gone.abort()
      expect(await left).toBe('left')
    })
    await until('the code is gone', async () => (await codeRow(code.code)) === undefined)
    expect(await told(await deployment.exchange(app, code))).toEqual({ status: 400, error: 'invalid_grant' })
  })

  it('is answered alike when it cannot be deleted', async () => {
    const code = await deployment.code(app)
    await sql`create function keep() returns trigger language plpgsql as
              $$ begin raise exception 'kept'; end $$`.execute(database.db)
    await sql`create trigger keep before delete on oauth2_provider_app_codes
              for each row execute function keep()`.execute(database.db)
    try {
      const wrong = await deployment.exchange(app, { ...code, verifier: pkce().verifier })
      expect(await wrong.json()).toEqual({
        error: 'invalid_grant',
        error_description: 'The PKCE code verifier is invalid',
      })
    } finally {
      await sql`drop function keep cascade`.execute(database.db)
    }
  })
})

it('OA-57: a failure of ours is a server_error without a word of the database', async () => {
  const code = await deployment.code(app)
  await sql`alter table oauth2_provider_app_codes rename to hidden_codes`.execute(database.db)
  try {
    const answer = await deployment.exchange(app, code)
    expect(answer.status).toBe(500)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const text = await answer.text()
    expect(JSON.parse(text)).toMatchObject({ error: 'server_error', error_description: expect.any(String) })
    expect(text).not.toMatch(/oauth2_provider|relation|hidden_codes/)
  } finally {
    await sql`alter table hidden_codes rename to oauth2_provider_app_codes`.execute(database.db)
  }
  expect((await deployment.exchange(app, code)).status).toBe(200)
})

describe('OA-B11: once the client and the way back are known, a failure of ours is told there', () => {
  const ask = async (method: 'GET' | 'POST'): Promise<Record<string, string>> => {
    const answer = await deployment.authorize(
      app,
      { code_challenge: pkce().challenge, state: 'mine' },
      { method },
    )
    expect(answer.status).toBe(302)
    const location = answer.headers.get('location') ?? ''
    expect(location.startsWith(CALLBACK)).toBe(true)
    return Object.fromEntries(new URL(location).searchParams)
  }

  it.each([
    ['oauth2_provider_settings', 'GET'],
    ['oauth2_provider_settings', 'POST'],
    ['oauth2_provider_app_codes', 'POST'],
  ] as const)('server_error without %s, at %s', async (table, method) => {
    await sql`alter table ${sql.table(table)} rename to hidden_rows`.execute(database.db)
    try {
      const told = await ask(method)
      expect(told).toMatchObject({ error: 'server_error', state: 'mine', iss: deployment.server.url })
      expect(JSON.stringify(told)).not.toMatch(/oauth2_provider|relation|hidden_rows/)
    } finally {
      await sql`alter table hidden_rows rename to ${sql.table(table)}`.execute(database.db)
    }
  })

  it('temporarily_unavailable while the database has no room', async () => {
    await sql`create function no_room() returns trigger language plpgsql as
              $$ begin raise exception 'no space left' using errcode = '53100'; end $$`.execute(database.db)
    await sql`create trigger no_room before insert on oauth2_provider_app_codes
              for each row execute function no_room()`.execute(database.db)
    try {
      expect(await ask('POST')).toMatchObject({ error: 'temporarily_unavailable', state: 'mine' })
    } finally {
      await sql`drop function no_room cascade`.execute(database.db)
    }
  })
})

it('OA-70: hints may be wrong, and only POST revokes', async () => {
  const { access_token: token, refresh_token: refresh } = await deployment.tokens(app)
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH'])
    expect(
      (await fetch(deployment.url(`/oauth2/revoke?token=${token}&client_id=${app.id}`), { method })).status,
      method,
    ).toBeGreaterThanOrEqual(404)
  expect(await deployment.use(token)).toBe(200)
  const answer = await deployment.form('/oauth2/revoke', app, {
    token: refresh,
    token_type_hint: 'access_token',
  })
  expect(answer.status).toBe(200)
  expect(await deployment.use(token)).toBe(401)
})

it('OA-82: the types of the SDK have all values of the protocol', () => {
  expect([...OAuth2ProviderGrantType.enum]).toEqual(
    expect.arrayContaining([
      'authorization_code',
      'refresh_token',
      'password',
      'client_credentials',
      'implicit',
    ]),
  )
  expect([...OAuth2ProviderResponseType.enum]).toEqual(['code', 'token'])
  expect([...OAuth2TokenEndpointAuthMethod.enum]).toEqual([
    'client_secret_basic',
    'client_secret_post',
    'none',
  ])
  expect([...OAuth2ClientType.enum]).toEqual(['confidential', 'public'])
  expect([...OAuth2PKCECodeChallengeMethod.enum]).toEqual(['S256', 'plain'])
  expect([...OAuth2TokenType.enum]).toEqual(['Bearer', 'DPoP'])
  expect([...OAuth2RevocationTokenTypeHint.enum]).toEqual(['access_token', 'refresh_token'])
  expect([...OAuth2ErrorCode.enum]).toEqual(
    expect.arrayContaining([
      'invalid_request',
      'invalid_client',
      'invalid_grant',
      'unauthorized_client',
      'unsupported_grant_type',
      'invalid_scope',
      'access_denied',
      'unsupported_response_type',
      'server_error',
      'temporarily_unavailable',
      'unsupported_token_type',
      'invalid_target',
    ]),
  )
})

describe('what is read', () => {
  it('L-6: of many codes at once their accounts are looked up, and not all that there are', async () => {
    const { rows: made } = await sql<{ prefix: string }>`
      with crowd as (
        insert into users (username, email, status, login_type, hashed_password)
        select 'crowd' || n, 'crowd' || n || '@example.com', 'active', 'password', '' from generate_series(1, 3000) n
        returning id)
      insert into oauth2_provider_app_codes (app_id, user_id, expires_at, secret_prefix, hashed_secret, code_challenge,
        code_challenge_method, scopes)
      select ${app.id}, id, now() + interval '1 hour', left(md5(id::text), 10), sha256(id::text::bytea), '', 'S256',
             '{coder:all}'
        from crowd returning secret_prefix as prefix`.execute(database.db)
    await sql`analyze oauth2_provider_app_codes`.execute(database.db)
    const actor = systemActor('system_oauth', 'what a statement reads is counted')
    const read = await database.transaction(async (tx) => {
      const found = await Promise.all(made.slice(0, 40).map(({ prefix }) => findCode(actor, tx, prefix)))
      expect(found).not.toContain(undefined)
      const { rows } = await sql<{ read: string }>`
        select seq_tup_read as read from pg_stat_xact_user_tables where relname = 'users'`.execute(tx)
      return Number(rows[0]?.read)
    })
    expect(read).toBe(0)
  })
})
