import type { OAuth2TokenResponse } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import { OAuthError } from '../errors/index.ts'
import { oauthSecretMatches, parseOAuthSecret } from '../oauth2-clients/index.ts'
import { recordEvent } from './audit-events.ts'
import { isLive, userOf } from './holder.ts'
import { makeTokens, minterOf } from './issue-tokens.ts'
import { forgetTokens, type ProviderParts } from './parts.ts'
import { narrowedScopes } from './scopes.ts'
import { endGrant } from './store/grants.ts'
import { type FoundToken, findRefreshToken, findRotatedToken, rotateTokens } from './store/tokens.ts'
import { invalidTarget, type TokenRequest } from './token-request.ts'

const actor = systemActor('system_oauth', 'a client renews what a user has granted to it')

/**
 * Exchanges a refresh token for a new pair; the old pair ends (OA-66…OA-69, OA-B8).
 *
 * @throws OAuthError `invalid_grant`, `invalid_scope`, `invalid_target`.
 */
export async function exchangeRefreshToken(
  parts: ProviderParts,
  request: TokenRequest,
): Promise<OAuth2TokenResponse> {
  const { context } = parts
  const { client, form, visit, thumbprint } = request
  const { db } = context.database
  const sent = parseOAuthSecret(form.require('refresh_token'))
  if (sent === undefined) throw invalidRefreshToken()
  const found = await findRefreshToken(actor, db, sent.prefix)
  const token =
    found !== undefined && oauthSecretMatches(sent.secret, found.refresh_hash)
      ? found
      : await successorInGrace(parts, request, sent)
  if (token.app_id !== client.id || token.expires_at <= context.clock.now() || !isLive(token))
    throw invalidRefreshToken()
  if (token.dpop_thumbprint !== null && token.dpop_thumbprint !== thumbprint)
    throw new OAuthError(400, 'invalid_dpop_proof', 'The refresh token is bound to another key')
  const scopes = narrowedScopes(token.scopes, form.get('scope'))
  const resource = form.get('resource')
  if (resource !== undefined && resource !== token.audience) throw invalidTarget()

  const { stored, response } = makeTokens(context, visit, {
    client,
    userId: token.user_id,
    secretId: token.app_secret_id,
    scopes,
    thumbprint,
    grantId: token.grant_id,
  })
  const won = await rotateTokens(minterOf(token.user_id), db, { id: token.id, userId: token.user_id }, stored)
  if (!won) {
    // Somebody else was faster with it.
    await successorInGrace(parts, request, sent)
    throw invalidRefreshToken()
  }
  forgetTokens(parts, token.user_id)
  const { grantId } = stored
  await recordEvent(context, visit, {
    event: 'token_refreshed',
    client,
    user: userOf(token),
    scopes,
    grantId,
  })
  return response
}

/**
 * A refresh token that is not good any more: one that was exchanged already is in the hands of two, and its whole family
 * ends (OA-B8). Where a grace is configured, a client that did not get its answer may repeat the latest exchange within
 * it, and the pair that was lost ends.
 *
 * @throws OAuthError 400 `invalid_grant` unless there is a successor that may be exchanged instead.
 */
async function successorInGrace(
  parts: ProviderParts,
  { client, visit }: TokenRequest,
  sent: { readonly prefix: string; readonly secret: string },
): Promise<FoundToken> {
  const { context } = parts
  const { database, clock, config } = context
  const rotated = await findRotatedToken(actor, database.db, sent.prefix)
  if (
    rotated === undefined ||
    !oauthSecretMatches(sent.secret, rotated.refresh_hash) ||
    rotated.app_id !== client.id
  )
    throw invalidRefreshToken()
  const age = clock.now().getTime() - rotated.rotated_at.getTime()
  if (age < config.oauth2RefreshGrace) {
    const successor = await findRefreshToken(actor, database.db, rotated.successor_prefix)
    if (successor !== undefined) return successor
  }
  if (await database.transaction((tx) => endGrant(actor, tx, rotated.grant_id))) {
    forgetTokens(parts, rotated.user_id)
    await recordEvent(context, visit, {
      event: 'token_reused',
      client,
      user: userOf(rotated),
      scopes: rotated.scopes,
      grantId: rotated.grant_id,
    })
  }
  throw invalidRefreshToken()
}

function invalidRefreshToken(): OAuthError {
  return new OAuthError(400, 'invalid_grant', 'The refresh token is invalid or expired')
}
