import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import type { RequestContext } from '../../edge/index.ts'
import { ApiError, forbidden } from '../../errors/index.ts'
import { passwordMatches } from '../passwords/password.ts'
import { findUserByEmail, type UserRow } from '../store/users.ts'
import type { AccountChecks } from '../users/account-checks.ts'
import { openSession, requireNotSuspended } from './open-session.ts'
import type { SignInDelay } from './sign-in-delay.ts'

const signIn = systemActor('account_security', 'it is not known yet who signs in')

/**
 * Signs in with a password (ID-31…ID-33): the comparison runs for unknown users too and comes first, so
 * that nothing about an account shows before the right password.
 *
 * @param found hears whose account it is before anything is decided, so that failures are recorded too (ID-33).
 * @throws ApiError 401 or 403 in the order of ID-32, 403 when a second factor must follow, 429 while wrong guesses are
 * slowed down (ID-209).
 */
export async function logIn(
  context: AppContext,
  request: RequestContext,
  credentials: { readonly email: string; readonly password: string; readonly userAgent: string },
  parts: {
    readonly checks: AccountChecks
    readonly delay: SignInDelay
    readonly found: (user: UserRow) => void
  },
): Promise<{ readonly token: string }> {
  const user = await findUserByEmail(signIn, context.database.db, credentials.email)
  if (user !== undefined) parts.found(user)
  const matches = await parts.delay.guess({ kind: 'password', email: credentials.email }, () =>
    passwordMatches(user?.hashed_password ?? '', credentials.password),
  )
  if (user === undefined || !matches) throw new ApiError(401, 'Incorrect email or password.')
  requirePasswordSignIn(context, user)
  requireNotSuspended(user)
  await parts.checks.afterPassword(user)
  const { token, keyId } = await openSession(context, request, user, {
    loginType: 'password',
    userAgent: credentials.userAgent,
  })
  await parts.checks.proved(keyId, { bySecondFactor: false })
  return { token }
}

/** @throws ApiError 403 where passwords are off, or for an account that signs in otherwise (ID-32). */
export function requirePasswordSignIn(context: AppContext, user: UserRow): void {
  if (context.config.disablePasswordAuth)
    throw forbidden('Password authentication is disabled.', { detail: undefined })
  if (user.login_type !== 'password')
    throw forbidden(
      `Incorrect login type, attempting to use "password" but user is of login type "${user.login_type}"`,
      { detail: undefined },
    )
}
