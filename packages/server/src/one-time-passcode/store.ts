import { sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { UserRow } from '../identity/index.ts'

/** Wrong tries that a code survives (ID-213). */
const ATTEMPTS = 5

/**
 * Gives the account with this address a code in place of any other, if it may have one: it signs in with a password and
 * is not suspended (ID-213), and got none just now. Resolves to whose it is.
 *
 * @throws ApiError 403 for all but system actors.
 */
export async function storePasscode(
  actor: Actor,
  db: Db,
  email: string,
  code: {
    readonly hashed: Buffer
    readonly expiresAt: Date
    /** An account whose code ends after this got it just now. */
    readonly recentUntil: Date
  },
): Promise<UserRow | undefined> {
  authorize(actor, 'update_personal', { type: 'user' })
  return db
    .updateTable('users')
    .set({
      hashed_one_time_passcode: code.hashed,
      one_time_passcode_expires_at: code.expiresAt,
      one_time_passcode_attempts: 0,
    })
    .where(sql<string>`lower(email)`, '=', email.toLowerCase())
    .where('email', '!=', '')
    .where('deleted', '=', false)
    .where('is_system', '=', false)
    .where('login_type', '=', 'password')
    .where('status', '!=', 'suspended')
    .where(
      sql<boolean>`(one_time_passcode_expires_at is null or one_time_passcode_expires_at <= ${code.recentUntil})`,
    )
    .returningAll()
    .executeTakeFirst()
}

/**
 * The account with this address whose code may still be tried, with this try counted: it is counted before it is looked
 * at, so that many at once are not more than one after the other.
 *
 * @throws ApiError 403 for all but system actors.
 */
export async function takePasscodeAttempt(
  actor: Actor,
  db: Db,
  email: string,
  now: Date,
): Promise<UserRow | undefined> {
  authorize(actor, 'update_personal', { type: 'user' })
  return db
    .updateTable('users')
    .set({ one_time_passcode_attempts: sql<number>`one_time_passcode_attempts + 1` })
    .where(sql<string>`lower(email)`, '=', email.toLowerCase())
    .where('email', '!=', '')
    .where('deleted', '=', false)
    .where('login_type', '=', 'password')
    .where('status', '!=', 'suspended')
    .where('hashed_one_time_passcode', 'is not', null)
    .where('one_time_passcode_expires_at', '>', now)
    .where('one_time_passcode_attempts', '<', ATTEMPTS)
    .returningAll()
    .executeTakeFirst()
}

/** Uses the code of a user up; whether it was still this one. @throws ApiError 403 for all but system actors. */
export async function clearPasscode(actor: Actor, tx: Db, userId: string, hashed: Buffer): Promise<boolean> {
  authorize(actor, 'update_personal', { type: 'user' })
  const { numUpdatedRows } = await tx
    .updateTable('users')
    .set({
      hashed_one_time_passcode: null,
      one_time_passcode_expires_at: null,
      one_time_passcode_attempts: 0,
    })
    .where('id', '=', userId)
    .where('hashed_one_time_passcode', '=', hashed)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
