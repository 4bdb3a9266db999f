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

/** An entry that has no link yet. */
export interface UnchainedEntry {
  readonly id: string
  readonly time: Date
  readonly digest: Buffer
}

/**
 * The oldest entries without a link and the last link, for whoever makes the next ones in this transaction; undefined
 * while somebody else does. @throws ApiError 403 for all but the system.
 */
export async function takeUnchained(
  actor: Actor,
  tx: Db,
  limit: number,
): Promise<
  | { readonly entries: UnchainedEntry[]; readonly last: Pick<ChainLink, 'sequence' | 'hash'> | undefined }
  | undefined
> {
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
  // Entries that were purged before they had a link leave nothing behind.
  await sql`delete from audit_unchained u where not exists (select 1 from audit_logs l where l.id = u.audit_log_id)`.execute(
    tx,
  )
  const entries = await tx
    .selectFrom('audit_unchained as u')
    .innerJoin('audit_logs as l', 'l.id', 'u.audit_log_id')
    .select(['l.id', 'l.time', DIGEST.as('digest')])
    .orderBy('l.time')
    .orderBy('l.id')
    .limit(limit)
    .execute()
  return { entries, last }
}

/** Stores links; their entries wait no more. @throws ApiError 403 for all but the system. */
export async function storeLinks(actor: Actor, tx: Db, links: readonly ChainLink[]): Promise<void> {
  authorize(actor, 'create', { type: 'system' })
  if (links.length === 0) return
  await tx
    .insertInto('audit_chain')
    .values([...links])
    .execute()
  await tx
    .deleteFrom('audit_unchained')
    .where(sql<boolean>`audit_log_id = any(${links.map((link) => link.audit_log_id)}::uuid[])`)
    .execute()
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
