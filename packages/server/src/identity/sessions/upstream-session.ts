import type { Precheck } from '../../edge/index.ts'
import { INTERNAL_MESSAGE, SIGNED_OUT_MESSAGE } from '../../errors/index.ts'

/** A sign-in through a provider whose own token has ended. */
export interface EndedUpstreamSession {
  readonly userId: string
  readonly loginType: 'oidc' | 'github'
}

/** What became of it; `expiresAt` is undefined where the new token never ends. */
export type UpstreamRefreshOutcome =
  | { readonly kind: 'fresh'; readonly expiresAt: Date | undefined }
  /** The provider said no: the person has to sign in again. `detail` is what it said. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** This deployment does not know the provider any more. */
  | { readonly kind: 'unconfigured'; readonly detail: string }
  /** Nobody can tell: the provider does not answer, or the database failed. */
  | { readonly kind: 'failed'; readonly cause: unknown }

/**
 * Renews the token that a login provider gave, with its refresh token, and stores what it got (ID-65). Called while a
 * request waits, and only for keys that have not ended themselves; never rejects.
 */
export type UpstreamRefresh = (link: EndedUpstreamSession) => Promise<UpstreamRefreshOutcome>

/** What is stored of the session at the provider. */
export interface UpstreamSession {
  /** Undefined where its token never ends. */
  readonly expiresAt: Date | undefined
  readonly refreshes: boolean
}

type Refused = Extract<Precheck, { ok: false }>
type ProviderLogin = EndedUpstreamSession['loginType']

const NAMES: Readonly<Record<ProviderLogin, string>> = { oidc: 'OpenID Connect', github: 'GitHub' }

/** The provider kind that a key was signed in through; undefined for other keys. */
export function providerOf(loginType: string): ProviderLogin | undefined {
  return loginType === 'oidc' || loginType === 'github' ? loginType : undefined
}

/** When the token of the provider ends, in Unix milliseconds; one before the year 2 is how others write "never". */
export function endOfUpstream({ expiresAt }: UpstreamSession): number {
  return expiresAt === undefined || expiresAt.getUTCFullYear() <= 1
    ? Number.POSITIVE_INFINITY
    : expiresAt.getTime()
}

/** Refusal of a key whose login link is gone (ID-62). */
export function noLink(): Refused {
  return signedOut('invalid', 'You must re-authenticate with the login provider.')
}

/** Refusal of a session that nothing can renew: it must not outlive what it comes from (L-S2). */
export function endedForGood(loginType: ProviderLogin, { expiresAt }: UpstreamSession): Refused {
  return signedOut(
    'expired',
    `${NAMES[loginType]} session expired at ${JSON.stringify(expiresAt?.toISOString() ?? '')}. Try signing in again.`,
  )
}

function signedOut(reason: Refused['reason'], detail: string): Refused {
  return { ok: false, status: 401, message: SIGNED_OUT_MESSAGE, detail, reason, hard: false }
}

/** Refusal after a refresh that did not work; all of them are told on every route (ID-61). */
export function notRefreshed(
  loginType: ProviderLogin,
  outcome: Exclude<UpstreamRefreshOutcome, { kind: 'fresh' }>,
): Refused {
  switch (outcome.kind) {
    case 'refused':
      return {
        ok: false,
        status: 401,
        message: `Could not refresh expired ${NAMES[loginType]} token. Try re-authenticating to resolve this issue.`,
        detail: outcome.detail,
        reason: 'expired',
        hard: true,
      }
    case 'unconfigured':
      return ourFault(
        `Unable to refresh OAuth token for login type ${JSON.stringify(loginType)}. ${outcome.detail}`,
        new Error(outcome.detail),
      )
    case 'failed':
      return ourFault('Internal error refreshing the token of the login provider.', outcome.cause)
  }
}

function ourFault(detail: string, cause: unknown): Refused {
  return { ok: false, status: 500, message: INTERNAL_MESSAGE, detail, reason: 'fault', hard: true, cause }
}
