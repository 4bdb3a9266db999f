import { systemActor } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import type { RequestContext } from '../../edge/index.ts'
import { ApiError } from '../../errors/index.ts'
import { newToken } from '../keys/api-key-token.ts'
import { holdKeyAsker, insertKey } from '../store/keys.ts'
import type { UserRow } from '../store/users.ts'
import { activateDormant } from '../users/activate-dormant.ts'

const signIn = systemActor('system_restricted', 'who signs in has no session yet to act with')

/** @throws ApiError 401 for a suspended account (ID-9). */
export function requireNotSuspended(user: Pick<UserRow, 'status'>): void {
  if (user.status === 'suspended')
    throw new ApiError(401, 'Your account is suspended. Contact an admin to reactivate your account.')
}

/**
 * Opens a session for a user who has proved who they are: a dormant one becomes active, and the key lasts as sessions do
 * (ID-32, ID-33).
 *
 * @throws ApiError 401 for a suspended account, and for one whose password has changed meanwhile.
 */
export async function openSession(
  context: AppContext,
  request: RequestContext,
  user: UserRow,
  session: {
    readonly loginType: 'password' | 'github' | 'oidc'
    readonly userAgent: string
    /** Stores what belongs to the session, together with it. */
    readonly record?: ((tx: Db, keyId: string) => Promise<void>) | undefined
  },
): Promise<{ readonly token: string; readonly keyId: string }> {
  requireNotSuspended(user)
  if (user.status === 'dormant') await activateDormant(context, user.id)
  const now = context.clock.now()
  const made = newToken()
  await context.database.transaction(async (tx) => {
    if (!(await holdKeyAsker(signIn, tx, { userId: user.id, passwordHash: user.hashed_password })))
      throw new ApiError(401, 'The account has changed while you signed in. Sign in again.')
    await insertKey(signIn, tx, {
      now,
      id: made.id,
      hashedSecret: made.hashedSecret,
      userId: user.id,
      loginType: session.loginType,
      expiresAt: new Date(now.getTime() + context.config.sessionDuration),
      lifetimeSeconds: Math.round(context.config.sessionDuration / 1000),
      tokenName: '',
      scopes: ['coder:all'],
      allowList: ['*:*'],
      ipAddress: request.remoteAddress,
      userAgent: session.userAgent,
    })
    await session.record?.(tx, made.id)
  })
  return { token: made.token, keyId: made.id }
}
