import { sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { notFound } from '../../errors/index.ts'

const ofUser = (userId: string) => ({ type: 'user', id: userId, owner: userId }) as const

/** All chat settings of a user by key, as texts. @throws ApiError 404 without `user:read_personal`. */
export async function listUserSettings(
  actor: Actor,
  db: Db,
  userId: string,
): Promise<ReadonlyMap<string, string>> {
  if (!isAllowed(actor, 'read_personal', ofUser(userId))) throw notFound()
  const rows = await db
    .selectFrom('user_chat_settings')
    .select(['key', 'value'])
    .where('user_id', '=', userId)
    .orderBy('key')
    .execute()
  return new Map(rows.map(({ key, value }) => [key, value]))
}

/** One chat setting of a user; undefined while it is not set. @throws ApiError 404 as {@link listUserSettings}. */
export async function findUserSetting(
  actor: Actor,
  db: Db,
  userId: string,
  key: string,
): Promise<string | undefined> {
  if (!isAllowed(actor, 'read_personal', ofUser(userId))) throw notFound()
  const row = await db
    .selectFrom('user_chat_settings')
    .select('value')
    .where('user_id', '=', userId)
    .where('key', '=', key)
    .executeTakeFirst()
  return row?.value
}

/** Stores a chat setting of a user. @throws ApiError 403 without `user:update_personal`. */
export async function storeUserSetting(
  actor: Actor,
  db: Db,
  userId: string,
  { key, value }: { readonly key: string; readonly value: string },
): Promise<void> {
  authorize(actor, 'update_personal', ofUser(userId))
  await db
    .insertInto('user_chat_settings')
    .values({ user_id: userId, key, value })
    .onConflict((on) => on.columns(['user_id', 'key']).doUpdateSet({ value, updated_at: sql<Date>`now()` }))
    .execute()
}

/** Takes a chat setting of a user away, if it is there. @throws ApiError 403 without `user:update_personal`. */
export async function deleteUserSetting(actor: Actor, db: Db, userId: string, key: string): Promise<void> {
  authorize(actor, 'update_personal', ofUser(userId))
  await db.deleteFrom('user_chat_settings').where('user_id', '=', userId).where('key', '=', key).execute()
}
