import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import type { TokenSet } from '../oauth-flow/index.ts'
import type { Arrival } from './enter.ts'
import type { OidcIssuer } from './oidc-issuer.ts'
import { type ClaimSources, type Claims, oidcLinkedId, oidcProfile } from './oidc-profile.ts'
import type { OidcProvider } from './provider.ts'

/**
 * What an issuer said with these tokens (ID-158…ID-161).
 *
 * @param expected the nonce of the sign-in; for a renewal, whose ID token needs none, the key of the link that is renewed.
 * @throws ApiError 400 for tokens that do not hold, 403 for those of another person, 500 when the issuer cannot be asked.
 */
export async function readClaims(
  issuer: OidcIssuer,
  provider: OidcProvider,
  tokens: TokenSet,
  expected: { readonly nonce?: string; readonly linkedId?: string | undefined },
): Promise<{ readonly linkedId: string; readonly sources: ClaimSources }> {
  const { issuer: name, subject, claims } = await issuer.verifyIdToken(tokens.idToken, expected.nonce)
  const linkedId = oidcLinkedId(name, subject)
  // Before anybody is asked about them.
  if (expected.linkedId !== undefined && expected.linkedId !== linkedId)
    throw new ApiError(403, 'The provider renewed the sign-in for another identity.')
  const second = await secondSource(issuer, provider, tokens, subject)
  // An access token only adds what the ID token does not say; a userinfo answer is newer than it.
  const merged: Claims = provider.accessTokenClaims ? { ...second, ...claims } : { ...claims, ...second }
  return {
    linkedId,
    sources: { id_token_claims: claims, user_info_claims: second, merged_claims: merged },
  }
}

async function secondSource(
  issuer: OidcIssuer,
  provider: OidcProvider,
  tokens: TokenSet,
  subject: string,
): Promise<Claims> {
  if (provider.accessTokenClaims) return issuer.verifyAccessToken(tokens.accessToken)
  return provider.ignoreUserinfo ? {} : issuer.userinfo(tokens.accessToken, subject)
}

/** Somebody who came back from an issuer. @throws ApiError 400, 500. */
export async function oidcArrival(
  context: AppContext,
  issuer: OidcIssuer,
  provider: OidcProvider,
  flow: { readonly tokens: TokenSet; readonly nonce: string },
): Promise<Arrival> {
  const { linkedId, sources } = await readClaims(issuer, provider, flow.tokens, { nonce: flow.nonce })
  requireStorable(sources)
  context.log.debug('claims of a sign-in were read', {
    provider: provider.id,
    claims: Object.keys(sources.merged_claims).join(','),
  })
  return {
    provider,
    profile: oidcProfile(provider, linkedId, sources.merged_claims),
    tokens: flow.tokens,
    claims: sources,
  }
}

/** No text column holds NUL characters or halves of surrogate pairs, which JSON can spell. */
function requireStorable(sources: ClaimSources): void {
  const text = JSON.stringify(sources)
  if (/\\u0000|\\ud[89a-f][0-9a-f]{2}/i.test(text))
    throw new ApiError(400, 'The identity provider sent claims that cannot be stored.')
}
