import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { GitSshKeysTable } from '../database/tables.ts'
import { notFound } from '../errors/index.ts'

/** A stored key pair; the private half is sealed. */
export type GitSshKeyRow = Selectable<GitSshKeysTable>

/**
 * The key pair of a user; `fresh` becomes it when there is none yet, and of several such calls at once one wins.
 *
 * @throws ApiError 404 without `user:read_personal`.
 */
export async function ensureGitSshKey(
  actor: Actor,
  db: Db,
  userId: string,
  fresh: { readonly publicKey: string; readonly sealedPrivateKey: Buffer },
): Promise<GitSshKeyRow> {
  const found = await findGitSshKey(actor, db, userId)
  if (found !== undefined) return found
  await db
    .insertInto('git_ssh_keys')
    .values({ user_id: userId, public_key: fresh.publicKey, private_key: fresh.sealedPrivateKey })
    .onConflict((conflict) => conflict.column('user_id').doNothing())
    .execute()
  return db.selectFrom('git_ssh_keys').selectAll().where('user_id', '=', userId).executeTakeFirstOrThrow()
}

/** The key pair of a user when there is one. @throws ApiError 404 without `user:read_personal`. */
export async function findGitSshKey(actor: Actor, db: Db, userId: string): Promise<GitSshKeyRow | undefined> {
  if (!isAllowed(actor, 'read_personal', { type: 'user', id: userId, owner: userId })) throw notFound()
  return db.selectFrom('git_ssh_keys').selectAll().where('user_id', '=', userId).executeTakeFirst()
}

/** Puts a new key pair in the place of the old one. @throws ApiError 403 without `user:update_personal`. */
export async function replaceGitSshKey(
  actor: Actor,
  db: Db,
  userId: string,
  fresh: { readonly publicKey: string; readonly sealedPrivateKey: Buffer },
): Promise<GitSshKeyRow> {
  authorize(actor, 'update_personal', { type: 'user', id: userId, owner: userId })
  return db
    .insertInto('git_ssh_keys')
    .values({ user_id: userId, public_key: fresh.publicKey, private_key: fresh.sealedPrivateKey })
    .onConflict((conflict) =>
      conflict.column('user_id').doUpdateSet({
        public_key: fresh.publicKey,
        private_key: fresh.sealedPrivateKey,
        updated_at: sql<Date>`now()`,
      }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}
