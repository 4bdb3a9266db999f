import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** How long builds of a template take, in milliseconds. */
export interface BuildTime {
  readonly template_id: string
  readonly transition: 'start' | 'stop' | 'delete'
  readonly p50: number
  readonly p95: number
}

/**
 * Median and 95th percentile of the latest 200 builds of each kind that succeeded (WS-83); the caller has
 * checked that the reader may see the templates.
 *
 * @throws ApiError 403 without `workspace:read`.
 */
export async function listBuildTimes(
  actor: Actor,
  db: Db,
  templateIds: readonly string[],
): Promise<BuildTime[]> {
  authorize(actor, 'read', { type: 'workspace' })
  if (templateIds.length === 0) return []
  const { rows } = await sql<BuildTime>`
    select t.id as template_id, k.transition::text as transition,
           percentile_cont(0.5) within group (order by recent.ms)::int as p50,
           percentile_cont(0.95) within group (order by recent.ms)::int as p95
      from unnest(${[...templateIds]}::uuid[]) t(id)
     cross join unnest(enum_range(null::workspace_transition)) k(transition)
     cross join lateral (
       select extract(epoch from j.completed_at - j.started_at) * 1000 as ms
         from workspaces w
         join workspace_builds b on b.workspace_id = w.id
         join provisioner_jobs j on j.id = b.job_id
        where w.template_id = t.id and b.transition = k.transition and j.job_status = 'succeeded'
        order by b.created_at desc limit 200) recent
     group by t.id, k.transition`.execute(db)
  return rows
}
