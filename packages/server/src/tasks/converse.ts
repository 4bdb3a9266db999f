import { Check } from 'typebox/value'

import { TaskLogSnapshot, type TaskLogsResponse } from '@slipway/contract'
import type { AgentTunnels } from '../agents/index.ts'
import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, conflict, notFound } from '../errors/index.ts'
import { getWorkspace, noteUse, workspaceObject } from '../workspaces/index.ts'
import { findSnapshot } from './store/snapshots.ts'
import type { TaskRow } from './store/tasks.ts'
import { logsOf, TaskApp } from './task-app.ts'

const system = systemActor('provisionerd', 'the workspace of a task that was read as the caller')

/**
 * Tells the program of a task something (WS-258).
 *
 * @throws ApiError 400 without input and for a task in a state that nobody can speak to, 404 for who may not reach apps of
 *   the workspace, 409 while the task or its app is not ready, 502 when the app does not take it.
 */
export async function sendInput(
  context: AppContext,
  tunnels: AgentTunnels,
  actor: Actor,
  task: TaskRow,
  input: string,
): Promise<void> {
  if (input === '') throw badRequest('Task input is required.')
  const app = await appOf(context, tunnels, actor, task)
  if (!(await app.isReady()))
    throw conflict('Task app is not ready to accept input.', {
      detail: 'It works on what it was told before. Wait until it is idle.',
    })
  await app.say(input)
  if (task.workspace_id !== null) await noteUse(context, task.workspace_id)
}

/**
 * What was said in a task: as its app tells it while that runs, and as it was kept while it does not (WS-259).
 *
 * @throws ApiError 409 in a state without either, 404 and 502 as for {@link sendInput}.
 */
export async function logsOfTask(
  context: AppContext,
  tunnels: AgentTunnels,
  actor: Actor,
  task: TaskRow,
): Promise<TaskLogsResponse> {
  switch (task.status) {
    case 'active':
      return { logs: await (await appOf(context, tunnels, actor, task)).messages() }
    case 'paused':
    case 'pending':
    case 'initializing': {
      const kept = await findSnapshot(actor, context.database.db, task)
      if (kept === undefined) return { logs: [], snapshot: true }
      // Whoever has stored it has checked it; what another version stores may be otherwise.
      if (!Check(TaskLogSnapshot, kept.log_snapshot)) throw new Error('a kept log has another shape')
      return { logs: logsOf(kept.log_snapshot), snapshot: true, snapshot_at: kept.taken_at.toISOString() }
    }
    case 'unknown':
    case 'error':
      throw conflict('Cannot fetch logs for task in current state.', {
        detail: `The task is in the state ${JSON.stringify(task.status)}. Resume it, or look into its workspace.`,
      })
  }
}

/** The app of an active task, for who may reach it. */
async function appOf(
  context: AppContext,
  tunnels: AgentTunnels,
  actor: Actor,
  task: TaskRow,
): Promise<TaskApp> {
  requireActive(task)
  const { workspace_id: workspaceId, agent_id: agentId } = task
  if (workspaceId === null || agentId === null) throw notFound()
  const workspace = await getWorkspace(system, context.database.db, workspaceId)
  if (!isAllowed(actor, 'application_connect', workspaceObject(workspace))) throw notFound()
  return new TaskApp(tunnels, agentId, task.app_url ?? '')
}

function requireActive({ status }: TaskRow): void {
  switch (status) {
    case 'active':
      return
    case 'pending':
    case 'initializing':
      throw conflict('Task is pending.', { detail: 'Wait until it is active.' })
    case 'paused':
      throw conflict('Task is paused.', { detail: 'Resume it first.' })
    case 'unknown':
    case 'error':
      throw new ApiError(400, 'Task must be active.', {
        detail: `The task is in the state ${JSON.stringify(status)}.`,
      })
  }
}
