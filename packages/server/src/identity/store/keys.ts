import type { Selectable } from 'kysely'
import { sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject, sqlFilter } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { ApiKeysTable } from '../../database/tables.ts'
import { conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'

/** A stored key; the secret is only there as its hash. */
export type ApiKeyRow = Selectable<ApiKeysTable>

/** The object that permissions speak of. */
function keyObject(userId: string, id?: string): ResourceObject {
  return { type: 'api_key', owner: userId, id }
}

/** What a new key is made of. */
export interface NewApiKey {
  readonly id: string
  readonly hashedSecret: Buffer
  readonly userId: string
  readonly loginType: ApiKeyRow['login_type']
  /** All times of keys are told by one clock, the server's: the database may have another. */
  readonly now: Date
  readonly expiresAt: Date
  readonly lifetimeSeconds: number
  readonly tokenName: string
  readonly scopes: readonly string[]
  readonly allowList: readonly string[]
  readonly ipAddress: string
  readonly userAgent: string
}

/**
 * Stores a key.
 *
 * @throws ApiError 403 without `api_key:create` for that user, 409 when the user has a token of that name.
 */
export async function insertKey(actor: Actor, db: Db, key: NewApiKey): Promise<ApiKeyRow> {
  authorize(actor, 'create', keyObject(key.userId))
  try {
    return await db
      .insertInto('api_keys')
      .values({
        id: key.id,
        hashed_secret: key.hashedSecret,
        user_id: key.userId,
        login_type: key.loginType,
        created_at: key.now,
        updated_at: key.now,
        expires_at: key.expiresAt,
        lifetime_seconds: key.lifetimeSeconds === 0 ? 86_400 : key.lifetimeSeconds,
        token_name: key.tokenName,
        scopes: [...key.scopes],
        allow_list: [...key.allowList],
        ip_address: key.ipAddress,
        user_agent: key.userAgent.slice(0, 512),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (error) {
    if (violatedUnique(error) !== 'api_keys_token_name') throw error
    throw conflict(`A token with name ${JSON.stringify(key.tokenName)} already exists.`, {
      validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
    })
  }
}

/** Who asks for a new key, and what gives them the right to. */
export interface KeyAsker {
  readonly userId: string
  /** Hash of the password that they have just shown. */
  readonly passwordHash?: string
  /** The key that they ask with. */
  readonly keyId?: string
}

/**
 * Keeps the account of who asks for a key as it is until the transaction ends, so that a new password, which ends all
 * keys, comes either before or after it (ID-30). Whether what gives them the right to it still holds.
 *
 * @throws ApiError 403 without `api_key:create` for that user.
 */
export async function holdKeyAsker(actor: Actor, tx: Db, asker: KeyAsker): Promise<boolean> {
  authorize(actor, 'create', keyObject(asker.userId))
  const user = await tx
    .selectFrom('users')
    .select('hashed_password')
    .where('id', '=', asker.userId)
    .where('deleted', '=', false)
    .forShare()
    .executeTakeFirst()
  if (user === undefined) return false
  if (asker.passwordHash !== undefined && asker.passwordHash !== user.hashed_password) return false
  if (asker.keyId === undefined) return true
  const key = await tx.selectFrom('api_keys').select('id').where('id', '=', asker.keyId).executeTakeFirst()
  return key !== undefined
}

/** The key with this id. @throws ApiError 404 when it is absent or may not be read (ID-52). */
export async function getKey(actor: Actor, db: Db, id: string): Promise<ApiKeyRow> {
  const row = await db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', keyObject(row.user_id, row.id))) throw notFound()
  return row
}

/** The user's token of this name. @throws ApiError 404. */
export async function getTokenByName(actor: Actor, db: Db, userId: string, name: string): Promise<ApiKeyRow> {
  const row = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('user_id', '=', userId)
    .where('token_name', '=', name)
    .where('login_type', '=', 'token')
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', keyObject(row.user_id, row.id))) throw notFound()
  return row
}

/** Tokens of one user, or of all when `userId` is absent, that the actor may read (ID-50). */
export async function listTokens(
  actor: Actor,
  db: Db,
  options: { readonly userId?: string | undefined; readonly includeExpired: boolean; readonly now: Date },
): Promise<(ApiKeyRow & { username: string })[]> {
  let query = db
    .selectFrom('api_keys as k')
    .innerJoin('users as u', 'u.id', 'k.user_id')
    .selectAll('k')
    .select('u.username')
    .where('k.login_type', '=', 'token')
    .where(sqlFilter(actor, 'read', 'api_key', { owner: sql.ref('k.user_id') }))
    .orderBy('k.created_at')
    .orderBy('k.id')
  if (options.userId !== undefined) query = query.where('k.user_id', '=', options.userId)
  if (!options.includeExpired) query = query.where('k.expires_at', '>', options.now)
  return query.execute()
}

/** What changes of a token; undefined keeps what is stored. */
export interface TokenUpdate {
  readonly now: Date
  readonly tokenName: string | undefined
  readonly expiresAt: Date | undefined
  readonly lifetimeSeconds: number | undefined
  readonly scopes: readonly string[] | undefined
  readonly allowList: readonly string[] | undefined
}

/**
 * Changes a token, as it was read, that has not ended; undefined when it has, or is another one by now.
 *
 * @throws ApiError 403 without `api_key:update`, 409 when the user has another token of that name.
 */
export async function updateToken(
  actor: Actor,
  tx: Db,
  token: Pick<ApiKeyRow, 'id' | 'user_id' | 'updated_at'>,
  change: TokenUpdate,
): Promise<ApiKeyRow | undefined> {
  authorize(actor, 'update', keyObject(token.user_id, token.id))
  const { now, tokenName, expiresAt, lifetimeSeconds, scopes, allowList } = change
  try {
    return await tx
      .updateTable('api_keys')
      .set({
        updated_at: now,
        ...(tokenName === undefined ? {} : { token_name: tokenName }),
        ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
        ...(lifetimeSeconds === undefined ? {} : { lifetime_seconds: Math.max(1, lifetimeSeconds) }),
        ...(scopes === undefined ? {} : { scopes: [...scopes] }),
        ...(allowList === undefined ? {} : { allow_list: [...allowList] }),
      })
      .where('id', '=', token.id)
      .where('login_type', '=', 'token')
      .where('expires_at', '>', now)
      // To the millisecond, which is all that was read of it.
      .where(sql<boolean>`date_trunc('milliseconds', updated_at) = ${token.updated_at}`)
      .returningAll()
      .executeTakeFirst()
  } catch (error) {
    if (violatedUnique(error) !== 'api_keys_token_name') throw error
    throw conflict(`A token with name ${JSON.stringify(tokenName)} already exists.`, {
      validations: [{ field: 'token_name', detail: UNIQUE_DETAIL }],
    })
  }
}

/** Ends a key now; one that has ended stays as it is (ID-53). @throws ApiError 404, 403. */
export async function expireKey(actor: Actor, db: Db, id: string, now: Date): Promise<void> {
  const row = await getKey(actor, db, id)
  authorize(actor, 'update', keyObject(row.user_id, row.id))
  await db
    .updateTable('api_keys')
    .set({ expires_at: now, updated_at: now })
    .where('id', '=', id)
    .where('expires_at', '>', now)
    .execute()
}

/** Removes a key (ID-54). @throws ApiError 404, 403. */
export async function deleteKey(actor: Actor, db: Db, id: string): Promise<void> {
  const row = await getKey(actor, db, id)
  authorize(actor, 'delete', keyObject(row.user_id, row.id))
  await db.deleteFrom('api_keys').where('id', '=', id).execute()
}

/** Removes all keys of a user (ID-30), or a session and what lets its apps connect (ID-34). @throws ApiError 403. */
export async function deleteKeysOfUser(
  actor: Actor,
  db: Db,
  userId: string,
  options: { readonly session?: string } = {},
): Promise<void> {
  authorize(actor, 'delete', keyObject(userId))
  let query = db.deleteFrom('api_keys').where('user_id', '=', userId)
  if (options.session !== undefined)
    query = query.where(
      sql<boolean>`(id = ${options.session} or scopes @> array['coder:application_connect'])`,
    )
  await query.execute()
}

/** A use of a key, and what it is extended to where that is due. */
export interface KeyUse {
  readonly id: string
  readonly now: Date
  readonly ipAddress: string
  readonly expiresAt: Date | undefined
}

/**
 * Notes that keys of a user were used, and slides their expiry where that is due (ID-43…ID-45). Resolves to the ids of
 * those that still held: one that has been ended since it was read is not brought back (ID-53).
 *
 * @throws ApiError 403.
 */
export async function touchKeys(
  actor: Actor,
  db: Db,
  userId: string,
  uses: readonly KeyUse[],
): Promise<ReadonlySet<string>> {
  authorize(actor, 'update', keyObject(userId))
  const seen = new Date(Math.max(...uses.map(({ now }) => now.getTime())))
  // The account first, as everything else does that holds both: a new password and a use would wait for each other.
  const { rows } = await sql<{ id: string }>`
    with owner as (select id from users where id = ${userId} for no key update),
    used as (
      select * from unnest(${uses.map(({ id }) => id)}::text[], ${uses.map(({ now }) => now)}::timestamptz[],
        ${uses.map(({ ipAddress }) => ipAddress)}::inet[],
        ${uses.map(({ expiresAt }) => expiresAt ?? null)}::timestamptz[]) as of_key (id, at, ip_address, expires_at)),
    held as (
      update api_keys k set last_used = used.at, ip_address = used.ip_address,
             expires_at = coalesce(used.expires_at, k.expires_at)
        from used
       where k.id = used.id and k.user_id in (select id from owner) and k.expires_at > used.at
      returning k.id, k.user_id),
    seen as (update users set last_seen_at = ${seen} where id in (select user_id from held))
    select id from held`.execute(db)
  return new Set(rows.map(({ id }) => id))
}
