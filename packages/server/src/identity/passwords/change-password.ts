import { type Actor, actorForUser, isAllowed, isOwner } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import { badRequest, notFound } from '../../errors/index.ts'
import type { SignInDelay } from '../sessions/sign-in-delay.ts'
import { deleteKeysOfUser } from '../store/keys.ts'
import { type UserRow, updatePasswordHash } from '../store/users.ts'
import { hashPassword, passwordMatches } from './password.ts'
import { requireStrongPassword } from './password-rules.ts'

/**
 * Changes a password and ends every session and token of that user, the caller's own included (ID-30).
 *
 * @throws ApiError 404 without the right, 400 naming the field for the faults of ID-30, 429 while wrong guesses are slowed
 * down (ID-209).
 */
export async function changePassword(
  context: AppContext,
  actor: Actor,
  user: UserRow,
  request: { readonly old_password?: string; readonly password: string },
  delay: SignInDelay,
): Promise<void> {
  if (!isAllowed(actor, 'update_personal', { type: 'user', id: user.id, owner: user.id })) throw notFound()
  if (user.rbac_roles.includes('owner') && !isOwner(actor))
    throw badRequest('Only an owner can change the password of an owner.')
  if (user.login_type !== 'password')
    throw badRequest(`Users with login type "${user.login_type}" have no password to change.`)
  const own = actor.id === user.id
  if (own && !request.old_password)
    throw badRequest('Old password is required.', {
      validations: [{ field: 'old_password', detail: 'required' }],
    })
  // Who administers users need not know it; what they give all the same must be right.
  const compare = () => passwordMatches(user.hashed_password, request.old_password ?? '')
  if (request.old_password && !(await delay.guess({ kind: 'password', email: user.email }, compare)))
    throw badRequest('Old password is incorrect.', {
      validations: [{ field: 'old_password', detail: 'Old password is incorrect.' }],
    })
  requireStrongPassword(request.password)
  if (await passwordMatches(user.hashed_password, request.password))
    throw badRequest('New password cannot match old password.', {
      validations: [{ field: 'password', detail: 'New password cannot match old password.' }],
    })
  await replacePassword(context, actor, user.id, request.password)
}

/**
 * Stores a new password and ends every session and token of the user, in one transaction (ID-30, ID-36).
 *
 * @param first runs first in the transaction; what it throws leaves everything as it is.
 * @throws ApiError 404 when the actor may not.
 */
export async function replacePassword(
  context: AppContext,
  actor: Actor,
  userId: string,
  password: string,
  first: (tx: Db) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const hash = await hashPassword(password)
  await context.database.transaction(async (tx) => {
    await first(tx)
    await updatePasswordHash(actor, tx, userId, hash)
    const revoker = actorForUser('api_key_revoker', userId, 'a new password ends what the old one opened')
    await deleteKeysOfUser(revoker, tx, userId)
  })
}
