import { sql } from 'kysely'

import { type Actor, authorize, type ResourceObject } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import { ApiError, notFound } from '../errors/index.ts'

const ofUser = (userId: string): ResourceObject => ({ type: 'webpush_subscription', owner: userId })

/** The public key of this deployment; undefined before it has a pair. @throws ApiError 403. */
export async function findPublicKey(actor: Actor, db: Db): Promise<string | undefined> {
  authorize(actor, 'read', { type: 'deployment_config' })
  const row = await db.selectFrom('webpush_keys').select('public_key').executeTakeFirst()
  return row?.public_key
}

/** Stores a pair where there is none yet. @throws ApiError 403 without `deployment_config:update`. */
export async function insertKeyPair(
  actor: Actor,
  db: Db,
  pair: { readonly publicKey: string; readonly sealedPrivateKey: Buffer },
): Promise<void> {
  authorize(actor, 'update', { type: 'deployment_config' })
  await db
    .insertInto('webpush_keys')
    .values({ public_key: pair.publicKey, private_key: pair.sealedPrivateKey })
    .onConflict((conflict) => conflict.column('singleton').doNothing())
    .execute()
}

/**
 * Removes the pair, and with it every subscription: none takes a message of another pair.
 *
 * @returns how many subscriptions there were.
 * @throws ApiError 403 without `deployment_config:update`.
 */
export async function deleteKeyPair(actor: Actor, tx: Db): Promise<number> {
  authorize(actor, 'update', { type: 'deployment_config' })
  authorize(actor, 'delete', { type: 'webpush_subscription' })
  // First: whoever subscribes meanwhile waits for this transaction.
  await tx.selectFrom('webpush_keys').select('public_key').forUpdate().execute()
  const { numDeletedRows } = await tx.deleteFrom('webpush_subscriptions').executeTakeFirst()
  await tx.deleteFrom('webpush_keys').execute()
  return Number(numDeletedRows)
}

/** A browser as it is stored. */
export interface NewSubscription {
  readonly endpoint: string
  readonly p256dhKey: string
  readonly sealedAuthKey: Buffer
}

/**
 * Stores a browser of a live user. Whoever had registered it before loses it, and so does, beyond `most`, the browser of
 * this user that was registered first.
 *
 * @throws ApiError 403 without `webpush_subscription:create`, 404 for a deleted user, 503 while the pair is replaced.
 */
export async function storeSubscription(
  actor: Actor,
  tx: Db,
  userId: string,
  { endpoint, p256dhKey, sealedAuthKey }: NewSubscription,
  most: number,
): Promise<void> {
  authorize(actor, 'create', ofUser(userId))
  const user = await tx
    .selectFrom('users')
    .select('id')
    .where('id', '=', userId)
    .where('deleted', '=', false)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (user === undefined) throw notFound()
  const pair = await tx.selectFrom('webpush_keys').select('public_key').forKeyShare().executeTakeFirst()
  if (pair === undefined) throw new ApiError(503, 'The keys of web push are being replaced: try again.')
  const row = {
    // Another one each time: whoever deletes a subscription that has ended means that very one.
    id: sql<string>`gen_random_uuid()`,
    user_id: userId,
    public_key: pair.public_key,
    p256dh_key: p256dhKey,
    auth_key: sealedAuthKey,
    created_at: sql<Date>`clock_timestamp()`,
  }
  await tx
    .insertInto('webpush_subscriptions')
    .values({ ...row, endpoint })
    .onConflict((conflict) => conflict.column('endpoint').doUpdateSet(row))
    .execute()
  await tx
    .deleteFrom('webpush_subscriptions')
    .where('id', 'in', (query) =>
      query
        .selectFrom('webpush_subscriptions')
        .select('id')
        .where('user_id', '=', userId)
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .offset(most),
    )
    .execute()
}

/** Removes a browser of a user. @throws ApiError 403, 404 when the user has no such one. */
export async function deleteSubscription(
  actor: Actor,
  db: Db,
  userId: string,
  endpoint: string,
): Promise<void> {
  authorize(actor, 'delete', ofUser(userId))
  const { numDeletedRows } = await db
    .deleteFrom('webpush_subscriptions')
    .where('user_id', '=', userId)
    .where('endpoint', '=', endpoint)
    .executeTakeFirst()
  if (numDeletedRows === 0n) throw notFound()
}

/** A browser to push to, with the pair that it knows. */
export interface PushTarget {
  readonly id: string
  readonly endpoint: string
  readonly p256dh_key: string
  readonly auth_key: Buffer
  readonly public_key: string
  readonly private_key: Buffer
}

/** The browsers of a user; none of one who may not sign in. @throws ApiError 403. */
export async function listTargets(actor: Actor, db: Db, userId: string): Promise<PushTarget[]> {
  authorize(actor, 'read', ofUser(userId))
  authorize(actor, 'read', { type: 'deployment_config' })
  return db
    .selectFrom('webpush_subscriptions as s')
    .innerJoin('webpush_keys as k', 'k.public_key', 's.public_key')
    .innerJoin('users as u', 'u.id', 's.user_id')
    .select(['s.id', 's.endpoint', 's.p256dh_key', 's.auth_key', 's.public_key', 'k.private_key'])
    .where('s.user_id', '=', userId)
    .where('u.deleted', '=', false)
    .where('u.status', '<>', 'suspended')
    .orderBy('s.created_at')
    .execute()
}

/** Removes browsers that take nothing any more. @throws ApiError 403 without `webpush_subscription:delete`. */
export async function deleteEnded(
  actor: Actor,
  db: Db,
  userId: string,
  ids: readonly string[],
): Promise<void> {
  authorize(actor, 'delete', ofUser(userId))
  if (ids.length === 0) return
  await db.deleteFrom('webpush_subscriptions').where('user_id', '=', userId).where('id', 'in', ids).execute()
}
