import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { AuditLogsTable } from '../database/tables.ts'

/** An entry at its place in the chain. */
export type ForwardedRow = Selectable<AuditLogsTable> & {
  readonly sequence: number
  readonly hash: Buffer
  readonly username: string | null
  readonly email: string | null
}

const FORWARDING = { type: 'system' } as const

/**
 * Takes the turn of sending to a destination, and renews it for whoever has it. A destination that is new begins with
 * what is written from now on.
 *
 * @returns behind which place of the chain to go on; undefined while another replica has the turn.
 * @throws ApiError 403.
 */
export async function takeForwardingLease(
  actor: Actor,
  db: Db,
  destination: string,
  lease: { readonly id: string; readonly seconds: number },
): Promise<number | undefined> {
  authorize(actor, 'update', FORWARDING)
  await db
    .insertInto('audit_forwarding')
    .columns(['destination', 'sequence'])
    .expression((eb) =>
      eb
        .selectFrom('audit_chain')
        .select([
          sql<string>`${destination}::text`.as('destination'),
          sql<number>`coalesce(max(sequence), 0)`.as('sequence'),
        ]),
    )
    .onConflict((on) => on.column('destination').doNothing())
    .execute()
  const taken = await db
    .updateTable('audit_forwarding')
    .set({
      lease: lease.id,
      // By the database's clock, which all replicas share.
      lease_until: sql<Date>`now() + make_interval(secs => ${lease.seconds})`,
    })
    .where('destination', '=', destination)
    .where(sql<boolean>`(lease_until is null or lease_until < now() or lease = ${lease.id}::uuid)`)
    .returning('sequence')
    .executeTakeFirst()
  return taken?.sequence
}

/** Notes that everything up to a place has been taken by its destination. Whether the turn was still held. @throws ApiError 403. */
export async function storeForwarded(
  actor: Actor,
  db: Db,
  destination: string,
  leaseId: string,
  sequence: number,
): Promise<boolean> {
  authorize(actor, 'update', FORWARDING)
  const { numUpdatedRows } = await db
    .updateTable('audit_forwarding')
    .set({ sequence, updated_at: sql<Date>`now()` })
    .where('destination', '=', destination)
    .where('lease', '=', leaseId)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** Gives the turn back. @throws ApiError 403. */
export async function releaseForwardingLease(
  actor: Actor,
  db: Db,
  destination: string,
  leaseId: string,
): Promise<void> {
  authorize(actor, 'update', FORWARDING)
  await db
    .updateTable('audit_forwarding')
    .set({ lease: null, lease_until: null })
    .where('destination', '=', destination)
    .where('lease', '=', leaseId)
    .execute()
}

/**
 * The next entries behind a place of the chain, in its order, and the place behind them, which is further when entries
 * have been purged. @throws ApiError 403 without `audit_log:read` and `user:read`.
 */
export async function listForwardable(
  actor: Actor,
  db: Db,
  page: { readonly after: number; readonly limit: number },
): Promise<{ readonly entries: ForwardedRow[]; readonly next: number }> {
  authorize(actor, 'read', { type: 'audit_log' })
  authorize(actor, 'read', { type: 'user' })
  const rows = await db
    .selectFrom('audit_chain as c')
    .leftJoin('audit_logs as l', 'l.id', 'c.audit_log_id')
    .leftJoin('users as u', 'u.id', 'l.user_id')
    .selectAll('l')
    .select(['c.sequence', 'c.hash', 'u.username', 'u.email'])
    .where('c.sequence', '>', page.after)
    .orderBy('c.sequence')
    .limit(page.limit)
    .execute()
  return { entries: rows.filter((row) => isThere(row)), next: rows.at(-1)?.sequence ?? page.after }
}

function isThere(row: { readonly id: string | null }): row is ForwardedRow {
  return row.id !== null
}

/** How many entries wait for a destination. @throws ApiError 403 without `audit_log:read`. */
export async function countForwardable(actor: Actor, db: Db, after: number): Promise<number> {
  authorize(actor, 'read', { type: 'audit_log' })
  const { count } = await db
    .selectFrom('audit_chain')
    .select(sql<number>`greatest(coalesce(max(sequence), 0) - ${after}, 0)`.as('count'))
    .executeTakeFirstOrThrow()
  return count
}
