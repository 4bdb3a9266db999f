import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

import type { FastifyReply } from 'fastify'

import type { MCPServerOAuth2DisconnectResponse } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { type Actor, authorize, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { setCookie } from '../edge/index.ts'
import { ApiError, badRequest, conflict } from '../errors/index.ts'
import { TokenEndpointError, type TokenSet } from '../oauth-flow/index.ts'
import { authorizationRequest, grantedScope, isFromIssuer, newVerifier, redeem } from './oauth/authorize.ts'
import { scopeUnion } from './oauth/challenge.ts'
import { discover } from './oauth/discover.ts'
import { DiscoveryError, type Guarded } from './oauth/http.ts'
import { callbackPath } from './oauth/register.ts'
import { revoke } from './oauth/revoke.ts'
import { destinationOf, oauthClientOf } from './oauth-client.ts'
import { openTokens, sealTokens } from './sealed.ts'
import { type ConfigRow, findConfig, getConfig } from './store/configs.ts'
import { deleteTokens, findTokens, saveTokens } from './store/tokens.ts'

/** How long a person may take at the authorization server, in seconds (OA-109). */
const COOKIE_SECONDS = 600
/** How long looking for a change of the authorization server may hold a person up, in milliseconds. */
const LOOK_MS = 5_000
const MAX_TEXT = 400

const stateCookie = (id: string): string => `mcp_oauth2_state_${id}`
const verifierCookie = (id: string): string => `mcp_oauth2_verifier_${id}`

/** What connecting works on. */
export interface ConnectParts {
  readonly context: AppContext
  readonly guarded: Guarded
}

/**
 * Sends the caller to the authorization server of an MCP server (OA-109): for the scopes that are configured, and those
 * that the server has asked for since (OA-B24).
 *
 * @throws ApiError 404, 400 for a server that nobody connects to, 403 for who may not store a token, 409 when the
 * server has another authorization server now than its client is registered with.
 */
export async function startConnection(
  { context, guarded }: ConnectParts,
  actor: Actor,
  of: { readonly organizationId: string; readonly id: string },
  reply: FastifyReply,
): Promise<void> {
  const { db } = context.database
  const { row } = await getConfig(actor, db, of.organizationId, of.id)
  if (!row.enabled) throw badRequest('This MCP server is disabled.')
  if (row.auth_type !== 'oauth2') throw badRequest('This MCP server does not use OAuth2.')
  if (row.oauth2_auth_url === '') throw badRequest('This MCP server has no authorization URL.')
  requireOwnTokens(actor)
  await requireSameIssuer(guarded, row)
  const known = await findTokens(actor, db, { user_id: actor.id, config_id: row.id })
  const verifier = newVerifier()
  const state = `${randomBytes(24).toString('base64url')}.${destinationOf(row)}`
  const target = authorizationRequest(oauthClientOf(context, row), {
    state,
    verifier,
    scope: scopeUnion(row.oauth2_scopes, known?.challenged_scope),
  })
  const put = (name: string, value: string) =>
    reply.header('Set-Cookie', cookie(context, row.id, name, value, COOKIE_SECONDS))
  put(stateCookie(row.id), state)
  put(verifierCookie(row.id), verifier)
  reply.code(307).header('Cache-Control', 'no-store').header('Location', target.href)
}

/** Cookies go to nothing but the callback of this server. */
function cookie(context: AppContext, id: string, name: string, value: string, maxAge: number): string {
  return setCookie(name, value, { ...context.cookies, sameSite: 'lax' }, { maxAge, path: callbackPath(id) })
}

/**
 * Credentials that one authorization server has given must not be used with another one. While it cannot be asked, what
 * is known stands.
 */
async function requireSameIssuer(guarded: Guarded, row: ConfigRow): Promise<void> {
  if (row.oauth2_issuer === '') return
  const patience = AbortSignal.timeout(LOOK_MS)
  const bounded: Guarded = {
    fetch: (call, address, init) => guarded.fetch(call, address, { ...init, signal: patience }),
  }
  let issuer: string
  try {
    issuer = (await discover(bounded, row.url, {})).issuer
  } catch (error) {
    if (error instanceof DiscoveryError || patience.aborted) return
    throw error
  }
  if (issuer !== row.oauth2_issuer)
    throw new ApiError(409, 'The authorization server of this MCP server has changed.', {
      detail:
        'An administrator has to clear its OAuth2 client id and URLs, so that they are discovered again.',
    })
}

/** What an authorization server sends a person back with. */
interface CallbackQuery {
  readonly code?: string | undefined
  readonly state?: string | undefined
  readonly iss?: string | undefined
  readonly error?: string | undefined
  readonly error_description?: string | undefined
}

/**
 * Takes a person back from the authorization server, and stores what it gives (OA-110).
 *
 * @returns the page to show.
 * @throws ApiError as OA-110 says.
 */
export async function finishConnection(
  { context, guarded }: ConnectParts,
  actor: Actor,
  id: string,
  request: {
    readonly query: CallbackQuery
    readonly cookieValues: Readonly<Record<string, string>>
    readonly reply: FastifyReply
  },
): Promise<void> {
  const { query, cookieValues, reply } = request
  // No code is used up for a token that cannot be stored.
  requireOwnTokens(actor)
  const config = await findConfig(actor, context.database.db, id)
  const expected = { issuer: config.oauth2_issuer, required: config.oauth2_iss_required }
  // What another server says must not be shown either (RFC 9207 section 2.4).
  if (query.iss !== undefined && !isFromIssuer(expected, query.iss)) throw wrongIssuer()
  if (query.error !== undefined && query.error !== '')
    throw badRequest(
      `The authorization server refused: ${(query.error_description || query.error).slice(0, MAX_TEXT)}`,
    )
  const { code = '', state = '' } = query
  if (code === '') throw badRequest('The authorization server gave no code.')
  const started = cookieValues[stateCookie(id)] ?? ''
  const verifier = cookieValues[verifierCookie(id)] ?? ''
  if (state === '' || started === '' || verifier === '' || !sameText(state, started))
    throw badRequest('This connection was not started here, or too long ago. Please connect again.')
  for (const name of [stateCookie(id), verifierCookie(id)])
    reply.header('Set-Cookie', cookie(context, id, name, '', -1))
  const destination = state.slice(state.indexOf('.') + 1)
  if (destinationOf(config) !== destination || !config.enabled) throw configChanged()
  if (!isFromIssuer(expected, query.iss)) throw wrongIssuer()
  const tokens = await redeemed({ context, guarded }, config, code, verifier)
  const key = { user_id: actor.id, config_id: id }
  const known = await findTokens(actor, context.database.db, key)
  const asked = scopeUnion(config.oauth2_scopes, known?.challenged_scope)
  const stored = sealTokens(context, key, {
    destination,
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    expiresAt: tokens.expiresAt,
    scope: grantedScope(tokens, asked),
  })
  const saved = await context.database.transaction((tx) =>
    saveTokens(actor, tx, key, stored, (row) => row.enabled && destinationOf(row) === destination),
  )
  if (!saved) throw configChanged()
  sendClosingPage(context, id, reply)
}

async function redeemed(
  { context, guarded }: ConnectParts,
  config: ConfigRow,
  code: string,
  verifier: string,
): Promise<TokenSet> {
  try {
    return await redeem(guarded, oauthClientOf(context, config), { code, verifier }, context.clock.now())
  } catch (error) {
    if (!(error instanceof TokenEndpointError)) throw error
    throw new ApiError(502, 'The authorization server did not give a token. Please connect again.', {
      cause: error,
    })
  }
}

/** Requires that the caller may store a token, before any is asked for. @throws ApiError 403. */
function requireOwnTokens(actor: Actor): void {
  authorize(actor, 'update_personal', { type: 'user', id: actor.id, owner: actor.id })
}

function configChanged(): ApiError {
  return conflict('The settings of this MCP server have changed. Please connect again.')
}

function wrongIssuer(): ApiError {
  return badRequest('The answer is not from the authorization server that was asked.')
}

function sameText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}

/** Tells the page that opened this window, and closes it; it works without anything else of ours. */
function sendClosingPage(context: AppContext, id: string, reply: FastifyReply): void {
  const nonce = randomBytes(16).toString('base64')
  const { origin } = new URL(context.accessUrl())
  const message = JSON.stringify({ type: 'mcp-oauth2-complete', serverID: id })
  reply
    .code(200)
    .header(
      'Content-Security-Policy',
      `default-src 'none'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    .header('Cache-Control', 'no-store')
    .header('Referrer-Policy', 'no-referrer')
    .type('text/html; charset=utf-8')
    .send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Connected</title>
<p>Connected. You can close this window.</p>
<script nonce="${nonce}">
window.opener?.postMessage(${message}, ${JSON.stringify(origin)});
window.close();
</script>
</html>
`)
}

/**
 * Removes the caller's token, then takes it back at the authorization server where that is possible (OA-111). The token
 * is gone even when the server does not answer, and whether or not the caller still sees the config.
 *
 * @throws ApiError 403 for who may not change their own personal data.
 */
export async function disconnect(
  { context, guarded }: ConnectParts,
  actor: Actor,
  id: string,
): Promise<MCPServerOAuth2DisconnectResponse> {
  const { db } = context.database
  const row = await deleteTokens(actor, db, { user_id: actor.id, config_id: id })
  if (row === undefined) return { token_revoked: false }
  const failed = {
    token_revoked: false,
    token_revocation_error: 'The authorization server did not take the token back.',
  }
  try {
    const system = systemActor('chatd', 'a user who has lost a config still takes their token back')
    const config = await findConfig(system, db, id)
    const tokens = openTokens(context, row)
    const isElsewhere = row.destination !== destinationOf(config)
    if (tokens === undefined || isElsewhere || config.oauth2_revocation_url === '')
      return { token_revoked: false }
    const { client } = oauthClientOf(context, config)
    return (await revoke(guarded, config.oauth2_revocation_url, client, tokens))
      ? { token_revoked: true }
      : failed
  } catch (error) {
    context.log.warn('a token for an MCP server could not be revoked', {
      mcp_server: id,
      error: describeError(error),
    })
    return failed
  }
}
