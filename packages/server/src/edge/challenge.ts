import { PUBLIC_SCOPES } from '../authz/index.ts'
import { isMcpEndpoint, MCP_ENDPOINT, MCP_SCOPE } from './mcp-endpoint.ts'
import type { RefusalReason } from './precheck.ts'

/** Signatures that proofs may have, as the metadata of the server lists them (OA-B16). */
export const DPOP_ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const

const INSUFFICIENT = 'The request requires higher privileges than provided by the access token'

/** Where a request was for, as far as a challenge tells: the URL of the deployment and the pattern of the route. */
export interface Challenged {
  readonly base: string
  readonly route: string
}

/** What a challenge says beside where to sign in (RFC 6750 section 3, RFC 9449 section 7.1). */
interface Fault {
  readonly error: 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof' | 'use_dpop_nonce'
  readonly description: string
  readonly scope?: string | undefined
}

/**
 * `WWW-Authenticate` of a refused credential (ID-71, ID-72, RFC 9728). Names no error when none was sent; speaks of
 * proofs where the token needs one.
 */
export function refusalChallenge(where: Challenged, reason: RefusalReason): string {
  switch (reason) {
    case 'no-credential':
      return bearer(where, undefined)
    case 'expired':
      return bearer(where, invalidToken('The access token has expired'))
    case 'invalid':
    case 'fault':
      return bearer(where, invalidToken('The access token is invalid'))
    case 'audience':
      return isMcpEndpoint(where.route)
        ? bearer(where, invalidToken('The access token audience does not match this resource'))
        : insufficientScopeChallenge(where, undefined)
    case 'unproven':
      return `${bearer(where, invalidToken('The access token is invalid'))}, DPoP ${ALGORITHMS}`
    case 'not-bound':
      return proof(where, invalidToken('The access token is not bound to a key'))
    case 'proof':
      return proof(where, { error: 'invalid_dpop_proof', description: 'The DPoP proof is invalid' })
    case 'nonce':
      return proof(where, {
        error: 'use_dpop_nonce',
        description: 'The DPoP proof must hold the nonce of the DPoP-Nonce header',
      })
  }
}

/**
 * `WWW-Authenticate` of a 403 that a wider token would not have got (ID-71, ID-216); `scope` is what it lacks. A client
 * asks for what is named here, so that it is always something that can be granted (OA-B6).
 */
export function insufficientScopeChallenge(where: Challenged, scope: string | undefined): string {
  const isGrantable = scope?.split(' ').every((name) => PUBLIC_SCOPES.includes(name)) ?? true
  const asked = isGrantable ? scope : 'coder:all'
  return bearer(where, { error: 'insufficient_scope', description: INSUFFICIENT, scope: asked })
}

const ALGORITHMS = `algs="${DPOP_ALGORITHMS.join(' ')}"`

function invalidToken(description: string): Fault {
  return { error: 'invalid_token', description }
}

function bearer(where: Challenged, fault: Fault | undefined): string {
  return ['Bearer realm="coder"', ...parameters(where, fault)].join(', ')
}

function proof(where: Challenged, fault: Fault): string {
  return ['DPoP realm="coder"', ...parameters(where, fault), ALGORITHMS].join(', ')
}

function parameters({ base, route }: Challenged, fault: Fault | undefined): string[] {
  const isMcp = isMcpEndpoint(route)
  // What a client should ask for next; the MCP specification wants it in each challenge (OA-B3).
  const scope = fault?.scope ?? (isMcp && fault?.error !== 'insufficient_scope' ? MCP_SCOPE : undefined)
  return [
    ...(fault === undefined ? [] : [`error="${fault.error}"`, `error_description="${fault.description}"`]),
    ...(scope === undefined ? [] : [`scope="${scope}"`]),
    `resource_metadata="${quotable(base)}/.well-known/oauth-protected-resource${isMcp ? MCP_ENDPOINT : ''}"`,
  ]
}

/** The host may be what the client says it is: it must not end the text that it stands in. */
function quotable(text: string): string {
  return text.replace(/[^!#-[\]-~]/g, '')
}
