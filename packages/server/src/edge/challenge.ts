import type { RefusalReason } from './precheck.ts'

const INSUFFICIENT = 'The request requires higher privileges than provided by the access token'

/** What a challenge says beside where to sign in (RFC 6750 section 3). */
interface Fault {
  readonly error: 'invalid_token' | 'insufficient_scope'
  readonly description: string
  readonly scope?: string | undefined
}

/**
 * `WWW-Authenticate` of a 401 (ID-71, ID-72, RFC 9728). Names no error when no credential was sent.
 *
 * @param base URL of the deployment.
 */
export function invalidTokenChallenge(base: string, reason: RefusalReason): string {
  if (reason === 'no-credential') return challenge(base, undefined)
  const description = reason === 'expired' ? 'The access token has expired' : 'The access token is invalid'
  return challenge(base, { error: 'invalid_token', description })
}

/** `WWW-Authenticate` of a 403 that a wider token would not have got (ID-71, ID-216); `scope` is what it lacks. */
export function insufficientScopeChallenge(base: string, scope: string | undefined): string {
  return challenge(base, { error: 'insufficient_scope', description: INSUFFICIENT, scope })
}

function challenge(base: string, fault: Fault | undefined): string {
  const parts = ['Bearer realm="coder"']
  if (fault !== undefined) {
    parts.push(`error="${fault.error}"`, `error_description="${fault.description}"`)
    if (fault.scope !== undefined) parts.push(`scope="${fault.scope}"`)
  }
  parts.push(`resource_metadata="${quotable(base)}/.well-known/oauth-protected-resource"`)
  return parts.join(', ')
}

/** The host may be what the client says it is: it must not end the text that it stands in. */
function quotable(text: string): string {
  return text.replace(/[^!#-[\]-~]/g, '')
}
