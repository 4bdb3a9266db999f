import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Accepted } from '../edge/index.ts'
import { activateDormantUser } from './store/users.ts'
import type { KeyValidator } from './validate-key.ts'

/** A dormant user who makes an ordinary request is active again (ID §1.2). */
export async function activateOnUse(
  context: AppContext,
  keys: KeyValidator,
  accepted: Accepted,
): Promise<Accepted> {
  await activateDormantUser(
    systemActor('system_restricted', 'a dormant user may do nothing yet'),
    context.database.db,
    accepted.owner.id,
    context.clock.now(),
  )
  keys.drop(accepted.owner.id)
  return { ...accepted, owner: { ...accepted.owner, status: 'active' } }
}
