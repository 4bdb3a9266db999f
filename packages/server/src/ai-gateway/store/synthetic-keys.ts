import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** A key that is only a name: nobody has its secret. */
export interface SyntheticKey {
  readonly id: string
  readonly expiresAt: Date
}

function authorizeKey(actor: Actor, action: 'create' | 'read' | 'update', userId: string): void {
  authorize(actor, action, { type: 'api_key', owner: userId })
}

/** The user's key of this name that is no token: users may give their tokens any name (CH-508). @throws ApiError 403. */
export async function findSyntheticKey(
  actor: Actor,
  db: Db,
  userId: string,
  name: string,
): Promise<SyntheticKey | undefined> {
  authorizeKey(actor, 'read', userId)
  const row = await db
    .selectFrom('api_keys')
    .select(['id', 'expires_at'])
    .where('user_id', '=', userId)
    .where('token_name', '=', name)
    .where('login_type', '<>', 'token')
    .orderBy('expires_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : { id: row.id, expiresAt: row.expires_at }
}

/** Waits until nobody else makes or extends a key of this name, until the transaction ends. @throws ApiError 403. */
export async function lockSyntheticKey(actor: Actor, tx: Db, userId: string, name: string): Promise<void> {
  authorizeKey(actor, 'create', userId)
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(tx)
}

/** Stores a key. @throws ApiError 403. */
export async function insertSyntheticKey(
  actor: Actor,
  tx: Db,
  key: SyntheticKey & {
    readonly userId: string
    readonly name: string
    readonly hashedSecret: Buffer
    readonly now: Date
    readonly scope: string
    readonly lifetimeSeconds: number
  },
): Promise<void> {
  authorizeKey(actor, 'create', key.userId)
  await tx
    .insertInto('api_keys')
    .values({
      id: key.id,
      hashed_secret: key.hashedSecret,
      user_id: key.userId,
      login_type: 'password',
      created_at: key.now,
      updated_at: key.now,
      expires_at: key.expiresAt,
      lifetime_seconds: key.lifetimeSeconds,
      token_name: key.name,
      scopes: [key.scope],
      allow_list: ['*:*'],
    })
    .execute()
}

/** Lets a key live on. @throws ApiError 403. */
export async function extendSyntheticKey(
  actor: Actor,
  tx: Db,
  userId: string,
  key: SyntheticKey,
): Promise<void> {
  authorizeKey(actor, 'update', userId)
  await tx
    .updateTable('api_keys')
    .set({ expires_at: key.expiresAt })
    .where('id', '=', key.id)
    .where('user_id', '=', userId)
    .execute()
}
