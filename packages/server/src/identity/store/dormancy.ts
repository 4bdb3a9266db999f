import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import { anyOf, type Db } from '../../database/index.ts'
import type { UserRow } from './users.ts'

/** Whether this transaction may look for unseen users; while another replica is at it there is nothing to do. @throws ApiError 403. */
export async function tryDormancyLock(actor: Actor, tx: Db): Promise<boolean> {
  authorize(actor, 'update', { type: 'user' })
  const { rows } = await sql<{
    locked: boolean
  }>`select pg_try_advisory_xact_lock(hashtextextended('user dormancy', 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}

/**
 * Makes at most `limit` active users dormant that were last seen, made and activated before a time (ID-212); resolves to
 * them as they are now.
 *
 * @throws ApiError 403.
 */
export async function markUnseenDormant(
  actor: Actor,
  tx: Db,
  page: { readonly before: Date; readonly now: Date; readonly limit: number },
): Promise<UserRow[]> {
  authorize(actor, 'update', { type: 'user' })
  const unseen = tx
    .selectFrom('users as u')
    .select('u.id')
    .where('u.status', '=', 'active')
    .where('u.is_system', '=', false)
    .where('u.deleted', '=', false)
    .where(
      sql<boolean>`greatest(u.last_seen_at, u.created_at, (
        select max(c.changed_at) from user_status_changes c
         where c.user_id = u.id and c.new_status = 'active')) < ${page.before}`,
    )
    .orderBy('u.id')
    .limit(page.limit)
    .forUpdate()
    .skipLocked()
  return tx
    .updateTable('users')
    .set({ status: 'dormant', updated_at: page.now })
    .where('id', '=', anyOf(unseen))
    .returningAll()
    .execute()
}
