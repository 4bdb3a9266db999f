import { audited } from '../../audit/index.ts'
import type { AppContext } from '../../context.ts'
import type { SessionRequest } from '../../edge/index.ts'
import type { UserRow } from '../store/users.ts'

const KEY_LOGIN = { type: 'api_key', action: 'login' } as const

/**
 * Runs a sign-in with its entry in the audit log, also when it fails (ID-33).
 *
 * @param work tells whose account it is as soon as that is known; without that there is no entry (RB-93).
 * @throws what `work` throws.
 */
export function auditedLogin<Result>(
  context: AppContext,
  incoming: Pick<SessionRequest, 'context' | 'raw' | 'reply'>,
  work: (found: (user: UserRow) => void) => Promise<Result>,
): Promise<Result> {
  return audited(context, incoming, KEY_LOGIN, (draft) =>
    work((user) => {
      draft.user = user
      draft.resourceId = user.id
    }),
  )
}
