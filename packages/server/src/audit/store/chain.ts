import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { AuditChainTable } from '../../database/tables.ts'

/** A link of the chain as it is stored. */
export type ChainLink = Selectable<AuditChainTable>

/** All of an entry in one order and one spelling, whatever the settings of the session. */
const DIGEST = sql<Buffer>`sha256(convert_to(jsonb_build_array(l.id, (extract(epoch from l."time") * 1000000)::bigint,
  l.user_id, l.organization_id, l.ip::text, l.user_agent, l.resource_type, l.resource_id, l.resource_target,
  l.resource_icon, l.action, l.diff, l.status_code, l.additional_fields, l.request_id)::text, 'UTF8'))`

/** An entry that has no link yet; without time and digest one that was purged before. */
type QueuedEntry = { readonly id: string } & (
  | { readonly time: Date; readonly digest: Buffer }
  | { readonly time: null; readonly digest: null }
)

/** An entry that gets its link. */
export type UnchainedEntry = Exclude<QueuedEntry, { readonly time: null }>

/** What waited longest for links, and what they continue. */
export interface Unchained {
  /** In their order; those that were purged before they had a link are not among them. */
  readonly entries: readonly UnchainedEntry[]
  readonly last: Pick<ChainLink, 'sequence' | 'hash'> | undefined
  /** How many were taken, those that are purged too. */
  readonly taken: number
}

/**
 * Takes the oldest entries without a link out of the queue, for whoever makes the next links in this transaction;
 * undefined while somebody else does. Their ids are in the order of time (RFC 9562, section 5.7): by them a few are found
 * among many that wait without a look at all of them.
 *
 * @throws ApiError 403 for all but the system.
 */
export async function takeUnchained(actor: Actor, tx: Db, limit: number): Promise<Unchained | undefined> {
  authorize(actor, 'create', { type: 'system' })
  const { rows: locks } = await sql<{
    locked: boolean
  }>`select pg_try_advisory_xact_lock(hashtextextended('audit chain', 0)) as locked`.execute(tx)
  if (locks[0]?.locked !== true) return undefined
  const last = await tx
    .selectFrom('audit_chain')
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  const { rows } = await sql<QueuedEntry>`
    with oldest as (
      select audit_log_id as id from audit_unchained order by audit_log_id limit ${limit}
    ), taken as (
      delete from audit_unchained where audit_log_id in (select id from oldest) returning audit_log_id as id
    )
    select taken.id, l."time", case when l.id is not null then ${DIGEST} end as digest
      from taken left join audit_logs l on l.id = taken.id
     order by l."time", taken.id`.execute(tx)
  return { entries: rows.filter((row) => isThere(row)), last, taken: rows.length }
}

function isThere(entry: QueuedEntry): entry is UnchainedEntry {
  return entry.time !== null
}

/** Stores links. @throws ApiError 403 for all but the system. */
export async function storeLinks(actor: Actor, tx: Db, links: readonly ChainLink[]): Promise<void> {
  authorize(actor, 'create', { type: 'system' })
  const of = <T>(read: (link: ChainLink) => T): T[] => links.map((link) => read(link))
  await sql`
    insert into audit_chain (sequence, audit_log_id, "time", digest, previous, hash)
    select * from unnest(${of(({ sequence }) => sequence)}::bigint[], ${of((link) => link.audit_log_id)}::uuid[],
                         ${of(({ time }) => time)}::timestamptz[], ${of(({ digest }) => digest)}::bytea[],
                         ${of(({ previous }) => previous)}::bytea[], ${of(({ hash }) => hash)}::bytea[])`.execute(
    tx,
  )
}

/** A link with the digest of its entry as that is now; null when the entry is gone. */
export type CheckedLink = ChainLink & { readonly present: Buffer | null }

/** Links behind a sequence number, in order. @throws ApiError 403 for all but the system. */
export async function listLinks(
  actor: Actor,
  db: Db,
  page: { readonly after: number; readonly limit: number },
): Promise<CheckedLink[]> {
  authorize(actor, 'read', { type: 'system' })
  return db
    .selectFrom('audit_chain as c')
    .leftJoin('audit_logs as l', 'l.id', 'c.audit_log_id')
    .selectAll('c')
    .select(sql<Buffer | null>`case when l.id is null then null else ${DIGEST} end`.as('present'))
    .where('c.sequence', '>', page.after)
    .orderBy('c.sequence')
    .limit(page.limit)
    .execute()
}

/** Number of entries that neither have a link nor wait for one. @throws ApiError 403 for all but the system. */
export async function countStrangers(actor: Actor, db: Db): Promise<number> {
  authorize(actor, 'read', { type: 'system' })
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from audit_logs l
     where not exists (select 1 from audit_chain c where c.audit_log_id = l.id)
       and not exists (select 1 from audit_unchained u where u.audit_log_id = l.id)`.execute(db)
  return rows[0]?.count ?? 0
}
