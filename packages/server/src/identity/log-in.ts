import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { RequestContext } from '../edge/index.ts'
import { ApiError, forbidden } from '../errors/index.ts'
import { newToken } from './api-key-token.ts'
import { passwordMatches } from './password.ts'
import { insertKey } from './store/keys.ts'
import { activateDormantUser, findUserByEmail, type UserRow } from './store/users.ts'

const signIn = systemActor('system_restricted', 'it is not known yet who signs in')

/**
 * Signs in with a password (ID-31…ID-33): the comparison runs for unknown users too and comes first, so
 * that nothing about an account shows before the right password.
 *
 * @param found hears whose account it is before anything is decided, so that failures are recorded too (ID-33).
 * @throws ApiError 401 or 403 in the order of ID-32.
 */
export async function logIn(
  context: AppContext,
  request: RequestContext,
  credentials: { readonly email: string; readonly password: string; readonly userAgent: string },
  found: (user: UserRow) => void,
): Promise<{ readonly token: string }> {
  const db = context.database.db
  const user = await findUserByEmail(signIn, db, credentials.email)
  if (user !== undefined) found(user)
  const matches = await passwordMatches(user?.hashed_password ?? '', credentials.password)
  if (user === undefined || !matches) throw new ApiError(401, 'Incorrect email or password.')
  if (context.config.disablePasswordAuth)
    throw forbidden('Password authentication is disabled.', { detail: undefined })
  if (user.login_type !== 'password')
    throw forbidden(
      `Incorrect login type, attempting to use "password" but user is of login type "${user.login_type}"`,
      {
        detail: undefined,
      },
    )
  const now = context.clock.now()
  if (user.status === 'suspended')
    throw new ApiError(401, 'Your account is suspended. Contact an admin to reactivate your account.')
  if (user.status === 'dormant') await activateDormantUser(signIn, db, user.id, now)
  const made = newToken()
  await insertKey(signIn, db, {
    now,
    id: made.id,
    hashedSecret: made.hashedSecret,
    userId: user.id,
    loginType: 'password',
    expiresAt: new Date(now.getTime() + context.config.sessionDuration),
    lifetimeSeconds: Math.round(context.config.sessionDuration / 1000),
    tokenName: '',
    scopes: ['coder:all'],
    allowList: ['*:*'],
    ipAddress: request.remoteAddress,
    userAgent: credentials.userAgent,
  })
  return { token: made.token }
}
