import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { listOAuth2Grants } from '@slipway/contract'
import { openDatabase, until } from '@slipway/testkit'
import { OAuthDeployment, pkce, search, type TestApp, told } from './deployment.fixture.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let moved = 0
const clock = { now: () => new Date(Date.now() + moved) }
let deployment: OAuthDeployment
let app: TestApp

beforeAll(async () => {
  deployment = await OAuthDeployment.start({
    clock,
    env: { CODER_SESSION_DURATION: '2h', CODER_DEFAULT_OAUTH_REFRESH_LIFETIME: '10h' },
  })
  app = await deployment.app()
})
afterAll(() => deployment[Symbol.asyncDispose]())

describe('lifetimes', () => {
  it('row 30: a code that is 11 minutes old cannot be redeemed, one that is 9 can', async () => {
    const old = await deployment.code(app)
    moved += 11 * MINUTE
    expect(await told(await deployment.exchange(app, old))).toEqual({ status: 400, error: 'invalid_grant' })
    const young = await deployment.code(app)
    moved += 9 * MINUTE
    expect((await deployment.exchange(app, young)).status).toBe(200)
  })

  it('OA-B15: who comes with a pushed request in time has time to sign in, and to decide', async () => {
    const push = async () => {
      const pushed = { response_type: 'code', code_challenge: pkce().challenge, nonsense: 'x'.repeat(9_000) }
      const answer = await deployment.form('/oauth2/par', app, pushed)
      const { request_uri }: Record<string, string> = JSON.parse(await answer.text())
      return { response_type: undefined, request_uri: request_uri ?? '' }
    }
    const forgotten = await push()
    const seen = await push()
    const stranger = await fetch(
      deployment.url(`/oauth2/authorize?${search({ client_id: app.id, request_uri: seen.request_uri })}`),
      { redirect: 'manual' },
    )
    expect(stranger.status).toBe(303)
    moved += 5 * MINUTE
    expect((await deployment.authorize(app, forgotten)).status).toBe(400)
    expect((await deployment.authorize(app, seen)).status).toBe(302)
    // What is past makes room, and of the rest only what counts is kept.
    await push()
    await using database = await openDatabase(deployment.server.databaseUrl)
    const rows = await database.db.selectFrom('oauth2_provider_pushed_requests').selectAll().execute()
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain('nonsense')
  })

  it('OA-66, OA-67, OA-80: an access token ends when it says, whatever it is used for; refresh goes on for longer', async () => {
    const tokens = await deployment.tokens(app)
    expect(tokens.expires_in).toBe(7200)
    moved += 1.5 * HOUR
    expect(await deployment.use(tokens.access_token)).toBe(200)
    moved += 0.6 * HOUR
    expect(await deployment.use(tokens.access_token)).toBe(401)
    const next = JSON.parse(await (await deployment.refresh(app, tokens.refresh_token)).text())
    expect(await deployment.use(next.access_token)).toBe(200)
    moved += 9 * HOUR
    const last = JSON.parse(await (await deployment.refresh(app, next.refresh_token)).text())
    moved += 11 * HOUR
    expect(await told(await deployment.refresh(app, last.refresh_token))).toEqual({
      status: 400,
      error: 'invalid_grant',
    })
  })

  it('RFC 7662: a token that has ended is not active', async () => {
    const holder = await deployment.server.user('asked-about')
    const { access_token, refresh_token } = await deployment.tokens(app, {}, holder)
    const isActive = async (token: string | undefined) => {
      const answer = await deployment.form('/oauth2/introspect', app, { token })
      const { active }: { active: boolean } = JSON.parse(await answer.text())
      return active
    }
    expect([await isActive(access_token), await isActive(refresh_token)]).toEqual([true, true])
    moved += 3 * HOUR
    expect([await isActive(access_token), await isActive(refresh_token)]).toEqual([false, true])
    const grants = () => deployment.owner.call(listOAuth2Grants, { params: { user: 'asked-about' } })
    expect(await grants()).toHaveLength(1)
    moved += 8 * HOUR
    expect([await isActive(access_token), await isActive(refresh_token)]).toEqual([false, false])
    // OA-B10: nothing can be had from it any more, although it is not cleared away yet.
    expect(await grants()).toEqual([])
  })

  it('OA-B18: what has expired is cleared away, and what can be refreshed stays', async () => {
    const early = await deployment.server.user('early')
    await deployment.code(app, {}, early)
    const gone = await deployment.tokens(app, {}, early)
    await deployment.refresh(app, gone.refresh_token)
    moved += 11 * HOUR
    const kept = await deployment.tokens(app, {}, await deployment.server.user('late'))
    moved += 5 * HOUR
    await using database = await openDatabase(deployment.server.databaseUrl)
    const { db } = database
    // A client has refreshed more often than is remembered.
    const often = await deployment.tokens(app, {}, await deployment.server.user('often'))
    await sql`
      insert into oauth2_provider_rotated_tokens (hash_prefix, refresh_hash, app_id, grant_id, successor_prefix, rotated_at,
                                                  expires_at)
      select lpad(n::text, 10, '0'), refresh_hash, app_id, grant_id, hash_prefix, now() + n * interval '1 second', expires_at
        from oauth2_provider_app_tokens, generate_series(1, 1005) n
       where hash_prefix = ${often.refresh_token?.split('_')[1] ?? ''}`.execute(db)
    await deployment.server.stop()
    await deployment.server.start()
    await until('the end of what has expired', async () => {
      const codes = await db.selectFrom('oauth2_provider_app_codes').select('id').execute()
      const rotated = await db
        .selectFrom('oauth2_provider_rotated_tokens')
        .select('hash_prefix')
        .orderBy('hash_prefix')
        .execute()
      const tokens = await db.selectFrom('oauth2_provider_app_tokens').select('api_key_id').execute()
      const grants = await db.selectFrom('oauth2_provider_grants').select('id').execute()
      return (
        codes.length === 1 &&
        rotated.length === 1000 &&
        rotated[0]?.hash_prefix === '0000000006' &&
        tokens.length === 2 &&
        grants.length === 2
      )
    })
    expect((await deployment.refresh(app, kept.refresh_token)).status).toBe(200)
  })
})

describe('the purge of expired keys', () => {
  it('OA-67: takes no refresh token with it', async () => {
    await using strict = await OAuthDeployment.start({
      clock,
      env: { CODER_API_KEYS_RETENTION: '1h', CODER_SESSION_DURATION: '1h' },
    })
    const own = await strict.app()
    const tokens = await strict.tokens(own)
    await using database = await openDatabase(strict.server.databaseUrl)
    const { db } = database
    const lost = { expires_at: new Date(0) }
    await db.updateTable('api_keys').set(lost).where('login_type', '=', 'password').execute()
    moved += 3 * HOUR
    await strict.server.stop()
    await strict.server.start()
    await until('the end of the sessions', async () => {
      const left = await db.selectFrom('api_keys').select('id').where('login_type', '=', 'password').execute()
      return left.length === 0
    })
    expect((await strict.refresh(own, tokens.refresh_token)).status).toBe(200)
  })
})

describe('grace', () => {
  it('OA-B8: a lost answer may be asked for once more within the grace, and then the family ends', async () => {
    await using patient = await OAuthDeployment.start({ clock, env: { CODER_OAUTH2_REFRESH_GRACE: '30s' } })
    const own = await patient.app()
    const tokens = await patient.tokens(own)
    const lost = JSON.parse(await (await patient.refresh(own, tokens.refresh_token)).text())
    const answer = await patient.refresh(own, tokens.refresh_token)
    expect(answer.status).toBe(200)
    const again = JSON.parse(await answer.text())
    expect(await patient.use(again.access_token)).toBe(200)
    expect(await patient.use(lost.access_token)).toBe(401)
    // The successor of the first token is spent: it is not the latest one any more.
    expect((await patient.refresh(own, tokens.refresh_token)).status).toBe(400)
    expect(await patient.use(again.access_token)).toBe(401)

    const other = await patient.tokens(own)
    const next = JSON.parse(await (await patient.refresh(own, other.refresh_token)).text())
    moved += 31_000
    expect((await patient.refresh(own, other.refresh_token)).status).toBe(400)
    expect(await patient.use(next.access_token)).toBe(401)
  })
})
