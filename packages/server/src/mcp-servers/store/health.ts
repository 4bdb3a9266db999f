import { type Selectable, sql } from 'kysely'

import { type Actor, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { McpServerHealthTable } from '../../database/tables.ts'
import { forbidden } from '../../errors/index.ts'
import { type ConfigRow, configObject } from './configs.ts'

/** How the last look at a server went. */
export type HealthRow = Selectable<McpServerHealthTable>

/** What a look at a server found. */
export interface Finding {
  readonly status: HealthRow['status']
  readonly latencyMs: number
  readonly toolCount: number
  /** At most 512 characters; empty unless it is unhealthy. */
  readonly error: string
}

/** How the last looks at these servers went, of those that the actor has been shown. @throws ApiError 403. */
export async function listHealth(
  actor: Actor,
  db: Db,
  configs: readonly ConfigRow[],
): Promise<ReadonlyMap<string, HealthRow>> {
  requireSight(actor, configs)
  if (configs.length === 0) return new Map()
  const rows = await db
    .selectFrom('mcp_server_health')
    .selectAll()
    .where(sql<boolean>`config_id = any(${configs.map(({ id }) => id)}::uuid[])`)
    .execute()
  return new Map(rows.map((row) => [row.config_id, row]))
}

/** Notes what a look at a server found, if it is still there. @throws ApiError 403 for who may not read its config. */
export async function noteHealth(actor: Actor, db: Db, config: ConfigRow, finding: Finding): Promise<void> {
  requireSight(actor, [config])
  const failed = finding.status === 'unhealthy'
  await sql`
    insert into mcp_server_health (config_id, status, latency_ms, tool_count, error, consecutive_failures)
    select id, ${finding.status}, ${finding.latencyMs}, ${finding.toolCount}, ${finding.error}, ${failed ? 1 : 0}
      from mcp_server_configs where id = ${config.id}
    on conflict (config_id) do update set
      status = excluded.status, checked_at = now(), latency_ms = excluded.latency_ms,
      tool_count = case when excluded.status = 'healthy' then excluded.tool_count else mcp_server_health.tool_count end,
      error = excluded.error,
      consecutive_failures =
        case when excluded.status = 'unhealthy' then mcp_server_health.consecutive_failures + 1 else 0 end`.execute(
    db,
  )
}

/** Whether this replica looks at the servers until the transaction ends; another one does otherwise. @throws ApiError 403. */
export async function tryHealthLock(actor: Actor, tx: Db): Promise<boolean> {
  if (!isAllowed(actor, 'read', { type: 'mcp_server_config' })) throw forbidden()
  const { rows } = await sql<{ taken: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('mcp server health', 0)) as taken`.execute(tx)
  return rows[0]?.taken === true
}

/** Auditors see in lists what they may not read one by one (OA-101). */
function requireSight(actor: Actor, configs: readonly ConfigRow[]): void {
  for (const config of configs)
    if (
      !isAllowed(actor, 'read', configObject(config)) &&
      !isAllowed(actor, 'read', { type: 'audit_log', organization: config.organization_id })
    )
      throw forbidden()
}
