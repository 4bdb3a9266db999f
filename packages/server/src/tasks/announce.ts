import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { enqueueNotification, TEMPLATES } from '../notifications/index.ts'
import type { TaskRow } from './store/tasks.ts'

const actor = systemActor('provisionerd', 'owners hear of what happens to their tasks')

const STATE_TEMPLATES = {
  working: TEMPLATES.taskWorking,
  idle: TEMPLATES.taskIdle,
  complete: TEMPLATES.taskCompleted,
  failure: TEMPLATES.taskFailed,
} as const

/** Tells the owner that a task was paused, and by what (WS-261). */
export function announcePaused(context: AppContext, task: TaskRow, reason: string): Promise<void> {
  return announce(context, task, TEMPLATES.taskPaused, { pause_reason: reason, task_id: task.id })
}

/** Tells the owner that a task goes on (WS-261). */
export function announceResumed(context: AppContext, task: TaskRow): Promise<void> {
  return announce(context, task, TEMPLATES.taskResumed)
}

/** Tells the owner what the program of a task says of its work now (AC-85). */
export function announceState(
  context: AppContext,
  task: TaskRow,
  state: NonNullable<TaskRow['app_state']>,
): Promise<void> {
  return announce(context, task, STATE_TEMPLATES[state])
}

function announce(
  context: AppContext,
  task: TaskRow,
  templateId: Parameters<typeof enqueueNotification>[2]['templateId'],
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  return enqueueNotification(context, actor, {
    templateId,
    userId: task.owner_id,
    labels: { task: task.name, workspace: task.workspace_name ?? task.name, ...labels },
    targets: [task.id, ...(task.workspace_id === null ? [] : [task.workspace_id])],
  })
}
