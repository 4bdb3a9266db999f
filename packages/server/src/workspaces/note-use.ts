import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { nextStartOf } from './lifecycle.ts'
import { bumpDeadline, touchWorkspace } from './store/workspace-changes.ts'
import { getWorkspace } from './store/workspaces.ts'

const actor = systemActor('provisionerd', 'use is noted for whoever works in the workspace')

/** Notes that somebody works in a workspace: its last use, and a later deadline if it stops by itself (WS-240, AC-102). */
export async function noteUse(context: AppContext, workspaceId: string): Promise<void> {
  const { db } = context.database
  const workspace = await getWorkspace(actor, db, workspaceId)
  await touchWorkspace(actor, db, workspace)
  if (workspace.deadline === null) return
  const now = context.clock.now()
  await bumpDeadline(actor, db, workspace, now, nextStartOf(workspace, now))
}
