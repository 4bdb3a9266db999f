import type { OAuth2IntrospectionResponse } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import { parseToken, secretMatches } from '../identity/index.ts'
import { issuerOf, oauthSecretMatches, parseOAuthSecret } from '../oauth2-clients/index.ts'
import type { OAuth2Visit } from './audit-events.ts'
import type { RateLimit } from './client-limit.ts'
import { clientRequestOf } from './client-request.ts'
import { isLive } from './holder.ts'
import { Form, formOf } from './parameters.ts'
import type { ProviderParts } from './parts.ts'
import { findRefreshToken } from './store/tokens.ts'

const actor = systemActor('system_oauth', 'a client asks what a token is worth that it was given')

const INACTIVE: OAuth2IntrospectionResponse = { active: false }

/**
 * Tells a client what a token is worth (RFC 7662). Of tokens of other clients it learns nothing, and neither of what is
 * wrong with one that is not good.
 *
 * @throws OAuthError 400 `invalid_request`, 401 `invalid_client`; ApiError 429.
 */
export async function introspect(
  parts: ProviderParts,
  limited: RateLimit,
  visit: OAuth2Visit & Parameters<RateLimit>[0],
  bytes: Buffer,
): Promise<OAuth2IntrospectionResponse> {
  const search = formOf(bytes)
  const presented = await parts.clients.identify(clientRequestOf(visit, search))
  const { client } = presented
  // Anybody may say to be a public client, and try tokens (OA-B7).
  if (client.client_type === 'public') await limited(visit, client.id)
  await parts.clients.authenticate(presented)
  const token = new Form(search).require('token')
  return token.startsWith('coder_')
    ? ofRefreshToken(parts, client.id, token)
    : ofAccessToken(parts, client.id, token)
}

async function ofAccessToken(
  { context, accessTokens }: ProviderParts,
  clientId: string,
  token: string,
): Promise<OAuth2IntrospectionResponse> {
  const sent = parseToken(token)
  const found = sent === undefined ? undefined : await accessTokens.find(sent.id)
  if (
    sent === undefined ||
    found === undefined ||
    !secretMatches(sent.secret, found.key.hashed_secret) ||
    found.app_id !== clientId ||
    found.key.expires_at <= context.clock.now() ||
    !isLive(found)
  )
    return INACTIVE
  const { key, username } = found
  const issuer = issuerOf(context)
  return {
    active: true,
    scope: key.scopes.join(' '),
    client_id: clientId,
    username,
    token_type: key.dpop_thumbprint === null ? 'Bearer' : 'DPoP',
    exp: seconds(key.expires_at),
    iat: seconds(key.created_at),
    sub: key.user_id,
    aud: key.audience ?? issuer,
    iss: issuer,
    ...(key.dpop_thumbprint === null ? {} : { cnf: { jkt: key.dpop_thumbprint } }),
  }
}

async function ofRefreshToken(
  { context }: ProviderParts,
  clientId: string,
  token: string,
): Promise<OAuth2IntrospectionResponse> {
  const sent = parseOAuthSecret(token)
  const found =
    sent === undefined ? undefined : await findRefreshToken(actor, context.database.db, sent.prefix)
  if (
    sent === undefined ||
    found === undefined ||
    !oauthSecretMatches(sent.secret, found.refresh_hash) ||
    found.app_id !== clientId ||
    found.expires_at <= context.clock.now() ||
    !isLive(found)
  )
    return INACTIVE
  return {
    active: true,
    scope: found.scopes.join(' '),
    client_id: clientId,
    username: found.username,
    exp: seconds(found.expires_at),
    iat: seconds(found.created_at),
    sub: found.user_id,
    iss: issuerOf(context),
    ...(found.dpop_thumbprint === null ? {} : { cnf: { jkt: found.dpop_thumbprint } }),
  }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
