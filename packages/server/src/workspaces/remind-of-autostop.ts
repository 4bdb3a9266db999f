import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { announceAutostop } from './announce.ts'
import { takeStoppingWorkspaces } from './store/autostop-reminders.ts'

const actor = systemActor('autostart', 'owners hear of workspaces of theirs that stop soon')

/** Tells owners of workspaces that stop soon, once for each deadline (WS-239). */
export async function remindOfAutostop(context: AppContext): Promise<void> {
  const now = context.clock.now()
  for (const workspace of await takeStoppingWorkspaces(actor, context.database.db, now))
    await announceAutostop(context, workspace, now)
}
