import type { OAuth2TokenResponse } from '@slipway/contract'
import { actorForUser, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { OAuthError } from '../errors/index.ts'
import { oauthSecretMatches, parseOAuthSecret } from '../oauth2-clients/index.ts'
import { type GrantHandler, issueTokens, recordEvent, type TokenRequest } from '../oauth2-provider/index.ts'
import { findDeviceCode, notePoll, redeemDeviceCode } from './store.ts'

const actor = systemActor('system_oauth', 'a device asks whether its user has decided')

/** Answers the polls of devices at the token endpoint (RFC 8628 section 3.4). */
export function deviceGrant(context: AppContext): GrantHandler {
  return (request) => exchangeDeviceCode(context, request)
}

/**
 * Exchanges what a user has approved for tokens, once.
 *
 * @throws OAuthError `authorization_pending`, `slow_down`, `expired_token`, `access_denied` (RFC 8628 section 3.5),
 * `invalid_grant`, `invalid_target`.
 */
async function exchangeDeviceCode(context: AppContext, request: TokenRequest): Promise<OAuth2TokenResponse> {
  const { client, form, visit } = request
  const { database, clock } = context
  const sent = parseOAuthSecret(form.require('device_code'))
  const code = sent === undefined ? undefined : await findDeviceCode(actor, database.db, sent.prefix)
  if (
    sent === undefined ||
    code === undefined ||
    !oauthSecretMatches(sent.secret, code.hashed_secret) ||
    code.app_id !== client.id
  )
    throw invalidCode()
  const now = clock.now()
  if (code.status !== 'redeemed' && code.expires_at <= now)
    throw new OAuthError(400, 'expired_token', 'The device code has expired: start again')
  switch (code.status) {
    case 'redeemed':
      throw invalidCode()
    case 'denied':
      throw new OAuthError(400, 'access_denied', 'The user has declined the request')
    case 'pending':
      throw (await notePoll(actor, database.db, code.id, now))
        ? new OAuthError(400, 'slow_down', 'The device asks too often: wait five seconds longer from now on')
        : new OAuthError(400, 'authorization_pending', 'The user has not decided yet')
    case 'approved':
  }
  const { user_id: userId, username, email, scopes } = code
  // OA-69: nobody is acted for who could not act.
  if (userId === null || username === null || email === null || !code.live) throw invalidCode()
  const resource = form.get('resource')
  if (resource !== undefined && resource !== code.resource_uri)
    throw new OAuthError(400, 'invalid_target', 'The resource parameter is invalid')
  const issuer = actorForUser('oauth2_token_issuer', userId, 'the user has approved the device that asks')
  const made = await database.transaction(async (tx) => {
    if (!(await redeemDeviceCode(issuer, tx, { id: code.id, userId }))) throw invalidCode()
    const granted = { appId: client.id, userId, scopes, resource: code.resource_uri ?? undefined }
    return issueTokens(context, tx, visit, granted, request)
  })
  await recordEvent(context, visit, {
    event: 'device_code_redeemed',
    client,
    user: { id: userId, username, email },
    scopes,
    grantId: made.stored.grantId,
  })
  return made.response
}

function invalidCode(): OAuthError {
  return new OAuthError(400, 'invalid_grant', 'The device code is invalid or was used')
}
