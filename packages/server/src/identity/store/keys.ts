import type { Selectable } from 'kysely'
import { sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject, sqlFilter } from '../../authz/index.ts'
import { type Db, prepared, violatedUnique } from '../../database/index.ts'
import type { ApiKeysTable } from '../../database/tables.ts'
import { conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'
import { STANDING, type Standing } from './standing.ts'

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

/** Notes that a key was used, and slides its expiry where that is due (ID-43…ID-45). @throws ApiError 403. */
export async function touchKey(
  actor: Actor,
  db: Db,
  key: { readonly id: string; readonly userId: string },
  change: { readonly now: Date; readonly ipAddress: string; readonly expiresAt?: Date | undefined },
): Promise<void> {
  authorize(actor, 'update', keyObject(key.userId, key.id))
  await db
    .with('key', (cte) =>
      cte
        .updateTable('api_keys')
        .set({
          last_used: change.now,
          ip_address: change.ipAddress,
          ...(change.expiresAt === undefined ? {} : { expires_at: change.expiresAt }),
        })
        .where('id', '=', key.id)
        .returning('user_id'),
    )
    .updateTable('users')
    .set({ last_seen_at: change.now })
    .where('id', 'in', (sub) => sub.selectFrom('key').select('user_id'))
    .execute()
}

/** A key with all that decides what its owner may do: one row, one statement (ID-66, RB-5). */
export interface KeyWithStanding extends Standing {
  readonly key: ApiKeyRow
}

const loadKey = prepared<{ id: string }, ApiKeyRow & Omit<KeyWithStanding, 'key'>>((db, p) =>
  db
    .selectFrom('api_keys as k')
    .innerJoin('users as u', (join) => join.onRef('u.id', '=', 'k.user_id').on('u.deleted', '=', false))
    .selectAll('k')
    .select([
      'u.username',
      'u.email',
      'u.status',
      'u.is_system',
      'u.is_service_account',
      'u.rbac_roles',
      STANDING.groups.as('groups'),
      STANDING.memberships.as('memberships'),
    ])
    .where('k.id', '=', p('id')),
)

/** The key and the standing of its owner for validation. Undefined when there is no such key. @throws ApiError 403. */
export async function findKeyWithStanding(
  actor: Actor,
  db: Db,
  id: string,
): Promise<KeyWithStanding | undefined> {
  authorize(actor, 'read', { type: 'api_key' })
  const [row] = await loadKey(db, { id })
  if (row === undefined) return undefined
  const { username, email, status, is_system, is_service_account, rbac_roles, groups, memberships, ...key } =
    row
  return { key, username, email, status, is_system, is_service_account, rbac_roles, groups, memberships }
}
