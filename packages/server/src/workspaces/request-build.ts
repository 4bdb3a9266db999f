import { Type } from 'typebox'

import { Uuid } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { BuildAttempt } from '../build-metrics/index.ts'
import type { AppContext, Db } from '../context.ts'
import type { Matching } from '../provisioning/index.ts'
import type { RepeatableRequest } from '../repeatable-requests/index.ts'
import { type BuildRequest, createBuild, type MadeBuild, targetOf } from './create-build.ts'
import { awakened } from './lifecycle.ts'
import { recordBuild } from './record-build.ts'
import { type BuildRow, getBuild } from './store/builds.ts'
import { updateWorkspace } from './store/workspace-changes.ts'
import { getWorkspace, type WorkspaceRow } from './store/workspaces.ts'

/** What is kept of an answer for who sends the request again: the build is shown as it is by then. */
export const RepeatedBuild = Type.Object({ id: Uuid })
type RepeatableBuild = RepeatableRequest<typeof RepeatedBuild>

/** A build that was queued, and the workspace that it has woken. */
export interface RequestedBuild {
  readonly build: BuildRow
  /** Undefined when it is there already, because the request was sent again. */
  readonly matching: Matching | undefined
  readonly awoken: { readonly before: WorkspaceRow; readonly after: WorkspaceRow } | undefined
  /** The workspace as it was, where it gets another version than it had (WS-181). */
  readonly updated: WorkspaceRow | undefined
}

interface QueuedBuild extends Pick<RequestedBuild, 'awoken'> {
  readonly made: MadeBuild
  /** The workspace as it was. */
  readonly before: WorkspaceRow
}

/**
 * Queues a build of a workspace for somebody (WS-170); a start wakes a dormant one (WS-174). The end of a build that is
 * over at once is recorded here, a workspace that was woken by the caller.
 *
 * @param repeatableOf the request of a client that may send it again, for a build of this workspace (WS-311).
 * @throws ApiError as WS-170 lists.
 */
export async function requestBuild(
  context: AppContext,
  actor: Actor,
  workspaceId: string,
  request: BuildRequest,
  repeatableOf?: (workspace: WorkspaceRow) => RepeatableBuild,
): Promise<RequestedBuild> {
  const { db } = context.database
  const repeated = async (id: string): Promise<RequestedBuild> => ({
    build: await getBuild(actor, db, id),
    matching: undefined,
    awoken: undefined,
    updated: undefined,
  })
  let repeatable: RepeatableBuild | undefined
  const queue = (attempt: BuildAttempt) =>
    context.database.transaction(
      async (tx) => {
        const workspace = await getWorkspace(actor, tx, workspaceId)
        repeatable = repeatableOf?.(workspace)
        const done: { queued?: QueuedBuild } = {}
        const make = async () => {
          done.queued = await queueBuild(context, actor, tx, workspace, request, attempt)
          return { id: done.queued.made.id }
        }
        const { id } = await (repeatable === undefined ? make() : repeatable.once(tx, make))
        return { ...done, id }
      },
      { isolation: 'repeatable read', attempts: 5 },
    )
  let result: Awaited<ReturnType<typeof queue>>
  try {
    result = await context.buildMetrics.enqueueing(queue)
  } catch (error) {
    // The same request may have been faster: then another build was under way.
    const meanwhile = await repeatable?.answered(db)
    if (meanwhile === undefined) throw error
    return repeated(meanwhile.id)
  }
  if (result.queued === undefined) return repeated(result.id)
  const { made, awoken, before } = result.queued
  const build = await getBuild(actor, db, made.id)
  // One that nobody can carry out is over already.
  if (build.job.completed_at !== null)
    await recordBuild(context, build.job.id, build.job.job_status === 'succeeded')
  const updated = build.template_version_id === before.template_version_id ? undefined : before
  return { build, matching: made.matching, awoken, updated }
}

async function queueBuild(
  context: AppContext,
  actor: Actor,
  tx: Db,
  workspace: WorkspaceRow,
  request: BuildRequest,
  attempt: BuildAttempt,
): Promise<QueuedBuild> {
  const made = await createBuild(context, actor, tx, targetOf(workspace), request, attempt)
  // Behind the checks, whose answers come first (WS-170).
  if (request.transition !== 'start' || workspace.dormant_at === null)
    return { made, before: workspace, awoken: undefined }
  await updateWorkspace(actor, tx, workspace, awakened(context.clock.now()))
  const awoken = { before: workspace, after: await getWorkspace(actor, tx, workspace.id) }
  return { made, before: workspace, awoken }
}
