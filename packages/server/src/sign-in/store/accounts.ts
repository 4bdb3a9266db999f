import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { UsersTable } from '../../database/tables.ts'
import { conflict, notFound } from '../../errors/index.ts'
import type { LinkedType } from './links.ts'

/** The account of somebody who signs in. */
export type AccountRow = Selectable<UsersTable>

function accountObject(userId?: string): ResourceObject {
  return { type: 'user', id: userId, owner: userId }
}

/** Whether a live account has this name. @throws ApiError 403 without `user:read`. */
export async function isUsernameTaken(actor: Actor, tx: Db, username: string): Promise<boolean> {
  authorize(actor, 'read', accountObject())
  const row = await tx
    .selectFrom('users')
    .select('id')
    .where(sql<string>`lower(username)`, '=', username.toLowerCase())
    .where('deleted', '=', false)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Takes over what the provider says of a person (ID-165); never the username.
 *
 * @returns the account as it is then.
 * @throws ApiError 403 without `user:update_personal`, 409 when another account has the address.
 */
export async function mirrorProfile(
  actor: Actor,
  tx: Db,
  userId: string,
  profile: {
    readonly name: string
    readonly avatarUrl: string
    readonly email: string
    readonly githubComUserId: number | undefined
  },
): Promise<AccountRow> {
  authorize(actor, 'update_personal', accountObject(userId))
  const { name, avatarUrl, email, githubComUserId } = profile
  try {
    const changed = await tx
      .updateTable('users')
      .set({
        name,
        avatar_url: avatarUrl,
        email,
        ...(githubComUserId === undefined ? {} : { github_com_user_id: githubComUserId }),
        updated_at: sql<Date>`now()`,
      })
      .where('id', '=', userId)
      // An unchanged row says nothing to anybody who watches it.
      .where(
        sql<boolean>`(name, avatar_url, email, github_com_user_id) is distinct from (${name}::text, ${avatarUrl}::text, ${email}::text, coalesce(${githubComUserId ?? null}::bigint, github_com_user_id))`,
      )
      .returningAll()
      .executeTakeFirst()
    return (
      changed ?? (await tx.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirstOrThrow())
    )
  } catch (error) {
    if (violatedUnique(error) !== 'users_email_key') throw error
    throw conflict('Another account has this email address.', {
      detail: 'Ask your administrator: one of the two accounts has to give it up.',
    })
  }
}

/**
 * Turns an account with a password into one of a provider: the password is gone (ID-177).
 *
 * @throws ApiError 404 when the account does not sign in with a password any more, 403 without `user:update_personal`.
 */
export async function convertAccount(actor: Actor, tx: Db, userId: string, type: LinkedType): Promise<void> {
  authorize(actor, 'update_personal', accountObject(userId))
  const result = await tx
    .updateTable('users')
    .set({
      login_type: type,
      hashed_password: '',
      hashed_one_time_passcode: null,
      one_time_passcode_expires_at: null,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', userId)
    .where('login_type', '=', 'password')
    .where('deleted', '=', false)
    .executeTakeFirst()
  if (result.numUpdatedRows === 0n) throw notFound()
}

/** The claims of a user's last sign-in with OpenID Connect (ID-22). @throws ApiError 404 without `user:read_personal`. */
export async function findClaims(actor: Actor, db: Db, userId: string): Promise<unknown> {
  if (!isAllowed(actor, 'read_personal', accountObject(userId))) throw notFound()
  const row = await db
    .selectFrom('user_links')
    .select('claims')
    .where('user_id', '=', userId)
    .where('login_type', '=', 'oidc')
    .executeTakeFirst()
  return row?.claims
}
