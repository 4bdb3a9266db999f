import { ApiError } from '../errors/index.ts'
import { refusalChallenge } from './challenge.ts'
import type { Precheck } from './precheck.ts'
import type { RequestContext } from './request-context.ts'

/** The stored outcome of a validated key. */
export type Accepted = Extract<Precheck, { ok: true }>
type Refused = Extract<Precheck, { ok: false }>

/**
 * The access rule of routes that need a signed-in user: reuses the stored outcome, and the user must be
 * active (ID-67, ID-68). Dormant users are activated by `activate`.
 *
 * @param base URL of the deployment.
 * @throws ApiError 401 or 403 (a token for something else) with its challenge, or 500 when the failure is ours.
 */
export function requireSession(
  context: RequestContext,
  base: string,
  activate: (accepted: Accepted) => Promise<Accepted>,
): Accepted | Promise<Accepted> {
  const outcome = context.precheck
  if (!outcome.ok) throw refusal(outcome, context, base)
  if (outcome.owner.status === 'dormant')
    return activate(outcome).then((accepted) => requireActive(accepted, context, base))
  return requireActive(outcome, context, base)
}

/**
 * The access rule of routes that anybody may use and that want to know who does (ID-69): a credential that is not good
 * is none, but what is wrong on our side, or with the sign-in behind the session, is told. Nobody is activated.
 *
 * @throws ApiError 401 for a hard refusal and for users who are not active, 500 when the failure is ours.
 */
export function optionalSession(context: RequestContext, base: string): Accepted | undefined {
  const outcome = context.precheck
  if (outcome.ok) return requireActive(outcome, context, base)
  if (outcome.hard) throw refusal(outcome, context, base)
  return undefined
}

/** Where a visitor of a page has to go before; or who it is. */
export type PageAccess =
  | { readonly kind: 'accepted'; readonly accepted: Accepted }
  | { readonly kind: 'sign-in'; readonly location: string }

/**
 * The access rule of addresses that people open in a browser (ID-69): who is not signed in goes to the login page, with
 * the reason and the way back. Nobody is activated.
 *
 * @param target path and query that were asked for.
 * @throws ApiError 500 when the failure is ours: a trip to the login page would look like a lost session.
 */
export function pageSession(context: RequestContext, base: string, target: string): PageAccess {
  const outcome = context.precheck
  if (!outcome.ok) {
    if (outcome.status === 500) throw refusal(outcome, context, base)
    return toLogin(outcome.message, target)
  }
  return outcome.owner.status === 'active'
    ? { kind: 'accepted', accepted: outcome }
    : toLogin(inactive(outcome), target)
}

/** Longer addresses are not come back to: encoded once more they are beyond what a client takes in a header. */
const MAX_REDIRECT = 4_096

function toLogin(message: string, redirect: string): PageAccess {
  const back = redirect.length > MAX_REDIRECT ? {} : { redirect }
  return { kind: 'sign-in', location: `/login?${new URLSearchParams({ message, ...back })}` }
}

function refusal(outcome: Refused, context: RequestContext, base: string): ApiError {
  return new ApiError(outcome.status, outcome.message, {
    detail: outcome.status === 500 ? `Reference: ${context.id}` : outcome.detail || undefined,
    cause: outcome.cause,
    headers:
      outcome.status === 500
        ? {}
        : { 'WWW-Authenticate': refusalChallenge({ base, route: context.route }, outcome.reason) },
  })
}

function requireActive(accepted: Accepted, { route }: RequestContext, base: string): Accepted {
  if (accepted.owner.status !== 'active')
    throw new ApiError(401, inactive(accepted), {
      headers: { 'WWW-Authenticate': refusalChallenge({ base, route }, 'invalid') },
    })
  return accepted
}

function inactive({ owner }: Accepted): string {
  return `User is not active (status = "${owner.status}"). Contact an admin to reactivate your account.`
}
