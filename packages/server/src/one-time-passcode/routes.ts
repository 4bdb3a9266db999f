import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone } from '../edge/index.ts'
import { forbidden } from '../errors/index.ts'
import { findUserById, type KeyValidator, type SignInDelay } from '../identity/index.ts'
import { redeemPasscode } from './redeem-passcode.ts'
import type { PasscodeRequests } from './request-passcode.ts'

const LOGIN_LIMIT = { perMinute: 60 }

const guard = systemActor('account_security', 'who has forgotten a password is not signed in')

/** A new password for who has forgotten theirs (ID-35, ID-36, ID-213). */
export function oneTimePasscodeRoutes(
  context: AppContext,
  keys: KeyValidator,
  requests: PasscodeRequests,
  delay: SignInDelay,
): BoundRoute[] {
  const requirePasswords = (): void => {
    if (context.config.disablePasswordAuth)
      throw forbidden('Password authentication is disabled.', { detail: undefined })
  }
  return [
    forAnyone(
      contract.requestOneTimePasscode,
      async ({ body, context: request, raw }) => {
        requirePasswords()
        requests.take(body.email, request, raw.headers['user-agent'] ?? '')
        return undefined
      },
      LOGIN_LIMIT,
    ),
    forAnyone(
      contract.changePasswordWithOneTimePasscode,
      (incoming) =>
        audited(context, incoming, { type: 'user', action: 'write' }, async (draft) => {
          requirePasswords()
          const user = await redeemPasscode(context, delay, incoming.body, (found) => {
            draft.user = found
            draft.before = found
          })
          keys.drop(user.id)
          const after = await findUserById(guard, context.database.db, user.id)
          if (after !== undefined) draft.after = after
          return undefined
        }),
      LOGIN_LIMIT,
    ),
  ]
}
