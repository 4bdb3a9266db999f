import type { Workspace, WorkspaceBuild } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type Matching, queuePlaces } from '../provisioning/index.ts'
import { listResources, type ResourceRecord } from '../resources/index.ts'
import { presentBuild, presentWorkspace, type Surroundings } from './present.ts'
import { sharedWith } from './shared-with.ts'
import type { BuildRow } from './store/builds.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

/** What answers depend on beside the rows. */
export function surroundings(context: AppContext): Surroundings {
  return {
    now: context.clock.now(),
    wildcardHost: context.config.wildcardAccessUrl,
    allowRenames: context.config.allowWorkspaceRenames,
  }
}

/**
 * Workspaces with resources and agents, whatever their number: one statement more, and one only while some
 * of them wait in the queue.
 */
export async function withParts(
  context: AppContext,
  rows: readonly WorkspaceRow[],
  viewerId: string,
  matching?: Matching,
): Promise<Workspace[]> {
  const parts = await partsOf(
    context,
    rows.map((row) => row.job),
  )
  const sharedWithOf = await sharedWith(context, rows)
  const around = surroundings(context)
  return rows.map((row) =>
    presentWorkspace(
      row,
      { ...parts(row.job.id), matching, sharedWith: sharedWithOf(row) },
      around,
      viewerId,
    ),
  )
}

/** Builds with resources and agents. */
export async function buildsWithParts(
  context: AppContext,
  rows: readonly BuildRow[],
  matching?: Matching,
): Promise<WorkspaceBuild[]> {
  const parts = await partsOf(
    context,
    rows.map((row) => row.job),
  )
  const around = surroundings(context)
  return rows.map((row) => presentBuild(row, { ...parts(row.job.id), matching }, around))
}

async function partsOf(context: AppContext, jobs: readonly BuildRow['job'][]) {
  const db = context.database.db
  const waiting = jobs.filter((job) => job.job_status === 'pending').map((job) => job.id)
  const places = await queuePlaces(
    systemActor(
      'system_read_provisioner_daemons',
      'places in the queue count daemons that the caller may not list',
    ),
    db,
    waiting,
  )
  const resources = await listResources(
    systemActor('provisionerd', 'resources of builds that were read as the caller'),
    db,
    jobs.filter((job) => job.completed_at !== null).map((job) => job.id),
  )
  const byJob = new Map<string, ResourceRecord[]>()
  for (const resource of resources)
    byJob.set(resource.job_id, [...(byJob.get(resource.job_id) ?? []), resource])
  return (jobId: string) => ({ resources: byJob.get(jobId) ?? [], place: places.get(jobId) })
}
