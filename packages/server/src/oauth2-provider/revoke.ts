import { systemActor } from '../authz/index.ts'
import { invalidOAuthRequest } from '../errors/index.ts'
import { parseToken, secretMatches } from '../identity/index.ts'
import { oauthSecretMatches, parseOAuthSecret } from '../oauth2-clients/index.ts'
import { type OAuth2Visit, recordEvent } from './audit-events.ts'
import type { RateLimit } from './client-limit.ts'
import { clientRequestOf } from './client-request.ts'
import { userOf } from './holder.ts'
import { Form, formOf } from './parameters.ts'
import { forgetTokens, type ProviderParts } from './parts.ts'
import type { Holder } from './store/codes.ts'
import { endGrant } from './store/grants.ts'
import { findAccessTokens, findRefreshToken, findRotatedToken } from './store/tokens.ts'

const actor = systemActor('system_oauth', 'a client gives back what a user has granted to it')

interface Found extends Holder {
  readonly app_id: string
  readonly user_id: string
  readonly grant_id: string
  readonly scopes: readonly string[]
}

/**
 * Ends a pair of tokens and the grant behind it (RFC 7009; OA-70…OA-74), also for a refresh token that was exchanged. Who
 * shows the whole token needs no other proof; credentials that are sent must be right all the same. A token that is
 * unknown, wrong or of another client is no fault.
 *
 * @throws OAuthError 400 `invalid_request`, 401 `invalid_client`; ApiError 429.
 */
export async function revoke(
  parts: ProviderParts,
  limited: RateLimit,
  incoming: OAuth2Visit & Parameters<RateLimit>[0],
  bytes: Buffer,
): Promise<void> {
  const { context, clients } = parts
  const search = formOf(bytes)
  const presented = await clients.identify(clientRequestOf(incoming, search))
  const { client, secret } = presented
  await limited(incoming, client.id)
  if (secret !== undefined) await clients.authenticate(presented)
  const form = new Form(search)
  const token = form.require('token')
  const found = token.startsWith('coder_')
    ? await findByRefreshToken(parts, token)
    : await findByAccessToken(parts, token)
  if (found === undefined || found.app_id !== client.id) return
  const { grant_id: grantId } = found
  if (!(await context.database.transaction((tx) => endGrant(actor, tx, grantId)))) return
  forgetTokens(parts, found.user_id)
  await recordEvent(context, incoming, {
    event: 'token_revoked',
    client,
    user: userOf(found),
    scopes: found.scopes,
    grantId,
  })
}

async function findByRefreshToken({ context }: ProviderParts, token: string): Promise<Found | undefined> {
  const sent = parseOAuthSecret(token)
  if (sent === undefined) throw invalidFormat()
  const { db } = context.database
  const found =
    (await findRefreshToken(actor, db, sent.prefix)) ??
    // Who did not get the answer to its refresh has this one only, and means what came of it.
    (await findRotatedToken(actor, db, sent.prefix))
  return found !== undefined && oauthSecretMatches(sent.secret, found.refresh_hash) ? found : undefined
}

async function findByAccessToken({ context }: ProviderParts, token: string): Promise<Found | undefined> {
  const sent = parseToken(token)
  if (sent === undefined) throw invalidFormat()
  const [found] = await findAccessTokens(actor, context.database.db, [sent.id])
  if (found === undefined || !secretMatches(sent.secret, found.key.hashed_secret)) return undefined
  return { ...found, scopes: found.key.scopes, user_id: found.key.user_id }
}

function invalidFormat() {
  return invalidOAuthRequest('Invalid token format')
}
