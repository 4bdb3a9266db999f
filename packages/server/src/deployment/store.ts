import { sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'

/** The id of this deployment, made once (OP start-up step 5). @throws ApiError 403. */
export async function ensureDeploymentId(actor: Actor, db: Db, fresh: string): Promise<string> {
  authorize(actor, 'update', { type: 'deployment_config' })
  await db
    .insertInto('site_configs')
    .values({ key: 'deployment_id', value: fresh })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  const row = await db
    .selectFrom('site_configs')
    .select('value')
    .where('key', '=', 'deployment_id')
    .executeTakeFirstOrThrow()
  return row.value
}

/** Workspaces by what became of their latest build. */
export interface WorkspaceCounts {
  readonly pending: number
  readonly building: number
  readonly running: number
  readonly failed: number
  readonly stopped: number
}

/** How many workspaces there are of each kind (OP-12). @throws ApiError 403 without `deployment_stats:read`. */
export async function countWorkspaces(actor: Actor, db: Db): Promise<WorkspaceCounts> {
  authorize(actor, 'read', { type: 'deployment_stats' })
  const { rows } = await sql<WorkspaceCounts>`
    select count(*) filter (where j.job_status = 'pending')::int as pending,
           count(*) filter (where j.job_status in ('running', 'canceling'))::int as building,
           count(*) filter (where j.job_status = 'succeeded' and b.transition = 'start')::int as running,
           count(*) filter (where j.job_status in ('failed', 'canceled'))::int as failed,
           count(*) filter (where j.job_status = 'succeeded' and b.transition = 'stop')::int as stopped
      from workspaces w
     cross join lateral (
       select n.job_id, n.transition from workspace_builds n
        where n.workspace_id = w.id order by n.build_number desc limit 1) b
      join provisioner_jobs j on j.id = b.job_id
     where not w.deleted`.execute(db)
  return rows[0] ?? { pending: 0, building: 0, running: 0, failed: 0, stopped: 0 }
}

/** Sessions that are open, and what has gone through tunnels; latencies in milliseconds, -1 where none is known. */
export interface RecentUse {
  readonly vscode: number
  readonly ssh: number
  readonly jetbrains: number
  readonly reconnecting_pty: number
  readonly p50: number
  readonly p95: number
  readonly rx_bytes: number
  readonly tx_bytes: number
}

/**
 * What agents have told since a time: the sessions as they said last, and the bytes in all (OP-12).
 *
 * @throws ApiError 403 without `deployment_stats:read`.
 */
export async function sumRecentUse(actor: Actor, db: Db, since: Date): Promise<RecentUse> {
  authorize(actor, 'read', { type: 'deployment_stats' })
  const { rows } = await sql<RecentUse>`
    with recent as materialized (
      select agent_id, minute, vscode, ssh, jetbrains, reconnecting_pty, sessions, rx_bytes, tx_bytes, latency_ms
        from workspace_agent_stats where minute >= ${since}),
    latest as (
      select distinct on (agent_id) vscode, ssh, jetbrains, reconnecting_pty
        from recent where sessions is not null order by agent_id, minute desc)
    select s.*, t.*
      from (select coalesce(sum(vscode), 0)::int as vscode, coalesce(sum(ssh), 0)::int as ssh,
                   coalesce(sum(jetbrains), 0)::int as jetbrains,
                   coalesce(sum(reconnecting_pty), 0)::int as reconnecting_pty from latest) s,
           (select coalesce(percentile_cont(0.5) within group (order by latency_ms), -1) as p50,
                   coalesce(percentile_cont(0.95) within group (order by latency_ms), -1) as p95,
                   coalesce(sum(rx_bytes), 0)::bigint as rx_bytes, coalesce(sum(tx_bytes), 0)::bigint as tx_bytes
              from recent) t`.execute(db)
  const [use] = rows
  if (use === undefined) throw new Error('a sum has one row')
  return use
}
