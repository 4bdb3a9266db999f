import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, type Incoming, sessionCookieName, setCookie } from '../edge/index.ts'
import { auditedLogin, type SignInDelay } from '../identity/index.ts'
import type { SecondFactorChecks } from './checks.ts'
import {
  beginLoginEnrolment,
  beginPasskeyLogin,
  completeLogin,
  completeLoginEnrolment,
  completePasskeyLogin,
  type SignIn,
} from './sign-in.ts'

const YEAR_SECONDS = 31_536_000
const LOGIN_LIMIT = { perMinute: 60 }

/** Sign-in with a second factor or a passkey (L-32). */
export function secondFactorSignInRoutes(
  context: AppContext,
  checks: SecondFactorChecks,
  delay: SignInDelay,
): BoundRoute[] {
  /** Runs a step of a sign-in with its entry in the audit log. */
  const signingIn = <Result>(
    incoming: Pick<Incoming<contract.Route>, 'context' | 'raw' | 'reply'>,
    work: (signIn: SignIn) => Promise<Result>,
  ): Promise<Result> =>
    auditedLogin(context, incoming, (found) =>
      work({
        context,
        request: incoming.context,
        userAgent: incoming.raw.headers['user-agent'] ?? '',
        checks,
        delay,
        found,
      }),
    )
  const setSession = ({ reply }: Pick<Incoming<contract.Route>, 'reply'>, token: string): void => {
    const cookie = setCookie(sessionCookieName(context.cookies), token, context.cookies, {
      maxAge: YEAR_SECONDS,
    })
    reply.header('Set-Cookie', cookie)
  }
  return [
    forAnyone(
      contract.completeLogin,
      async (incoming) => {
        const token = await signingIn(incoming, (signIn) => completeLogin(signIn, incoming.body))
        setSession(incoming, token)
        return { session_token: token }
      },
      LOGIN_LIMIT,
    ),
    forAnyone(
      contract.beginLoginEnrolment,
      (incoming) =>
        beginLoginEnrolment(
          {
            context,
            request: incoming.context,
            userAgent: '',
            checks,
            delay,
            found: () => undefined,
          },
          incoming.body.challenge_id,
        ),
      LOGIN_LIMIT,
    ),
    forAnyone(
      contract.completeLoginEnrolment,
      async (incoming) => {
        const { token, recoveryCodes } = await signingIn(incoming, (signIn) =>
          completeLoginEnrolment(signIn, incoming.body),
        )
        setSession(incoming, token)
        return { session_token: token, recovery_codes: recoveryCodes }
      },
      LOGIN_LIMIT,
    ),
    forAnyone(contract.beginPasskeyLogin, () => beginPasskeyLogin(context), LOGIN_LIMIT),
    forAnyone(
      contract.completePasskeyLogin,
      async (incoming) => {
        const token = await signingIn(incoming, (signIn) => completePasskeyLogin(signIn, incoming.body))
        setSession(incoming, token)
        return { session_token: token }
      },
      LOGIN_LIMIT,
    ),
  ]
}
