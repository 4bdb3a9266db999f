import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** A workspace that stops soon. */
export interface StoppingWorkspace {
  readonly id: string
  readonly name: string
  readonly owner_id: string
  readonly template_id: string
  readonly organization_id: string
  readonly deadline: Date
}

/**
 * Workspaces whose deadline is within the time that their template wants owners to be reminded before it; each is noted as
 * told, so that nobody takes it again before its deadline changes (WS-239). One that was used within a quarter of an hour
 * is left out where use still moves its deadline.
 *
 * @throws ApiError 403 without `workspace:update`.
 */
export async function takeStoppingWorkspaces(actor: Actor, db: Db, now: Date): Promise<StoppingWorkspace[]> {
  authorize(actor, 'update', { type: 'workspace' })
  const { rows } = await sql<StoppingWorkspace>`
    update workspace_builds b set notified_autostop_deadline = b.deadline
      from templates t, workspaces w, users u, provisioner_jobs j,
           lateral (select ${now}::timestamptz + make_interval(secs => t.time_til_autostop_notify / 1e9) as until) ahead
     where t.time_til_autostop_notify > 0 and w.template_id = t.id and b.workspace_id = w.id
       and u.id = w.owner_id and j.id = b.job_id
       and b.transition = 'start' and j.job_status = 'succeeded'
       and b.build_number = (select max(l.build_number) from workspace_builds l where l.workspace_id = w.id)
       and not w.deleted and w.dormant_at is null and u.status <> 'suspended'
       and b.deadline > ${now} and b.deadline <= ahead.until
       and b.notified_autostop_deadline is distinct from b.deadline
       and not (t.activity_bump > 0 and w.last_used_at > ${now}::timestamptz - interval '15 minutes'
                and coalesce(b.max_deadline, 'infinity') > ahead.until)
    returning w.id, w.name, w.owner_id, w.template_id, w.organization_id, b.deadline`.execute(db)
  return rows
}
