import { createHash } from 'node:crypto'

import type { FastifyRequest } from 'fastify'

import { type ModelProvider, maskSecret } from '../../ai-providers/index.ts'
import { isAllowed } from '../../authz/index.ts'
import { limitedSubject, type Precheck, type RequestContext, tokenOf } from '../../edge/index.ts'
import type { RequestHeaders } from '../exchange/clients.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import type { Credential } from '../keys/credentials.ts'
import type { LastKnown } from '../recording/last-known.ts'

/** The header for the token of this deployment where the others hold a key of the user (AG-13). */
export const GOVERNANCE = 'x-coder-ai-governance-token'

/** Who a token of this deployment stands for. */
export interface Caller {
  readonly userId: string
  readonly keyId: string
  readonly token: string
}

/** What is remembered of a caller while requests go on without the database. */
export type KnownCaller = Pick<Caller, 'userId' | 'keyId'>

/** Finds out who a token stands for. */
export type Validate = (token: string, request: RequestContext) => Precheck | Promise<Precheck>

/** Headers of a request, each as one text. */
export function headersOf(request: FastifyRequest): RequestHeaders {
  const headers: Record<string, string> = {}
  const given = request.headers
  for (const name in given) {
    const value = given[name]
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

/** The credential that is counted: the one that would be used, else any, else the address (AG-66). */
export function countedAs(request: FastifyRequest): string {
  const own = tokenFrom(headersOf(request))
  if (own !== undefined) return `token ${own}`
  const other = tokenOf({
    cookies: request.cookieValues,
    headers: request.headers,
    query: request.credentialSearch,
  })
  const token = typeof other === 'string' ? other : other?.token
  if (token !== undefined) return `token ${token}`
  return `address ${limitedSubject(undefined, request.context.remoteAddress)}`
}

/** AG-10. */
function tokenFrom(headers: RequestHeaders): string | undefined {
  return headers[GOVERNANCE]?.trim() || bearerOf(headers) || headers['x-api-key']?.trim() || undefined
}

function bearerOf({ authorization = '' }: RequestHeaders): string | undefined {
  const [scheme = '', token, ...more] = authorization.trim().split(/\s+/)
  return scheme.toLowerCase() === 'bearer' && more.length === 0 ? token : undefined
}

/**
 * Whom a request comes from.
 *
 * @throws GatewayError 400 without a token, 403 for one that is not good, 500 when that cannot be found out (AG-11).
 */
export async function authenticate(
  headers: RequestHeaders,
  request: RequestContext,
  validate: Validate,
  lastCallers: LastKnown<KnownCaller>,
): Promise<Caller> {
  const token = tokenFrom(headers)
  if (token === undefined) throw new GatewayError(400, 'invalid_request', 'no authentication key provided')
  const outcome = await validate(token, request)
  if (!outcome.ok && outcome.status === 500) {
    const last = lastCallers.keeps ? lastCallers.fallback(digestOf(token)) : undefined
    if (last !== undefined) return { ...last, token }
    throw new GatewayError(500, 'internal_error', 'the authentication key could not be checked', {
      cause: outcome.cause,
    })
  }
  if (
    !outcome.ok ||
    outcome.owner.status !== 'active' ||
    outcome.owner.isSystem ||
    // What a token may do says whether it may do this.
    !isAllowed(outcome.actor, 'create', { type: 'aibridge_interception', owner: outcome.owner.id })
  )
    throw new GatewayError(403, 'unauthorized', 'unauthorized')
  request.apiKeyId = outcome.key.id
  const known = { userId: outcome.owner.id, keyId: outcome.key.id }
  if (lastCallers.keeps) lastCallers.note(digestOf(token), known)
  return { ...known, token }
}

/** Tokens are kept nowhere. */
function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}

/**
 * What a user brings in the request itself (AG-13, AG-14). Clients are often given the token of this deployment in every
 * header that takes a key: that is no key of the provider's, and it must never reach one.
 */
export function ownCredential(
  { family, bedrock }: ModelProvider,
  headers: RequestHeaders,
  token: string,
): Credential | undefined {
  const key = headers['x-api-key']?.trim()
  if (family === 'anthropic' && key && key !== token && bedrock === undefined)
    return byok(key, { 'x-api-key': key })
  const bearer = bearerOf(headers)
  if (bearer === undefined || bearer === token) return undefined
  return byok(bearer, { authorization: `Bearer ${bearer}` })
}

function byok(secret: string, header: Record<string, string>): Credential {
  return {
    kind: 'byok',
    hint: maskSecret(secret),
    key: secret,
    sign: async ({ headers }) => ({ ...headers, ...header }),
  }
}

/** Headers without those that hold the token, whatever they are called (AG-13). */
export function withoutToken(headers: RequestHeaders, token: string): RequestHeaders {
  const kept: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && !value.includes(token)) kept[name] = value
  }
  return kept
}
