import type { WhoAmI } from '@slipway/contract'
import { type Actor, formatAllowListEntry } from '../../authz/index.ts'
import type { KeyOwner, ValidatedKey } from '../../edge/index.ts'

/** The credential of a request, for who holds it and wonders what it may do (ID-216). */
export function whoAmI(actor: Actor, key: ValidatedKey, owner: KeyOwner): WhoAmI {
  return {
    key_id: key.id,
    user_id: owner.id,
    username: owner.username,
    login_type: key.loginType,
    token_name: key.tokenName,
    scopes: [...actor.scope.names],
    allow_list: actor.scope.allowList.map(formatAllowListEntry),
    expires_at: key.expiresAt.toISOString(),
  }
}
