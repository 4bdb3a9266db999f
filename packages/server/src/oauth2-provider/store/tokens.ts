import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import { batchesOf, type Db, prepared, repeated, sqlState } from '../../database/index.ts'
import type { ApiKeysTable, Oauth2ProviderAppTokensTable } from '../../database/tables.ts'
import { codeTokenObject, type Holder, holderOf } from './codes.ts'

/** How many authorizations of one app a user holds at once; the one unused for longest makes room (OA-B10). */
const MAX_GRANTS = 20
const FOREIGN_KEY_VIOLATION = '23503'
/** Statements that issue tokens: a second one beside the first waits for the same log to reach the disk, and has fewer of them. */
const ISSUING = { atOnce: 1 } as const

/** A pair of tokens to store, of whose secrets only the hashes are known. */
export interface NewTokens {
  readonly grantId: string
  readonly keyId: string
  readonly keyHash: Buffer
  readonly keyName: string
  /** Of the access token; a refreshed one may be narrower than its grant (OA-B6). */
  readonly keyScopes: readonly string[]
  readonly keyExpiresAt: Date
  readonly lifetimeSeconds: number
  readonly refreshPrefix: string
  readonly refreshHash: Buffer
  readonly refreshExpiresAt: Date
  readonly secretId: string | undefined
  /** The key that the access token is bound to, and that of the refresh token (RFC 9449). */
  readonly keyThumbprint: string | undefined
  readonly refreshThumbprint: string | undefined
  readonly now: Date
  readonly ipAddress: string
  readonly userAgent: string
}

/** The same for several pairs, each value in its column; `subjects` are what the pairs are issued for. */
interface Columns extends Record<string, unknown> {
  readonly subjects: string[]
  readonly grants: string[]
  readonly keys: string[]
  readonly keyHashes: Buffer[]
  readonly keyNames: string[]
  /** Separated by spaces: an array of arrays would have to be a square. */
  readonly keyScopes: string[]
  readonly keyEnds: Date[]
  readonly lifetimes: number[]
  readonly refreshPrefixes: string[]
  readonly refreshHashes: Buffer[]
  readonly refreshEnds: Date[]
  readonly secrets: (string | null)[]
  readonly keyThumbprints: (string | null)[]
  readonly refreshThumbprints: (string | null)[]
  readonly times: Date[]
  readonly addresses: string[]
  readonly userAgents: string[]
}

interface Issue {
  readonly subject: string
  readonly tokens: NewTokens
}

function columnsOf(issues: readonly Issue[]): Columns {
  const of = <T>(read: (tokens: NewTokens) => T): T[] => issues.map(({ tokens }) => read(tokens))
  return {
    subjects: issues.map(({ subject }) => subject),
    grants: of(({ grantId }) => grantId),
    keys: of(({ keyId }) => keyId),
    keyHashes: of(({ keyHash }) => keyHash),
    keyNames: of(({ keyName }) => keyName),
    keyScopes: of(({ keyScopes }) => keyScopes.join(' ')),
    keyEnds: of(({ keyExpiresAt }) => keyExpiresAt),
    lifetimes: of(({ lifetimeSeconds }) => lifetimeSeconds),
    refreshPrefixes: of(({ refreshPrefix }) => refreshPrefix),
    refreshHashes: of(({ refreshHash }) => refreshHash),
    refreshEnds: of(({ refreshExpiresAt }) => refreshExpiresAt),
    secrets: of(({ secretId }) => secretId ?? null),
    keyThumbprints: of(({ keyThumbprint }) => keyThumbprint ?? null),
    refreshThumbprints: of(({ refreshThumbprint }) => refreshThumbprint ?? null),
    times: of(({ now }) => now),
    addresses: of(({ ipAddress }) => ipAddress),
    userAgents: of(({ userAgent }) => userAgent),
  }
}

type P = <K extends keyof Columns & string>(name: K) => Columns[K]

const given = (p: P) => sql`
  given as (
    select *
      from unnest(${p('subjects')}::uuid[], ${p('grants')}::uuid[], ${p('keys')}::text[], ${p('keyHashes')}::bytea[],
                  ${p('keyNames')}::text[], ${p('keyScopes')}::text[], ${p('keyEnds')}::timestamptz[],
                  ${p('lifetimes')}::bigint[], ${p('refreshPrefixes')}::text[], ${p('refreshHashes')}::bytea[],
                  ${p('refreshEnds')}::timestamptz[], ${p('secrets')}::uuid[], ${p('keyThumbprints')}::text[],
                  ${p('refreshThumbprints')}::text[], ${p('times')}::timestamptz[], ${p('addresses')}::inet[],
                  ${p('userAgents')}::text[])
        as given(subject, new_grant, key_id, key_hash, key_name, key_scopes, key_ends, lifetime, refresh_prefix,
                 new_refresh_hash, refresh_ends, secret, key_thumbprint, refresh_thumbprint, at, address, agent)
  )`

/** The API keys and token rows, from a common table `source` of app, user, scopes, resource and what is `given`. */
const stored = sql`
  made as (
    insert into api_keys (id, hashed_secret, user_id, login_type, created_at, updated_at, last_used, expires_at,
                          lifetime_seconds, token_name, scopes, allow_list, ip_address, user_agent, audience, dpop_thumbprint)
    select key_id, key_hash, user_id, 'oauth2_provider_app', at, at, at, key_ends, lifetime, key_name,
           string_to_array(key_scopes, ' '), '{*:*}', address, agent, resource, key_thumbprint
      from source
  )
  insert into oauth2_provider_app_tokens (created_at, app_id, app_secret_id, user_id, api_key_id, grant_id, expires_at,
                                          hash_prefix, refresh_hash, audience, scopes, dpop_thumbprint)
  select at, app_id, secret, user_id, key_id, new_grant, refresh_ends, refresh_prefix, new_refresh_hash, resource, scopes,
         refresh_thumbprint
    from source
  returning api_key_id`

/** The grants that new tokens belong to; of too many the one unused for longest ends, and its tokens with it. */
const grantsFromSource = sql`
  granted as (
    insert into oauth2_provider_grants (id, app_id, user_id, scopes, resource, created_at, last_used_at, ip_address)
    select new_grant, app_id, user_id, scopes, resource, at, at, address from source
  ), ended as (
    delete from oauth2_provider_grants where id in (
      select old.id
        from source, lateral (
          select g.id from oauth2_provider_grants g where g.user_id = source.user_id and g.app_id = source.app_id
           order by g.last_used_at desc, g.id offset ${sql.lit(MAX_GRANTS - 1)}) old)
  )`

/** Which of these were issued. */
function issuedOf(issues: readonly Issue[], rows: readonly { readonly api_key_id: string }[]): boolean[] {
  const keys = new Set(rows.map(({ api_key_id }) => api_key_id))
  return issues.map(({ tokens }) => keys.has(tokens.keyId))
}

const redeem = prepared<Columns, { api_key_id: string }>((db, p) => ({
  compile: () =>
    sql<{ api_key_id: string }>`
      with ${given(p)}, source as (
        update oauth2_provider_app_codes c set redeemed_at = given.at, grant_id = given.new_grant
          from given
         where c.id = given.subject and c.redeemed_at is null and c.expires_at > given.at
        returning c.app_id, c.user_id, c.scopes, c.resource_uri as resource, given.*
      ), ${grantsFromSource}, ${stored}`.compile(db),
}))

const redeemTogether = batchesOf(
  async (db: Db, issues: readonly Issue[]) =>
    issuedOf(issues, await repeated(() => redeem(db, columnsOf(issues)))),
  ISSUING,
)

/**
 * Redeems a code: marks it, and stores the grant and its first tokens, in one statement. Whether it was us: of any
 * number at once exactly one is (OA-61).
 *
 * @throws ApiError 403 without the rights to make the user's keys and tokens.
 */
export async function redeemCode(
  actor: Actor,
  db: Db,
  code: { readonly id: string; readonly userId: string },
  tokens: NewTokens,
): Promise<boolean> {
  authorizeIssue(actor, code.userId)
  try {
    return await redeemTogether(db, { subject: code.id, tokens })
  } catch (error) {
    // The app, or the secret that it has proved itself with, was removed meanwhile.
    if (sqlState(error) === FOREIGN_KEY_VIOLATION) return false
    throw error
  }
}

/** What a user has granted to an app. */
export interface Granted {
  readonly appId: string
  readonly userId: string
  readonly scopes: readonly string[]
  readonly resource: string | undefined
}

const grant = prepared<Columns & Granted, { api_key_id: string }>((db, p) => ({
  compile: () =>
    sql<{ api_key_id: string }>`
      with ${given(p)}, source as (
        select ${p('appId')}::uuid as app_id, ${p('userId')}::uuid as user_id, ${p('scopes')}::text[] as scopes,
               ${p('resource')}::text as resource, given.* from given
      ), ${grantsFromSource}, ${stored}`.compile(db),
}))

/**
 * Stores a grant that needed no code, and its first tokens.
 *
 * @throws ApiError 403 without the rights to make the user's keys and tokens.
 */
export async function insertGrant(actor: Actor, tx: Db, granted: Granted, tokens: NewTokens): Promise<void> {
  authorizeIssue(actor, granted.userId)
  await grant(tx, { ...columnsOf([{ subject: tokens.grantId, tokens }]), ...granted })
}

const rotate = prepared<Columns, { api_key_id: string }>((db, p) => ({
  compile: () =>
    sql<{ api_key_id: string }>`
      with ${given(p)}, used as (
        -- First of all the grant: what ends grants takes their rows in this order as well.
        update oauth2_provider_grants g set last_used_at = given.at, ip_address = given.address
          from given where g.id = given.new_grant
        returning given.*
      ), spent as (
        delete from oauth2_provider_app_tokens t using used
         where t.id = used.subject and t.expires_at > used.at
        returning t.hash_prefix, t.refresh_hash, t.expires_at, t.app_id, t.user_id, t.scopes, t.audience as resource, used.*
      ), source as (
        select * from spent
      ), kept as (
        insert into oauth2_provider_rotated_tokens (hash_prefix, refresh_hash, app_id, grant_id, successor_prefix,
                                                    rotated_at, expires_at)
        select hash_prefix, refresh_hash, app_id, new_grant, refresh_prefix, at, expires_at from spent
      ), ${stored}`.compile(db),
}))

const rotateTogether = batchesOf(
  async (db: Db, issues: readonly Issue[]) =>
    issuedOf(issues, await repeated(() => rotate(db, columnsOf(issues)))),
  ISSUING,
)

/**
 * Exchanges a refresh token for a new pair of the same grant: the old pair ends and is remembered, in one statement
 * (OA-66, OA-B8). Whether it was us: of any number at once exactly one is.
 *
 * @throws ApiError 403 without the rights to make and end the user's keys and tokens.
 */
export async function rotateTokens(
  actor: Actor,
  db: Db,
  token: { readonly id: string; readonly userId: string },
  tokens: NewTokens,
): Promise<boolean> {
  authorizeIssue(actor, token.userId)
  authorize(actor, 'delete', codeTokenObject(token.userId))
  authorize(actor, 'delete', { type: 'api_key', owner: token.userId })
  return rotateTogether(db, { subject: token.id, tokens })
}

function authorizeIssue(actor: Actor, userId: string): void {
  authorize(actor, 'create', codeTokenObject(userId))
  authorize(actor, 'create', { type: 'api_key', owner: userId })
}

/** A refresh token with the account that it is of. */
export type FoundToken = Selectable<Oauth2ProviderAppTokensTable> & Holder

const findRefresh = prepared<{ prefixes: string[] }, FoundToken>((db, p) =>
  db
    .selectFrom('oauth2_provider_app_tokens as t')
    .innerJoinLateral(holderOf('t.user_id'), (join) => join.onTrue())
    .selectAll('t')
    .select(['u.username', 'u.email', 'u.status', 'u.deleted'])
    .where(sql<boolean>`t.hash_prefix = any(${p('prefixes')}::text[])`),
)

const findRefreshTogether = batchesOf(async (db: Db, prefixes: readonly string[]) => {
  const found = new Map(
    (await findRefresh(db, { prefixes: [...prefixes] })).map((row) => [row.hash_prefix, row]),
  )
  return prefixes.map((prefix) => found.get(prefix))
})

/** The refresh token with this lookup key. @throws ApiError 403 without `oauth2_app_code_token:read`. */
export async function findRefreshToken(
  actor: Actor,
  db: Db,
  prefix: string,
): Promise<FoundToken | undefined> {
  authorize(actor, 'read', codeTokenObject())
  return findRefreshTogether(db, prefix)
}

/** A refresh token that was exchanged, and the account of its grant. */
export interface RotatedToken extends Holder {
  readonly refresh_hash: Buffer
  readonly app_id: string
  readonly grant_id: string
  readonly successor_prefix: string
  readonly rotated_at: Date
  readonly user_id: string
  readonly scopes: string[]
}

/** The exchanged refresh token with this lookup key. @throws ApiError 403 without `oauth2_app_code_token:read`. */
export async function findRotatedToken(
  actor: Actor,
  db: Db,
  prefix: string,
): Promise<RotatedToken | undefined> {
  authorize(actor, 'read', codeTokenObject())
  return db
    .selectFrom('oauth2_provider_rotated_tokens as r')
    .innerJoin('oauth2_provider_grants as g', 'g.id', 'r.grant_id')
    .innerJoin('users as u', 'u.id', 'g.user_id')
    .select(['r.refresh_hash', 'r.app_id', 'r.grant_id', 'r.successor_prefix', 'r.rotated_at'])
    .select(['g.user_id', 'g.scopes', 'u.username', 'u.email', 'u.status', 'u.deleted'])
    .where('r.hash_prefix', '=', prefix)
    .executeTakeFirst()
}

/** An access token: what of its key says whether it is good, and what it was issued for. */
export interface FoundAccessToken extends Holder {
  readonly key: Pick<
    Selectable<ApiKeysTable>,
    | 'id'
    | 'user_id'
    | 'hashed_secret'
    | 'expires_at'
    | 'created_at'
    | 'scopes'
    | 'audience'
    | 'dpop_thumbprint'
  >
  readonly app_id: string
  readonly grant_id: string
}

type AccessTokenRow = Holder & FoundAccessToken['key'] & { app_id: string; grant_id: string }

const findAccess = prepared<{ ids: string[] }, AccessTokenRow>((db, p) =>
  db
    .selectFrom('oauth2_provider_app_tokens as t')
    .innerJoin('api_keys as k', 'k.id', 't.api_key_id')
    .innerJoinLateral(holderOf('t.user_id'), (join) => join.onTrue())
    .select(['k.id', 'k.hashed_secret', 'k.expires_at', 'k.created_at', 'k.scopes', 'k.audience'])
    .select(['k.dpop_thumbprint', 'k.user_id', 't.app_id', 't.grant_id'])
    .select(['u.username', 'u.email', 'u.status', 'u.deleted'])
    .where(sql<boolean>`t.api_key_id = any(${p('ids')}::text[])`),
)

/** The access tokens of these ids. @throws ApiError 403 without `oauth2_app_code_token:read`. */
export async function findAccessTokens(
  actor: Actor,
  db: Db,
  ids: readonly string[],
): Promise<FoundAccessToken[]> {
  authorize(actor, 'read', codeTokenObject())
  authorize(actor, 'read', { type: 'api_key' })
  return (await findAccess(db, { ids: [...ids] })).map(
    ({ app_id, grant_id, username, email, status, deleted, ...key }) => ({
      key,
      app_id,
      grant_id,
      username,
      email,
      status,
      deleted,
    }),
  )
}
