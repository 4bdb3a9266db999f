import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { announceState } from './announce.ts'
import { findTaskOfWorkspace, type TaskRow } from './store/tasks.ts'

type AppState = NonNullable<TaskRow['app_state']>

const system = systemActor('provisionerd', 'the task of a workspace whose app has reported')

/**
 * Tells the owner of a task when its app says something else of its work than before (AC-85): not while the agent starts,
 * and not that it has begun to work, which the owner knows.
 *
 * @param before what the workspace had reported last; undefined when nothing.
 */
export async function reportTaskState(
  context: AppContext,
  workspaceId: string,
  state: AppState,
  before: AppState | undefined,
): Promise<void> {
  if (state === before || (state === 'working' && before === undefined)) return
  const task = await findTaskOfWorkspace(system, context.database.db, workspaceId)
  if (task?.agent_lifecycle === 'ready') await announceState(context, task, state)
}
