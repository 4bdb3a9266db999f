import { type RawBuilder, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Whole families: what belongs to a root goes with it. */
const ARCHIVED = (before: Date): RawBuilder<unknown> => sql`
  select c.id from chats c
   where c.archived and c.archived_at < ${before} and c.root_chat_id is null and c.parent_chat_id is null`

/** Chats that were archived before a time, with all that belongs to them (CH-1701). */
export const archivedChats = {
  /** Deletes at most `limit` roots inside a transaction; resolves to how many there were. @throws ApiError 403. */
  async deleteOld(
    actor: Actor,
    tx: Db,
    { before, limit }: { readonly before: Date; readonly limit: number },
  ): Promise<number> {
    authorize(actor, 'delete', { type: 'system' })
    // Held first, so that one that is unarchived at this moment stays.
    const { rows } = await sql<{ id: string }>`
      ${ARCHIVED(before)} order by c.archived_at limit ${limit} for update of c skip locked`.execute(tx)
    if (rows.length === 0) return 0
    const ids = rows.map(({ id }) => id)
    await sql`delete from chats where id = any(${ids}::uuid[]) or root_chat_id = any(${ids}::uuid[])`.execute(
      tx,
    )
    return rows.length
  },

  /** Counts those that would be deleted. @throws ApiError 403 without the right to delete them. */
  async countOld(actor: Actor, db: Db, before: Date): Promise<number> {
    authorize(actor, 'delete', { type: 'system' })
    const { rows } = await sql<{ count: number }>`
      select count(*)::integer as count from (${ARCHIVED(before)}) as old`.execute(db)
    return rows[0]?.count ?? 0
  },
}

/** A root that nobody has written to for long; `at` is when it was made, as exactly as the database has it. */
export interface ForgottenRoot {
  readonly id: string
  readonly at: string
  /** In whose name it is recorded (RB-102). */
  readonly owner: { readonly id: string; readonly username: string; readonly email: string }
}

/**
 * The oldest root that nobody has written to since a time: not pinned, and neither it nor what belongs to it works
 * (CH-1702). One of which something changes at this moment is left for another round.
 *
 * @param after the root that was found before; those up to it are not looked at again.
 * @throws ApiError 403 without `chat:update`.
 */
export async function holdForgottenRoot(
  actor: Actor,
  tx: Db,
  before: Date,
  after: ForgottenRoot | undefined,
): Promise<ForgottenRoot | undefined> {
  authorize(actor, 'update', { type: 'chat' })
  const further =
    after === undefined
      ? sql`true`
      : sql`c.created_at >= ${after.at}::timestamptz
          and (c.created_at, c.id) > (${after.at}::timestamptz, ${after.id}::uuid)`
  const { rows } = await sql<ForgottenRoot>`
    select c.id, c.created_at::text as at,
           jsonb_build_object('id', u.id, 'username', u.username, 'email', u.email) as owner
      from chats c join users u on u.id = c.owner_id
     where not c.archived and c.pin_order = 0 and c.parent_chat_id is null and c.root_chat_id is null
       and c.created_at < ${before} and c.status in ('waiting', 'error')
       and ${further}
       and not exists (
         select 1 from chats f
          where f.root_chat_id = c.id and f.status in ('running', 'interrupting', 'requires_action'))
       and not exists (
         select 1 from (
             select c.id union all select f.id from chats f where f.root_chat_id = c.id) family
           cross join lateral (
             select m.created_at from chat_messages m where m.chat_id = family.id and not m.deleted
              order by m.id desc limit 1) newest
          where newest.created_at >= ${before})
     order by c.created_at, c.id limit 1 for update of c skip locked`.execute(tx)
  return rows[0]
}

/** Whether this transaction may look for forgotten chats; another replica at it keeps its turn. @throws ApiError 403. */
export async function tryArchiveLock(actor: Actor, tx: Db): Promise<boolean> {
  authorize(actor, 'update', { type: 'chat' })
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('archive forgotten chats', 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}

/** How many chats do something, by what they do. @throws ApiError 403 without `chat:read`. */
export async function countBusyChats(actor: Actor, db: Db): Promise<ReadonlyMap<string, number>> {
  authorize(actor, 'read', { type: 'chat' })
  // The conditions of an index that holds these chats alone.
  const { rows } = await sql<{ status: string; count: number }>`
    select status, count(*)::integer as count from chats
     where not archived and status in ('running', 'interrupting', 'requires_action') group by status`.execute(
    db,
  )
  return new Map(rows.map((row) => [row.status, row.count]))
}
