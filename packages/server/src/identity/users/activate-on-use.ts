import type { AppContext } from '../../context.ts'
import type { Accepted } from '../../edge/index.ts'
import type { KeyValidator } from '../keys/validate-key.ts'
import { activateDormant } from './activate-dormant.ts'

/** A dormant user who makes an ordinary request is active again (ID §1.2). */
export async function activateOnUse(
  context: AppContext,
  keys: Pick<KeyValidator, 'drop'>,
  accepted: Accepted,
): Promise<Accepted> {
  await activateDormant(context, accepted.owner.id)
  keys.drop(accepted.owner.id)
  return { ...accepted, owner: { ...accepted.owner, status: 'active' } }
}
