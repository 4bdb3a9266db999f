import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/**
 * Whether a build does not get on (WS-317): its worker has been silent for 60 s, or it has said nothing for
 * 5 minutes, or it takes three times as long as 19 of 20 such builds of its template (10 minutes at least),
 * or it was asked to stop 30 s ago and has not. A build that nobody runs yet is not stuck.
 *
 * @throws ApiError 403 without `workspace:read`.
 */
export async function isBuildStuck(actor: Actor, db: Db, buildId: string): Promise<boolean> {
  authorize(actor, 'read', { type: 'workspace' })
  const { rows } = await sql<{ stuck: boolean }>`
    select j.canceled_at < now() - interval '30 seconds'
        or j.updated_at < now() - interval '60 seconds'
        or greatest(j.started_at, (select max(l.created_at) from provisioner_job_logs l where l.job_id = j.id))
             < now() - interval '5 minutes'
        or j.started_at < now() - greatest(interval '10 minutes', 3 * (
             select make_interval(secs => percentile_cont(0.95) within group (order by recent.seconds))
               from (select extract(epoch from o.completed_at - o.started_at)::float8 as seconds
                       from workspace_builds p
                       join workspaces s on s.id = p.workspace_id
                       join provisioner_jobs o on o.id = p.job_id
                      where s.template_id = w.template_id and p.transition = b.transition
                        and o.job_status = 'succeeded'
                      order by p.created_at desc limit 200) recent)) as stuck
      from workspace_builds b
      join workspaces w on w.id = b.workspace_id
      join provisioner_jobs j on j.id = b.job_id
     where b.id = ${buildId}::uuid and j.started_at is not null and j.completed_at is null`.execute(db)
  return rows[0]?.stuck === true
}
