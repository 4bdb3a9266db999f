import type { TaskBuildResponse } from '@slipway/contract'
import { recordChange } from '../audit/index.ts'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { SessionRequest } from '../edge/index.ts'
import { conflict } from '../errors/index.ts'
import {
  buildsWithParts,
  getWorkspace,
  requestBuild,
  statusOf,
  type WorkspaceRow,
} from '../workspaces/index.ts'
import { announcePaused, announceResumed } from './announce.ts'
import { deleteTask, type TaskRow, taskObject } from './store/tasks.ts'

/** Stops the workspace of a task (WS-261). @throws ApiError as WS-170 lists. */
export async function pauseTask(
  context: AppContext,
  incoming: SessionRequest,
  task: TaskRow,
): Promise<TaskBuildResponse> {
  const { id } = await workspaceOf(context, incoming.actor, task)
  const answer = await build(context, incoming, id, 'stop', 'task_manual_pause')
  await announcePaused(context, task, 'manual')
  return answer
}

/** Starts it again (WS-261). @throws ApiError 409 when it runs, and as WS-170 lists. */
export async function resumeTask(
  context: AppContext,
  incoming: SessionRequest,
  task: TaskRow,
): Promise<TaskBuildResponse> {
  const workspace = await workspaceOf(context, incoming.actor, task)
  if (statusOf(workspace.job.job_status, workspace.transition) === 'running')
    throw conflict('Task workspace is already running.')
  const answer = await build(context, incoming, workspace.id, 'start', 'task_resume')
  await announceResumed(context, task)
  return answer
}

/**
 * Deletes a task, and its workspace where that is still there (WS-262).
 *
 * @throws ApiError 403 without `task:delete`, and as WS-170 lists for the workspace.
 */
export async function removeTask(
  context: AppContext,
  incoming: SessionRequest,
  task: TaskRow,
): Promise<void> {
  const { actor } = incoming
  // Whoever may not delete the task must not have deleted its workspace by then.
  authorize(actor, 'delete', taskObject(task))
  const { workspace_id: id, build_transition: transition, job_status: job } = task
  const goes = transition === 'delete' && (job === 'pending' || job === 'running' || job === 'succeeded')
  if (id !== null && !goes) await requestBuild(context, actor, id, { transition: 'delete' })
  await deleteTask(actor, context.database.db, task)
}

async function workspaceOf(context: AppContext, actor: Actor, task: TaskRow): Promise<WorkspaceRow> {
  if (task.workspace_id === null)
    throw conflict('Task has no workspace.', {
      detail: 'It was removed. Delete the task and make a new one.',
    })
  return getWorkspace(actor, context.database.db, task.workspace_id)
}

async function build(
  context: AppContext,
  incoming: SessionRequest,
  workspaceId: string,
  transition: 'start' | 'stop',
  reason: 'task_manual_pause' | 'task_resume',
): Promise<TaskBuildResponse> {
  const made = await requestBuild(context, incoming.actor, workspaceId, { transition, reason })
  if (made.awoken !== undefined)
    await recordChange(context, incoming, { type: 'workspace', action: 'write' }, made.awoken)
  const [presented] = await buildsWithParts(context, [made.build], made.matching)
  if (presented === undefined) throw new Error('a made build was not presented')
  return { workspace_build: presented }
}
