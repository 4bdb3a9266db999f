import type * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import { ApiError, badRequest, conflict, forbidden } from '../errors/index.ts'
import type { UpstreamRefresh, UserRow } from '../identity/index.ts'
import type { SignInParts } from './callback.ts'
import { openAccessToken } from './sealed-tokens.ts'
import { findLink } from './store/links.ts'

/** Scripts get a token that is good for so long at least, in milliseconds. */
export const OIDC_TOKEN_LEFT_MS = 60_000

/**
 * The access token that the provider of OpenID Connect gave to the caller, renewed when it is about to end (L-36). One
 * without an end is not handed out: nothing could take it back.
 *
 * @param refresh renews tokens with less than {@link OIDC_TOKEN_LEFT_MS} left.
 * @throws ApiError 403 where the deployment does not hand tokens out, for another user, and without
 * `user:read_personal`; 400 for accounts that sign in otherwise, 409 when the person has to sign in again, 500 when the
 * provider cannot be asked.
 */
export async function oidcToken(
  { context, keys }: SignInParts,
  refresh: UpstreamRefresh,
  actor: Actor,
  user: UserRow,
): Promise<contract.ResponseOf<typeof contract.issueOidcToken>> {
  if (!context.config.oidcTokenExchange)
    throw forbidden('Tokens of the identity provider are not handed out.', {
      detail: 'An operator can allow it with CODER_OIDC_TOKEN_EXCHANGE.',
    })
  // They are for their owner, and for no administrator.
  if (user.id !== actor.id) throw forbidden()
  const { db } = context.database
  const owner = { userId: user.id, type: 'oidc' } as const
  const linked = await findLink(actor, db, user.id, 'oidc')
  if (user.login_type !== 'oidc' || linked === undefined) throw badRequest('User is not an OIDC user.')
  const outcome = await refresh({ userId: user.id, loginType: 'oidc' })
  keys.drop(user.id)
  switch (outcome.kind) {
    case 'fresh':
      break
    case 'refused':
      throw conflict('The identity provider does not renew your token. Sign in again.', {
        detail: outcome.detail,
      })
    case 'unconfigured':
      throw new ApiError(500, 'The identity provider is not configured any more.', { detail: outcome.detail })
    case 'failed':
      throw new ApiError(500, 'The identity provider cannot be asked for a token.', { cause: outcome.cause })
  }
  const link = await findLink(actor, db, user.id, 'oidc')
  const token = link === undefined ? undefined : openAccessToken(context, owner, link)
  const end = link?.oauth_expiry ?? undefined
  if (token === undefined || end === undefined)
    throw conflict('The identity provider gave a token without an end, which is not handed out.')
  return { access_token: token, token_type: 'Bearer', expires_at: end.toISOString() }
}
