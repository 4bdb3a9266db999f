import { systemActor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { completeJob, type JobRow } from '../provisioning/index.ts'
import { markWorkspaceDeleted } from './store/workspace-changes.ts'

/** Whether a job deletes a workspace without its resources. */
export function isOrphaning(job: JobRow): boolean {
  return (
    typeof job.input === 'object' && job.input !== null && 'orphan' in job.input && job.input.orphan === true
  )
}

/** Completes an orphaning delete by itself, because no provisioner is there to do it (WS-172). */
export async function completeOrphan(tx: Db, job: JobRow, workspaceId: string): Promise<void> {
  const actor = systemActor('provisionerd', 'ends the job that no provisioner will run')
  await completeJob(actor, tx, { id: job.id, workerId: null, organizationId: job.organization_id })
  await markWorkspaceDeleted(actor, tx, workspaceId)
}
