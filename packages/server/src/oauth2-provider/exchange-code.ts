import { createHash, timingSafeEqual } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import type { OAuth2TokenResponse } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import { OAuthError } from '../errors/index.ts'
import { oauthSecretMatches, parseOAuthSecret } from '../oauth2-clients/index.ts'
import { recordEvent } from './audit-events.ts'
import { isLive, userOf } from './holder.ts'
import { makeTokens, minterOf } from './issue-tokens.ts'
import { forgetTokens, type ProviderParts } from './parts.ts'
import { deleteCode, type FoundCode, findCode } from './store/codes.ts'
import { endGrant } from './store/grants.ts'
import { redeemCode } from './store/tokens.ts'
import { invalidTarget, type TokenRequest } from './token-request.ts'

const actor = systemActor('system_oauth', 'a client redeems what a user has granted to it')

/** How long a code that must not be tried again is worked on, in milliseconds (OA-60). */
const DELETE_MS = 5_000

/**
 * Exchanges an authorization code for tokens, once (OA-58…OA-65). Each refusal is as late as its row in the table of §9.
 *
 * @throws OAuthError `invalid_grant`, `invalid_target`.
 */
export async function exchangeCode(
  parts: ProviderParts,
  request: TokenRequest,
): Promise<OAuth2TokenResponse> {
  const { context } = parts
  const { client, form, visit, thumbprint } = request
  const { db } = context.database
  const sent = parseOAuthSecret(form.require('code'))
  const code = sent === undefined ? undefined : await findCode(actor, db, sent.prefix)
  if (
    sent === undefined ||
    code === undefined ||
    !oauthSecretMatches(sent.secret, code.hashed_secret) ||
    code.app_id !== client.id
  )
    throw invalidCode()
  if (code.redeemed_at !== null) throw await replayed(parts, request, code)
  const { redirect_uri } = code
  if (code.expires_at <= context.clock.now() || !isLive(code)) throw invalidCode()
  // OA-58: what the client asked with is what it redeems with.
  if (redirect_uri !== null && form.get('redirect_uri') !== redirect_uri) throw invalidCode()

  const verifier = form.get('code_verifier')
  if (verifier === undefined) throw invalidVerifier()
  if (!challengeMatches(verifier, code.code_challenge)) {
    await endCode(parts, code.id)
    throw invalidVerifier()
  }
  if (code.dpop_thumbprint !== null && code.dpop_thumbprint !== thumbprint)
    throw new OAuthError(400, 'invalid_dpop_proof', 'The authorization code is bound to another key')
  if ((form.get('resource') ?? null) !== code.resource_uri) throw invalidTarget()

  const { scopes } = code
  const { stored, response } = makeTokens(context, visit, { ...request, userId: code.user_id, scopes })
  const won = await redeemCode(minterOf(code.user_id), db, { id: code.id, userId: code.user_id }, stored)
  if (!won) throw await replayed(parts, request, code)
  const { grantId } = stored
  await recordEvent(context, visit, { event: 'code_redeemed', client, user: userOf(code), scopes, grantId })
  return response
}

/**
 * A code came twice: what was issued for it ends, whoever has it (OA-61, OAuth 2.1 section 4.1.3). A request that has just
 * lost the race for the code is one of two as well.
 */
async function replayed(
  parts: ProviderParts,
  { client, visit }: TokenRequest,
  { secret_prefix: prefix }: FoundCode,
): Promise<OAuthError> {
  const { context } = parts
  const { db } = context.database
  const code = await findCode(actor, db, prefix)
  if (code === undefined || code.grant_id === null) return invalidCode()
  const { grant_id: grantId } = code
  if (await context.database.transaction((tx) => endGrant(actor, tx, grantId))) {
    forgetTokens(parts, code.user_id)
    await recordEvent(context, visit, {
      event: 'code_replayed',
      client,
      user: userOf(code),
      scopes: code.scopes,
      grantId,
    })
  }
  return invalidCode()
}

/** OA-60: who has guessed wrong does not guess again. The client may have left, and the answer does not depend on it. */
async function endCode({ context }: ProviderParts, id: string): Promise<void> {
  const patience = new AbortController()
  const deletion = deleteCode(actor, context.database.db, id)
    .catch((error: unknown) =>
      context.log.error('a code that was tried with a wrong verifier could not be deleted', {
        error: describeError(error),
      }),
    )
    .finally(() => patience.abort())
  await Promise.race([
    deletion,
    delay(DELETE_MS, undefined, { signal: patience.signal, ref: false }).catch(() => undefined),
  ])
}

/** OA-59: BASE64URL of SHA-256, compared in constant time. */
function challengeMatches(verifier: string, challenge: string): boolean {
  const expected = Buffer.from(createHash('sha256').update(verifier).digest('base64url'))
  const stored = Buffer.from(challenge)
  return expected.length === stored.length && timingSafeEqual(expected, stored)
}

function invalidCode(): OAuthError {
  return new OAuthError(400, 'invalid_grant', 'The authorization code is invalid or expired')
}

function invalidVerifier(): OAuthError {
  return new OAuthError(400, 'invalid_grant', 'The PKCE code verifier is invalid')
}
