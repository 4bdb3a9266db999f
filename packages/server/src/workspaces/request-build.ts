import type { Actor } from '../authz/index.ts'
import type { BuildAttempt } from '../build-metrics/index.ts'
import type { AppContext } from '../context.ts'
import type { Matching } from '../provisioning/index.ts'
import { type BuildRequest, createBuild, targetOf } from './create-build.ts'
import { awakened } from './lifecycle.ts'
import { recordBuild } from './record-build.ts'
import { type BuildRow, getBuild } from './store/builds.ts'
import { updateWorkspace } from './store/workspace-changes.ts'
import { getWorkspace, type WorkspaceRow } from './store/workspaces.ts'

/** A build that was queued, and the workspace that it has woken. */
export interface RequestedBuild {
  readonly build: BuildRow
  readonly matching: Matching
  readonly awoken: { readonly before: WorkspaceRow; readonly after: WorkspaceRow } | undefined
  /** The workspace as it was, where it gets another version than it had (WS-181). */
  readonly updated: WorkspaceRow | undefined
}

/**
 * Queues a build of a workspace for somebody (WS-170); a start wakes a dormant one (WS-174). The end of a build that is
 * over at once is recorded here, a workspace that was woken by the caller.
 *
 * @throws ApiError as WS-170 lists.
 */
export async function requestBuild(
  context: AppContext,
  actor: Actor,
  workspaceId: string,
  request: BuildRequest,
): Promise<RequestedBuild> {
  const queue = (attempt: BuildAttempt) =>
    context.database.transaction(
      async (tx) => {
        const workspace = await getWorkspace(actor, tx, workspaceId)
        const build = await createBuild(context, actor, tx, targetOf(workspace), request, attempt)
        // Behind the checks, whose answers come first (WS-170).
        if (request.transition !== 'start' || workspace.dormant_at === null)
          return { made: build, before: workspace }
        await updateWorkspace(actor, tx, workspace, awakened(context.clock.now()))
        return {
          made: build,
          before: workspace,
          awoken: { before: workspace, after: await getWorkspace(actor, tx, workspace.id) },
        }
      },
      { isolation: 'repeatable read', attempts: 5 },
    )
  const { made, awoken, before } = await context.buildMetrics.enqueueing(queue)
  const build = await getBuild(actor, context.database.db, made.id)
  // One that nobody can carry out is over already.
  if (build.job.completed_at !== null)
    await recordBuild(context, build.job.id, build.job.job_status === 'succeeded')
  const updated = build.template_version_id === before.template_version_id ? undefined : before
  return { build, matching: made.matching, awoken, updated }
}
