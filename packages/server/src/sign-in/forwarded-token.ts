import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { SyncClaims } from './enter.ts'
import type { Providers } from './providers.ts'
import { upstreamRefresh } from './refresh-upstream.ts'
import { openAccessToken } from './sealed-tokens.ts'
import { findLink } from './store/links.ts'

/** Whoever gets the token may use it for so long at least, in milliseconds (OA-104). */
const LEFT_MS = 10 * 60_000

const coordinator = systemActor(
  'external_auth_coordinator',
  'tokens of login providers are handed to servers that an operator has chosen',
)

/**
 * Finds the access token that the provider of OpenID Connect has given to a user, renewed when it is about to end
 * (OA-104). Undefined for users without such a link, and when there is none that is still good.
 */
export function forwardedToken(
  context: AppContext,
  providers: Providers,
  syncClaims: SyncClaims,
): (userId: string) => Promise<string | undefined> {
  const refresh = upstreamRefresh(context, providers, syncClaims, LEFT_MS)
  const { db } = context.database
  return async (userId) => {
    if ((await findLink(coordinator, db, userId, 'oidc')) === undefined) return undefined
    // Whatever comes of it: a token that has not ended yet is still good.
    await refresh({ userId, loginType: 'oidc' })
    const link = await findLink(coordinator, db, userId, 'oidc')
    const end = link?.oauth_expiry ?? undefined
    if (link === undefined || (end !== undefined && end <= context.clock.now())) return undefined
    return openAccessToken(context, { userId, type: 'oidc' }, link) || undefined
  }
}
