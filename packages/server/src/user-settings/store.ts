import { sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import { notFound } from '../errors/index.ts'

function ofUser(userId: string): ResourceObject {
  return { type: 'user', id: userId, owner: userId }
}

/** The stored settings of a user by key, as texts. @throws ApiError 404 without `user:read_personal`. */
export async function getSettings(
  actor: Actor,
  db: Db,
  userId: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (!isAllowed(actor, 'read_personal', ofUser(userId))) throw notFound()
  const rows = await db
    .selectFrom('user_configs')
    .select(['key', 'value'])
    .where('user_id', '=', userId)
    .where('key', 'in', keys)
    .execute()
  return new Map(rows.map((row) => [row.key, row.value]))
}

/** Stores settings of a user and leaves all others. @throws ApiError 403 without `user:update_personal`. */
export async function storeSettings(
  actor: Actor,
  db: Db,
  userId: string,
  settings: ReadonlyMap<string, string>,
): Promise<void> {
  authorize(actor, 'update_personal', ofUser(userId))
  if (settings.size === 0) return
  await db
    .insertInto('user_configs')
    // In one order, so that two such calls never wait for each other.
    .values([...settings].sort().map(([key, value]) => ({ user_id: userId, key, value })))
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
    )
    .execute()
}

/** The quiet hours that a user has chosen; empty for none. @throws ApiError 404 without `user:read_personal`. */
export async function getQuietHours(actor: Actor, db: Db, userId: string): Promise<string> {
  if (!isAllowed(actor, 'read_personal', ofUser(userId))) throw notFound()
  const row = await db
    .selectFrom('users')
    .select('quiet_hours_schedule')
    .where('id', '=', userId)
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row.quiet_hours_schedule
}

/** Sets the quiet hours of a user; empty for none. @throws ApiError 403 without `user:update_personal`. */
export async function updateQuietHours(
  actor: Actor,
  db: Db,
  userId: string,
  schedule: string,
): Promise<void> {
  authorize(actor, 'update_personal', ofUser(userId))
  await db
    .updateTable('users')
    .set({ quiet_hours_schedule: schedule, updated_at: sql<Date>`now()` })
    .where('id', '=', userId)
    .execute()
}
