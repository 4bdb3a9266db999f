import { timingSafeEqual } from 'node:crypto'

import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import {
  passwordMatches,
  replacePassword,
  requireStrongPassword,
  type SignInDelay,
  type UserRow,
} from '../identity/index.ts'
import { hashPasscode } from './request-passcode.ts'
import { clearPasscode, takePasscodeAttempt } from './store.ts'

const guard = systemActor('account_security', 'who has forgotten a password is not signed in')

/**
 * Sets a new password with a one-time passcode, which is used up by it; every session and token of the user ends (ID-36).
 *
 * @param found hears whose account it is, so that failures are recorded too.
 * @throws ApiError 400 for a weak password first, then for an unknown user, a wrong, missing, expired or worn-out code,
 * then for the former password.
 */
export async function redeemPasscode(
  context: AppContext,
  delay: SignInDelay,
  asked: { readonly email: string; readonly one_time_passcode: string; readonly password: string },
  found: (user: UserRow) => void,
): Promise<UserRow> {
  requireStrongPassword(asked.password)
  const { db } = context.database
  const user = await takePasscodeAttempt(guard, db, asked.email, context.clock.now())
  if (user !== undefined) found(user)
  const hashed = hashPasscode(asked.one_time_passcode)
  const stored = user?.hashed_one_time_passcode ?? undefined
  if (user === undefined || stored === undefined || !timingSafeEqual(hashed, stored)) throw wrongCode()
  if (await passwordMatches(user.hashed_password, asked.password))
    throw badRequest('New password cannot match old password.', {
      validations: [{ field: 'password', detail: 'New password cannot match old password.' }],
    })
  await replacePassword(context, guard, user.id, asked.password, async (tx) => {
    if (!(await clearPasscode(guard, tx, user.id, hashed))) throw wrongCode()
  })
  // Who reads the mail of the address is not the one who was guessing.
  await delay.reset({ kind: 'password', email: user.email })
  return user
}

function wrongCode(): Error {
  return badRequest('Incorrect email or one-time passcode.')
}
