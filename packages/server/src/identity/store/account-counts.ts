import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Standing } from './standing.ts'

/** How many accounts there are, by status; those of the system do not count (ID-8). @throws ApiError 403. */
export async function countAccounts(actor: Actor, db: Db): Promise<ReadonlyMap<Standing['status'], number>> {
  authorize(actor, 'read', { type: 'user' })
  const rows = await db
    .selectFrom('users')
    .select(['status', sql<number>`count(*)::int`.as('count')])
    .where('deleted', '=', false)
    .where('is_system', '=', false)
    .groupBy('status')
    .execute()
  return new Map(rows.map(({ status, count }) => [status, count]))
}

/** How many people have used any of their keys since a time. @throws ApiError 403. */
export async function countActiveUsers(actor: Actor, db: Db, since: Date): Promise<number> {
  authorize(actor, 'read', { type: 'api_key' })
  const { count } = await db
    .selectFrom('api_keys')
    .select(sql<number>`count(distinct user_id)::int`.as('count'))
    .where('last_used', '>', since)
    .executeTakeFirstOrThrow()
  return count
}
