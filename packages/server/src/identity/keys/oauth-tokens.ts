import type { Dpop } from '../../dpop/index.ts'
import {
  isMcpEndpoint,
  MCP_ENDPOINT,
  normalizedUri,
  type Precheck,
  type RefusalReason,
  type RequestContext,
} from '../../edge/index.ts'
import { SIGNED_OUT_MESSAGE } from '../../errors/index.ts'
import type { KeyWithStanding } from '../store/kept-keys.ts'

type Refused = Extract<Precheck, { ok: false }>

/** What the token of an OAuth2 app is for (RFC 8707): the whole deployment, its MCP server, or something else. */
export type Audience = 'deployment' | 'mcp' | 'foreign'

/**
 * What a token with this audience is for, under the access URL (OA-79, OA-B2).
 *
 * @param audience as stored; null for a token that was asked for without a resource.
 */
export function audienceOf(audience: string | null, accessUrl: string): Audience {
  if (audience === null || audience === '') return 'deployment'
  const given = normalizedUri(audience)
  if (given === undefined) return 'foreign'
  if (given === normalizedUri(accessUrl)) return 'deployment'
  return given === normalizedUri(`${accessUrl.replace(/\/+$/, '')}${MCP_ENDPOINT}`) ? 'mcp' : 'foreign'
}

/** What holds for the token of an OAuth2 app and no other. */
export interface OAuthToken {
  readonly audience: Audience
  /** The same as it was asked for. */
  readonly resource: string | null
  /** Of the client's key that the token is bound to (RFC 9449). */
  readonly thumbprint: string | null
}

/** What of a key is only so when an OAuth2 app holds it; a token that no grant stands behind is for nothing (ID-70). */
export function oauthTokenOf({ key, has_grant }: KeyWithStanding, accessUrl: string): OAuthToken | undefined {
  if (key.login_type !== 'oauth2_provider_app') return undefined
  return {
    audience: has_grant ? audienceOf(key.audience, accessUrl) : 'foreign',
    resource: key.audience,
    thumbprint: key.dpop_thumbprint,
  }
}

/** Whether a token for this may be used on a route. */
export function isFor(audience: Audience, route: string): boolean {
  switch (audience) {
    case 'deployment':
      return true
    case 'mcp':
      return isMcpEndpoint(route)
    case 'foreign':
      return false
  }
}

/** A token for something else: 403, and 401 at the MCP server (ID-70, OA-B3). */
export function wrongAudience(route: string): Refused {
  return {
    ok: false,
    status: isMcpEndpoint(route) ? 401 : 403,
    message: 'Token audience validation failed',
    detail: '',
    reason: 'audience',
    hard: false,
  }
}

/** A credential that is worth nothing here. */
export function refused(reason: Exclude<RefusalReason, 'audience' | 'fault'>, detail: string): Refused {
  return { ok: false, status: 401, message: SIGNED_OUT_MESSAGE, detail, reason, hard: false }
}

/** A token that nobody has bound to a key, sent as if it were. */
export function notBound(): Refused {
  return refused('not-bound', 'The token is not bound to a key: send it as "Authorization: Bearer".')
}

/**
 * Whether the sender of a token that is bound to a key holds that key; undefined when it does. A proof is shown once for
 * a request, however often the request has its token looked at.
 */
export async function refusedProof(
  proofs: Pick<Dpop, 'verifyProof'>,
  request: RequestContext,
  key: { readonly id: string; readonly thumbprint: string },
  shown: { readonly token: string; readonly proof: string | readonly string[] | undefined },
): Promise<Refused | undefined> {
  if (request.provenKeyId === key.id) return undefined
  const outcome = await proofs.verifyProof({
    proof: shown.proof,
    method: request.method,
    path: request.target.split('?', 1)[0] ?? '/',
    accessToken: shown.token,
    thumbprint: key.thumbprint,
  })
  request.dpopNonce = outcome.nonce
  if (!outcome.ok) return refused(outcome.error === 'use_dpop_nonce' ? 'nonce' : 'proof', outcome.description)
  request.provenKeyId = key.id
  return undefined
}
