import { hasKeyLimits } from '../ai-governance/index.ts'
import { ALLOW_ALL, containsAllowList, covers } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Accepted } from '../edge/index.ts'
import type { OAuthClient } from '../oauth2-clients/index.ts'

/** OA-52: an app makes no grants for another. */
export function isOAuthToken({ key }: Accepted): boolean {
  return key.loginType === 'oauth2_provider_app'
}

/** A credential makes no other that may do more than itself (RB-120), nor one without its limits (AG-B8). */
export async function mayGrant(
  { database }: Pick<AppContext, 'database'>,
  { actor: { scope }, key }: Accepted,
  scopes: readonly string[],
): Promise<boolean> {
  if (!covers(scope.names, scopes) || !containsAllowList(scope.allowList, ALLOW_ALL)) return false
  return !(await hasKeyLimits(database.db, { id: key.id, user_id: key.userId }))
}

/** OA-B14: never for apps that registered themselves. */
export function remembers(client: OAuthClient): boolean {
  return client.remember_consent && !client.dynamically_registered && client.metadata_url === null
}
