import type { Task, Workspace } from '@slipway/contract'
import { isMoving } from '../workspaces/workspace-look.ts'

/** What the page of a task shows (UI-1202). */
export type TaskStage =
  | 'building'
  | 'starting'
  | 'active'
  | 'pausing'
  | 'paused'
  | 'failed-build'
  | 'error'
  | 'deleting'
  | 'deleted'
  | 'unknown'

/** Where a task is, from its own status and its workspace, which is undefined until it has been read. */
export function taskStage(
  task: Pick<Task, 'status' | 'workspace_id' | 'workspace_status'>,
  workspace: Workspace | undefined,
): TaskStage {
  const state = workspace?.latest_build.status ?? task.workspace_status
  if (task.workspace_id === null || state === 'deleted') return 'deleted'
  if (state === 'deleting') return 'deleting'
  if (state === 'stopping') return 'pausing'
  switch (task.status) {
    case 'active':
      return 'active'
    case 'paused':
      return state !== undefined && isMoving(state) ? 'building' : 'paused'
    case 'pending':
      return 'building'
    case 'initializing':
      return state === 'starting' || state === 'pending' ? 'building' : 'starting'
    case 'error':
      // Where it runs the build was not what failed.
      return state === 'running' ? 'error' : 'failed-build'
    case 'unknown':
      return state === 'pending' || state === 'starting' ? 'building' : 'unknown'
  }
}

/** Whether a message will reach the task by itself, once it is resumed and runs. */
export function takesMessages(stage: TaskStage): boolean {
  return ['building', 'starting', 'active', 'pausing', 'paused'].includes(stage)
}
