import { sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import { anyOf, type Db } from '../database/index.ts'
import type { SharedCount, SharedTake } from '../edge/index.ts'

/** Counts a request in its bucket, unless that is full, under the lock of its row (ID-208). @throws ApiError 403. */
export async function takeFromBucket(actor: Actor, db: Db, asked: SharedTake): Promise<SharedCount> {
  authorize(actor, 'update', { type: 'system' })
  const { rows } = await sql<{ granted: boolean; current_count: number; previous_count: number }>`
    select * from take_from_bucket(${asked.bucket}, ${asked.windowStart}, ${asked.windowMs}, ${asked.elapsed}, ${asked.limit})`.execute(
    db,
  )
  const [row] = rows
  if (row === undefined) throw new Error('a bucket was counted and is not there')
  return { allowed: row.granted, current: row.current_count, previous: row.previous_count }
}

/** Deletes at most so many buckets whose windows are over; resolves to their number. @throws ApiError 403. */
export async function deleteOldBuckets(
  actor: Actor,
  db: Db,
  before: number,
  atMost: number,
): Promise<number> {
  authorize(actor, 'delete', { type: 'system' })
  const old = db
    .selectFrom('rate_limit_buckets')
    .select('bucket')
    .where('window_start', '<', before)
    .limit(atMost)
    .forUpdate()
    .skipLocked()
  const { numDeletedRows } = await db
    .deleteFrom('rate_limit_buckets')
    .where('bucket', '=', anyOf(old))
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** How many buckets there are, counted to `atMost` at the most. @throws ApiError 403. */
export async function countBuckets(actor: Actor, db: Db, atMost: number): Promise<number> {
  authorize(actor, 'update', { type: 'system' })
  const { count } = await db
    .selectFrom(db.selectFrom('rate_limit_buckets').select('bucket').limit(atMost).as('some'))
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}
