import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  DEVICE_CODE_GRANT,
  deleteKey,
  deleteOAuth2App,
  deleteOAuth2AppSecret,
  deleteOAuth2Grant,
  listAuditLogs,
  listOAuth2AppSecrets,
  listOAuth2Apps,
  listOAuth2Grants,
  type OAuth2TokenResponse,
  suspendUser,
} from '@slipway/contract'
import { fixtures, openDatabase, until } from '@slipway/testkit'
import { OAuthDeployment, search, type TestApp, told } from './deployment.fixture.ts'

let deployment: OAuthDeployment
let app: TestApp
let other: TestApp

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  app = await deployment.app()
  other = await deployment.app()
})
afterAll(() => deployment[Symbol.asyncDispose]())

const revoke = (of: TestApp, token: string | undefined, more: Record<string, string | undefined> = {}) =>
  deployment.form('/oauth2/revoke', of, { client_secret: undefined, token, ...more })

const introspect = async (of: TestApp, token: string | undefined) =>
  deployment.form('/oauth2/introspect', of, { token })

async function isActive(of: TestApp, token: string | undefined): Promise<boolean> {
  const { active }: { active: boolean } = JSON.parse(await (await introspect(of, token)).text())
  return active
}

describe('revocation', () => {
  it('row 36, OA-71: either token of a pair ends both', async () => {
    for (const which of ['access_token', 'refresh_token'] as const) {
      const tokens = await deployment.tokens(app)
      const answer = await revoke(app, tokens[which], { token_type_hint: 'refresh_token' })
      expect([answer.status, await answer.text()]).toEqual([200, ''])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await deployment.use(tokens.access_token)).toBe(401)
      expect((await deployment.refresh(app, tokens.refresh_token)).status).toBe(400)
    }
  })

  it('OA-70, OA-71: a refresh token that was exchanged stands for what came of it', async () => {
    const first = await deployment.tokens(app)
    const second = JSON.parse(await (await deployment.refresh(app, first.refresh_token)).text())
    const wrong = `${first.refresh_token?.slice(0, -40)}${'b'.repeat(40)}`
    for (const [of, token] of [
      [other, first.refresh_token],
      [app, wrong],
    ] as const)
      expect((await revoke(of, token)).status).toBe(200)
    expect(await deployment.use(second.access_token)).toBe(200)
    expect((await revoke(app, first.refresh_token)).status).toBe(200)
    expect(await deployment.use(second.access_token)).toBe(401)
    expect((await deployment.refresh(app, second.refresh_token)).status).toBe(400)
  })

  it('row 37, OA-72, OA-73: what is foreign, unknown or wrong changes nothing; what is malformed is told', async () => {
    const tokens = await deployment.tokens(app)
    expect((await revoke(other, tokens.access_token)).status).toBe(200)
    expect((await revoke(other, tokens.refresh_token)).status).toBe(200)
    expect((await revoke(app, `coder_${'a'.repeat(10)}_${'b'.repeat(40)}`)).status).toBe(200)
    expect((await revoke(app, `${'a'.repeat(10)}-${'b'.repeat(22)}`)).status).toBe(200)
    const [prefix] = tokens.access_token.split('-')
    expect((await revoke(app, `${prefix}-${'b'.repeat(22)}`)).status).toBe(200)
    const [, key] = (tokens.refresh_token ?? '').split('_')
    expect((await revoke(app, `coder_${key}_${'b'.repeat(40)}`)).status).toBe(200)
    const own = deployment.member.headers['Coder-Session-Token']
    expect((await revoke(app, own)).status).toBe(200)
    expect(await deployment.use(own ?? '')).toBe(200)
    for (const token of ['garbage', 'coder_x', 'a-b'])
      expect(await (await revoke(app, token)).json()).toMatchObject({
        error: 'invalid_request',
        error_description: 'Invalid token format',
      })
    expect(await told(await revoke(app, undefined))).toEqual({ status: 400, error: 'invalid_request' })
    expect(await deployment.use(tokens.access_token)).toBe(200)
  })

  it('OA-72, OA-74: an unknown client, and credentials that are wrong', async () => {
    const { access_token: token } = await deployment.tokens(app)
    const unknown = { ...app, id: '00000000-0000-4000-8000-000000000000' }
    expect(await told(await revoke(unknown, token))).toEqual({ status: 401, error: 'invalid_client' })
    expect(await told(await revoke(app, token, { client_secret: other.secret }))).toEqual({
      status: 401,
      error: 'invalid_client',
    })
    expect(await deployment.use(token)).toBe(200)
    expect((await revoke(app, token, { client_secret: app.secret })).status).toBe(200)
    expect(await deployment.use(token)).toBe(401)
    expect((await fetch(deployment.url('/oauth2/revoke'))).status).not.toBe(200)
  })
})

describe('introspection', () => {
  it('RFC 7662: says what a token is worth, to its client alone', async () => {
    const tokens = await deployment.tokens(app, { scope: 'workspace:read', resource: 'https://r.example/' })
    const answer = await introspect(app, tokens.access_token)
    expect(answer.status).toBe(200)
    const body = JSON.parse(await answer.text())
    expect(body).toEqual({
      active: true,
      scope: 'workspace:read',
      client_id: app.id,
      username: 'member',
      token_type: 'Bearer',
      exp: expect.any(Number),
      iat: expect.any(Number),
      sub: deployment.memberId,
      aud: 'https://r.example/',
      iss: deployment.server.url,
    })
    expect(body.exp - body.iat).toBe(86_400)
    expect(await isActive(app, tokens.refresh_token)).toBe(true)
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      expect(await (await introspect(other, token)).text()).toBe('{"active":false}')
      expect(await (await introspect(app, `${token?.slice(0, -1)}!`)).text()).toBe('{"active":false}')
    }
    const own = deployment.member.headers['Coder-Session-Token']
    expect(await isActive(app, own)).toBe(false)
    await revoke(app, tokens.refresh_token)
    expect(await isActive(app, tokens.access_token)).toBe(false)
    expect(await isActive(app, tokens.refresh_token)).toBe(false)
  })

  it('RFC 7662 section 2.1: needs the credentials of the client and a token', async () => {
    const { access_token: token } = await deployment.tokens(app)
    const without = await introspect({ ...app, secret: undefined }, token)
    expect(await told(without)).toEqual({ status: 401, error: 'invalid_client' })
    expect(await told(await introspect(app, undefined))).toEqual({ status: 400, error: 'invalid_request' })
  })

  it('knows at once what a refresh has ended', async () => {
    const tokens = await deployment.tokens(app)
    expect(await isActive(app, tokens.access_token)).toBe(true)
    const next = JSON.parse(await (await deployment.refresh(app, tokens.refresh_token)).text())
    expect(await isActive(app, tokens.access_token)).toBe(false)
    expect(await isActive(app, next.access_token)).toBe(true)
  })
})

describe('the key of an access token', () => {
  it('ID-54, OP-46: is deleted all the same when a refresh holds what hangs on it', async () => {
    const tokens = await deployment.tokens(app)
    const keyid = tokens.access_token.split('-')[0] ?? ''
    await using database = await openDatabase(deployment.server.databaseUrl)
    let deleting: Promise<unknown> = Promise.resolve()
    // As a refresh does it: first the pair, then its key.
    await database.db.transaction().execute(async (tx) => {
      await sql`select 1 from oauth2_provider_app_tokens where api_key_id = ${keyid} for update`.execute(tx)
      deleting = deployment.member.call(deleteKey, { params: { user: 'me', keyid } })
      await until('the deletion to wait', async () => {
        const { rows } = await sql`select 1 from pg_locks where not granted`.execute(database.db)
        return rows.length > 0
      })
      await sql`select 1 from api_keys where id = ${keyid} for update`.execute(tx)
    })
    await deleting
    expect(await deployment.use(tokens.access_token)).toBe(401)
  })
})

describe('what a user has granted', () => {
  it('OA-B10: several grants of one app, each seen and ended by itself', async () => {
    const mine = await deployment.app()
    const first = await deployment.tokens(mine, { scope: 'workspace:read' })
    const second = await deployment.tokens(mine, { scope: 'template:read', resource: deployment.server.url })
    const params = { user: 'me' }
    const grants = (await deployment.member.call(listOAuth2Grants, { params })).filter(
      ({ app_id }) => app_id === mine.id,
    )
    expect(grants).toMatchObject([
      { scopes: ['workspace:read'], resource: '', ip_address: '127.0.0.1', self_registered: false },
      { scopes: ['template:read'], resource: deployment.server.url },
    ])
    expect(grants[1]?.first_authorized_at).toBe(grants[0]?.created_at)
    await deployment.member.call(deleteOAuth2Grant, {
      params: { ...params, oauth2grant: grants[0]?.id ?? '' },
    })
    expect(await isActive(mine, first.access_token)).toBe(false)
    expect((await deployment.refresh(mine, first.refresh_token)).status).toBe(400)
    expect(await isActive(mine, second.access_token)).toBe(true)
  })

  it('OA-B10: nobody else sees or ends them but an owner', async () => {
    const { access_token: token } = await deployment.tokens(app)
    const stranger = await deployment.server.user('stranger')
    const params = { user: deployment.memberId }
    await expect(stranger.call(listOAuth2Grants, { params })).rejects.toMatchObject({ status: 404 })
    const [grant] = await deployment.owner.call(listOAuth2Grants, { params })
    const oauth2grant = grant?.id ?? ''
    for (const client of [stranger, deployment.owner])
      await expect(
        client.call(deleteOAuth2Grant, { params: { user: 'me', oauth2grant } }),
      ).rejects.toMatchObject({ status: 404 })
    for (const malformed of ['x', '00000000-0000-4000-8000-000000000000'])
      await expect(
        deployment.member.call(deleteOAuth2Grant, { params: { user: 'me', oauth2grant: malformed } }),
      ).rejects.toMatchObject({ status: 404 })
    expect(await deployment.use(token)).toBe(200)
  })

  it('OA-B10: the grant unused for longest makes room for the one too many', async () => {
    const mine = await deployment.app()
    const first = await deployment.tokens(mine)
    const second = await deployment.tokens(mine)
    const kept = JSON.parse(await (await deployment.refresh(mine, first.refresh_token)).text())
    for (let made = 2; made < 21; made += 1) await deployment.tokens(mine)
    expect(await isActive(mine, kept.access_token)).toBe(true)
    expect(await isActive(mine, second.access_token)).toBe(false)
  })

  it('row 38, OA-75: ends all of an app for the caller alone; none is no fault', async () => {
    const mine = await deployment.app()
    const tokens = await deployment.tokens(mine)
    const owners = await deployment.tokens(mine, {}, deployment.owner)
    const pending = await deployment.code(mine)
    const end = (client_id: string | undefined) =>
      fetch(deployment.url(`/oauth2/tokens${client_id === undefined ? '' : `?client_id=${client_id}`}`), {
        method: 'DELETE',
        headers: deployment.member.headers,
      })
    const listed = async () =>
      (await deployment.member.call(listOAuth2Apps, { query: { user_id: deployment.memberId } })).map(
        ({ id }) => id,
      )
    expect(await listed()).toContain(mine.id)
    expect((await end(mine.id)).status).toBe(204)
    expect((await end(mine.id)).status).toBe(204)
    expect(await listed()).not.toContain(mine.id)
    expect(await deployment.use(tokens.access_token)).toBe(401)
    expect(await deployment.use(owners.access_token)).toBe(200)
    expect((await deployment.exchange(mine, pending)).status).toBe(400)
    expect(await told(await end(undefined))).toEqual({ status: 400, error: 'invalid_request' })
    const unknown = '00000000-0000-4000-8000-000000000000'
    expect(await told(await end(unknown))).toEqual({ status: 401, error: 'invalid_client' })
    // OA-3: who calls is asked after the client.
    const anonymous = (query: string) => fetch(deployment.url(`/oauth2/tokens${query}`), { method: 'DELETE' })
    expect(await told(await anonymous(''))).toEqual({ status: 400, error: 'invalid_request' })
    expect(await told(await anonymous(`?client_id=${unknown}`))).toEqual({
      status: 401,
      error: 'invalid_client',
    })
    const stranger = await anonymous(`?client_id=${mine.id}`)
    expect(stranger.headers.get('www-authenticate')).toMatch(/^Bearer realm="coder", resource_metadata=/)
    expect(stranger.headers.get('cache-control')).toBe('no-store')
    expect(await told(stranger)).toEqual({ status: 401, error: 'invalid_token' })
  })

  it('OA-75: a code that is redeemed at the same moment leaves nothing behind', async () => {
    const mine = await deployment.app()
    const { code } = await deployment.code(mine)
    await using database = await openDatabase(deployment.server.databaseUrl)
    const prefix = code.split('_')[1] ?? ''
    const grantsLeft = () =>
      database.db.selectFrom('oauth2_provider_grants').select('id').where('app_id', '=', mine.id).execute()
    const ended = await database.transaction(async (tx) => {
      await tx
        .updateTable('oauth2_provider_app_codes')
        .set({ redeemed_at: new Date() })
        .where('secret_prefix', '=', prefix)
        .execute()
      const answer = fetch(deployment.url(`/oauth2/tokens?client_id=${mine.id}`), {
        method: 'DELETE',
        headers: deployment.member.headers,
      })
      await until('the request waits for the code', async () => {
        const { rows } = await sql<{ waits: boolean }>`
          select exists (
            select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as waits`.execute(
          database.db,
        )
        return rows[0]?.waits === true
      })
      await fixtures.oauth2ProviderGrant(tx, { app_id: mine.id, user_id: deployment.memberId })
      return { answer }
    })
    expect((await ended.answer).status).toBe(204)
    expect(await grantsLeft()).toEqual([])
  })

  it('OA-75: a device that was approved gets nothing any more', async () => {
    const mine = await deployment.app()
    const asked = await deployment.form('/oauth2/device', mine, {})
    const { device_code, user_code }: Record<string, string> = JSON.parse(await asked.text())
    const headers = { ...deployment.member.headers }
    const decision = search({ user_code, decision: 'allow' })
    expect((await deployment.post('/oauth2/device/decision', { body: decision, headers })).status).toBe(200)
    await fetch(deployment.url(`/oauth2/tokens?client_id=${mine.id}`), { method: 'DELETE', headers })
    const polled = await deployment.form('/oauth2/tokens', mine, {
      grant_type: DEVICE_CODE_GRANT,
      device_code,
    })
    expect(await told(polled)).toEqual({ status: 400, error: 'invalid_grant' })
  })

  it('OA-7, OA-19: with a secret, and with its app, ends at once what was issued, and it is listed no more', async () => {
    const params = { user: 'me' }
    for (const what of ['secret', 'app'] as const) {
      const mine = await deployment.app()
      const { access_token } = await deployment.tokens(mine)
      expect(await deployment.use(access_token)).toBe(200)
      expect(await isActive(mine, access_token)).toBe(true)
      const secrets = await deployment.owner.call(listOAuth2AppSecrets, { params: { app: mine.id } })
      const secretID = secrets[0]?.id ?? ''
      if (what === 'app') await deployment.owner.call(deleteOAuth2App, { params: { app: mine.id } })
      else await deployment.owner.call(deleteOAuth2AppSecret, { params: { app: mine.id, secretID } })
      expect(await deployment.use(access_token)).toBe(401)
      const grants = await deployment.member.call(listOAuth2Grants, { params })
      expect(grants.filter(({ app_id }) => app_id === mine.id)).toEqual([])
    }
  })

  it('OA-16: an app without refresh tokens is listed for as long as its access token is good', async () => {
    const mine = await deployment.publicClient({ grant_types: ['authorization_code'] })
    const tokens = await deployment.tokens(mine)
    expect(tokens.refresh_token).toBeUndefined()
    await using database = await openDatabase(deployment.server.databaseUrl)
    const row = await database.db
      .selectFrom('oauth2_provider_app_tokens')
      .select('expires_at')
      .where('app_id', '=', mine.id)
      .executeTakeFirstOrThrow()
    expect(row.expires_at.toISOString()).toBe(tokens.expiry)
  })

  it('OA-69, OA-81: a suspended user gets no tokens, and those that there are do not work', async () => {
    const leaver = await deployment.server.user('leaver')
    const tokens = await deployment.tokens(app, {}, leaver)
    const code = await deployment.code(app, {}, leaver)
    await deployment.owner.call(suspendUser, { params: { user: 'leaver' } })
    expect(await deployment.use(tokens.access_token)).toBe(401)
    expect(await told(await deployment.refresh(app, tokens.refresh_token))).toEqual({
      status: 400,
      error: 'invalid_grant',
    })
    expect(await told(await deployment.exchange(app, code))).toEqual({ status: 400, error: 'invalid_grant' })
    expect(await isActive(app, tokens.access_token)).toBe(false)
  })
})

describe('OA-B18', () => {
  it('every step leaves an audit entry with app, user, scopes and address', async () => {
    const mine = await deployment.app()
    const scope = 'workspace:read'
    const code = await deployment.code(mine, { scope })
    const tokens: OAuth2TokenResponse = JSON.parse(await (await deployment.exchange(mine, code)).text())
    const next = JSON.parse(await (await deployment.refresh(mine, tokens.refresh_token)).text())
    await deployment.refresh(mine, tokens.refresh_token)
    await deployment.authorize(
      mine,
      { scope, code_challenge: code.challenge },
      { body: new URLSearchParams({ decision: 'deny' }) },
    )
    await revoke(mine, (await deployment.tokens(mine, { scope })).access_token)
    const again = await deployment.code(mine, { scope })
    await deployment.exchange(mine, again)
    await deployment.exchange(mine, again)
    expect(await isActive(mine, next.access_token)).toBe(false)
    const { audit_logs } = await deployment.owner.call(listAuditLogs, {
      query: { limit: 50, q: `resource_id:${mine.id}` },
    })
    const events = audit_logs
      .filter(({ additional_fields }) => additional_fields !== null && 'oauth2_event' in additional_fields)
      .reverse()
    expect(events.map(({ additional_fields }) => Object(additional_fields).oauth2_event)).toEqual([
      'consent_granted',
      'code_redeemed',
      'token_refreshed',
      'token_reused',
      'consent_denied',
      'consent_granted',
      'code_redeemed',
      'token_revoked',
      'consent_granted',
      'code_redeemed',
      'code_replayed',
    ])
    // Nobody has logged in or out, and nobody has changed the app.
    expect([...new Set(events.map(({ description }) => description))]).toEqual([
      '{user} authorized oauth2 app {target}',
      'oauth2 app {target} got access as {user}',
      'oauth2 app {target} renewed its access as {user}',
      'oauth2 app {target} lost its access as {user}: a refresh token was used twice',
      '{user} declined to authorize oauth2 app {target}',
      'oauth2 app {target} gave back its access as {user}',
      'oauth2 app {target} lost its access as {user}: a code was used twice',
    ])
    for (const { user, ip, additional_fields } of events) {
      expect(user?.username).toBe('member')
      expect(ip).toBe('127.0.0.1')
      expect(Object(additional_fields).scopes).toEqual([scope])
    }
  })

  it('who ends what somebody else has granted is named, and whose it was', async () => {
    const mine = await deployment.app()
    for (const client of [deployment.owner, deployment.member]) {
      await deployment.tokens(mine)
      const params = { user: deployment.memberId }
      const grants = await client.call(listOAuth2Grants, { params })
      const oauth2grant = grants.find(({ app_id }) => app_id === mine.id)?.id ?? ''
      await client.call(deleteOAuth2Grant, { params: { ...params, oauth2grant } })
    }
    const { audit_logs } = await deployment.owner.call(listAuditLogs, {
      query: { limit: 50, q: `resource_id:${mine.id} action:logout` },
    })
    const description = '{user} ended an authorization of oauth2 app {target}'
    expect(audit_logs.reverse()).toMatchObject([
      {
        description,
        user: { username: 'owner' },
        additional_fields: { granted_by: 'member', granted_by_id: deployment.memberId },
      },
      { description, user: { username: 'member' } },
    ])
    expect(audit_logs[1]?.additional_fields).not.toHaveProperty('granted_by')
  })

  it('no secret is stored in clear', async () => {
    const code = await deployment.code(app)
    const tokens = await deployment.tokens(app)
    await using database = await openDatabase(deployment.server.databaseUrl)
    const stored = JSON.stringify([
      await database.db.selectFrom('oauth2_provider_app_codes').selectAll().execute(),
      await database.db.selectFrom('oauth2_provider_app_tokens').selectAll().execute(),
      await database.db.selectFrom('api_keys').selectAll().execute(),
      await database.db.selectFrom('audit_logs').selectAll().execute(),
    ])
    for (const secret of [code.code, tokens.refresh_token, tokens.access_token])
      expect(stored).not.toContain(secret?.split(/[-_]/).at(-1))
  })
})
