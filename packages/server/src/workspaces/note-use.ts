import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { bumpDeadline, getWorkspace, touchWorkspace } from './store/workspaces.ts'

const actor = systemActor('provisionerd')

/** Notes that somebody works in a workspace: its last use, and a later deadline if it stops by itself (WS-240, AC-102). */
export async function noteUse(context: AppContext, workspaceId: string): Promise<void> {
  const { db } = context.database
  await touchWorkspace(actor, db, await getWorkspace(actor, db, workspaceId))
  await bumpDeadline(actor, db, workspaceId, context.clock.now())
}
