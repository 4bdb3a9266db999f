import { ApiError } from '../errors/index.ts'
import type { Precheck } from './precheck.ts'
import type { RequestContext } from './request-context.ts'

/** The stored outcome of a validated key. */
export type Accepted = Extract<Precheck, { ok: true }>

/**
 * The access rule of routes that need a signed-in user: reuses the stored outcome, and the user must be
 * active (ID-67, ID-68). Dormant users are activated by `activate`.
 *
 * @throws ApiError 401 with its challenge, or 500 when the failure is ours.
 */
export function requireSession(
  context: RequestContext,
  accessUrl: string,
  activate: (accepted: Accepted) => Promise<Accepted>,
): Accepted | Promise<Accepted> {
  const outcome = context.precheck
  if (!outcome.ok) {
    throw new ApiError(outcome.status, outcome.message, {
      detail: outcome.status === 500 ? `Reference: ${context.id}` : outcome.detail,
      cause: outcome.cause,
      headers: outcome.status === 401 ? { 'WWW-Authenticate': challenge(accessUrl, outcome.reason) } : {},
    })
  }
  if (outcome.owner.status === 'dormant')
    return activate(outcome).then((accepted) => requireActive(accepted, accessUrl))
  return requireActive(outcome, accessUrl)
}

function requireActive(accepted: Accepted, accessUrl: string): Accepted {
  if (accepted.owner.status !== 'active')
    throw new ApiError(
      401,
      `User is not active (status = "${accepted.owner.status}"). Contact an admin to reactivate your account.`,
      { headers: { 'WWW-Authenticate': challenge(accessUrl, 'invalid') } },
    )
  return accepted
}

/** RFC 6750 challenge; names no error when no credential was sent (ID-71, ID-72). */
function challenge(accessUrl: string, reason: 'no-credential' | 'invalid' | 'expired' | 'fault'): string {
  const parts = ['Bearer realm="coder"']
  if (reason !== 'no-credential')
    parts.push(
      'error="invalid_token"',
      `error_description="${reason === 'expired' ? 'The access token has expired' : 'The access token is invalid'}"`,
    )
  parts.push(`resource_metadata="${accessUrl.replace(/\/$/, '')}/.well-known/oauth-protected-resource"`)
  return parts.join(', ')
}
