import { type RawBuilder, sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'

/** Deletes at most `limit` rows that are older than `before`; resolves to how many there were. */
export type DeleteOld = (
  actor: Actor,
  db: Db,
  page: { readonly before: Date; readonly limit: number },
) => Promise<number>

/** Whether this transaction may purge one kind of record; another replica at it keeps its turn. @throws ApiError 403. */
export async function tryPurgeLock(actor: Actor, tx: Db, kind: string): Promise<boolean> {
  authorize(actor, 'delete', { type: 'system' })
  const { rows } = await sql<{
    locked: boolean
  }>`select pg_try_advisory_xact_lock(hashtextextended(${`purge ${kind}`}, 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}

/** Logs of agents of builds that are not the latest, by when the agent was last there. @throws ApiError 403. */
export const deleteOldAgentLogs: DeleteOld = (actor, db, { before, limit }) => {
  authorize(actor, 'delete', { type: 'system' })
  return deleted(
    db,
    sql`delete from workspace_agent_logs where id in (
      select l.id from workspace_agent_logs l
        join workspace_agents a on a.id = l.agent_id
        join workspace_resources r on r.id = a.resource_id
        join workspace_builds b on b.job_id = r.job_id
       where coalesce(a.last_connected_at, a.created_at) < ${before}
         and exists (select 1 from workspace_builds later
                      where later.workspace_id = b.workspace_id and later.build_number > b.build_number)
       limit ${limit})`,
  )
}

/** Daemons that nobody has seen for long. @throws ApiError 403. */
export const deleteOldDaemons: DeleteOld = (actor, db, { before, limit }) => {
  authorize(actor, 'delete', { type: 'system' })
  return deleted(
    db,
    sql`delete from provisioner_daemons where id in (
      select id from provisioner_daemons where coalesce(last_seen_at, created_at) < ${before} limit ${limit})`,
  )
}

/** Keys that expired long ago. @throws ApiError 403. */
export const deleteExpiredKeys: DeleteOld = (actor, db, { before, limit }) => {
  authorize(actor, 'delete', { type: 'api_key' })
  return deleted(
    db,
    sql`delete from api_keys where id in (select id from api_keys where expires_at < ${before} limit ${limit})`,
  )
}

/** Entries of the audit log, oldest first. @throws ApiError 403. */
export const deleteOldAuditEntries: DeleteOld = (actor, db, { before, limit }) => {
  authorize(actor, 'delete', { type: 'system' })
  return deleted(
    db,
    sql`delete from audit_logs where id in (
      select id from audit_logs where "time" < ${before} order by "time" limit ${limit})`,
  )
}

async function deleted(db: Db, statement: RawBuilder<unknown>): Promise<number> {
  const { numAffectedRows } = await statement.execute(db)
  return Number(numAffectedRows ?? 0)
}
