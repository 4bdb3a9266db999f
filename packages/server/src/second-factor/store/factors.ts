import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed, requireOwnerFor } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { PasskeysTable, UserTotpTable } from '../../database/tables.ts'
import { conflict, notFound } from '../../errors/index.ts'

/** A stored passkey. */
export type PasskeyRow = Selectable<PasskeysTable>

/** A stored authenticator app; its secret is sealed. */
export type TotpRow = Selectable<UserTotpTable>

/** The second factors of one account. */
export interface Factors {
  readonly totp: TotpRow | undefined
  readonly passkeys: readonly PasskeyRow[]
  readonly recoveryCodes: number
}

const PASSKEYS_OF_USER = 20

const personal = (userId: string) => ({ type: 'user', id: userId, owner: userId }) as const

/** The second factors of a user. @throws ApiError 404 without `user:read_personal`. */
export async function getFactors(actor: Actor, db: Db, userId: string): Promise<Factors> {
  if (!isAllowed(actor, 'read_personal', personal(userId))) throw notFound()
  const totp = await db.selectFrom('user_totp').selectAll().where('user_id', '=', userId).executeTakeFirst()
  const passkeys = await db
    .selectFrom('passkeys')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  const { count } = await db
    .selectFrom('recovery_codes')
    .select(sql<number>`count(*)::integer`.as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return { totp, passkeys, recoveryCodes: count }
}

/** Keeps the factors of a user from changing until the transaction ends. @throws ApiError 404 without `user:update_personal`. */
export async function lockFactors(actor: Actor, tx: Db, userId: string): Promise<void> {
  if (!isAllowed(actor, 'update_personal', personal(userId))) throw notFound()
  await sql`select pg_advisory_xact_lock(hashtextextended(${`second factors ${userId}`}, 0))`.execute(tx)
}

/** Stores an authenticator app. @throws ApiError 404 when refused, 409 when the user has one. */
export async function insertTotp(
  actor: Actor,
  db: Db,
  totp: { readonly userId: string; readonly sealedSecret: Buffer; readonly step: number; readonly now: Date },
): Promise<void> {
  if (!isAllowed(actor, 'update_personal', personal(totp.userId))) throw notFound()
  const row = await db
    .insertInto('user_totp')
    .values({
      user_id: totp.userId,
      secret: totp.sealedSecret,
      last_step: totp.step,
      created_at: totp.now,
    })
    .onConflict((on) => on.column('user_id').doNothing())
    .returning('user_id')
    .executeTakeFirst()
  if (row === undefined)
    throw conflict('The account has an authenticator app already. Remove it to set up another one.')
}

/** Takes a code of this time step, once: whether none of it or of a later one was taken before. @throws ApiError 404. */
export async function takeTotpStep(actor: Actor, db: Db, userId: string, step: number): Promise<boolean> {
  if (!isAllowed(actor, 'update_personal', personal(userId))) throw notFound()
  const row = await db
    .updateTable('user_totp')
    .set({ last_step: step })
    .where('user_id', '=', userId)
    .where('last_step', '<', step)
    .returning('user_id')
    .executeTakeFirst()
  return row !== undefined
}

/** Removes the authenticator app. @throws ApiError 404 when refused or there is none. */
export async function deleteTotp(actor: Actor, db: Db, userId: string): Promise<void> {
  if (!isAllowed(actor, 'update_personal', personal(userId))) throw notFound()
  const { numDeletedRows } = await db.deleteFrom('user_totp').where('user_id', '=', userId).executeTakeFirst()
  if (numDeletedRows === 0n) throw notFound()
}

/** What a new passkey is made of. */
export interface NewPasskey {
  readonly userId: string
  readonly name: string
  readonly credentialId: Buffer
  readonly publicKey: Buffer
  readonly signCount: number
  readonly transports: readonly string[]
  readonly backedUp: boolean
  readonly now: Date
}

/** Stores a passkey. @throws ApiError 404 when refused, 409 for one that is registered or one too many. */
export async function insertPasskey(actor: Actor, tx: Db, passkey: NewPasskey): Promise<PasskeyRow> {
  if (!isAllowed(actor, 'update_personal', personal(passkey.userId))) throw notFound()
  const { count } = await tx
    .selectFrom('passkeys')
    .select(sql<number>`count(*)::integer`.as('count'))
    .where('user_id', '=', passkey.userId)
    .executeTakeFirstOrThrow()
  if (count >= PASSKEYS_OF_USER)
    throw conflict(`An account has at most ${PASSKEYS_OF_USER} passkeys. Remove one first.`)
  try {
    return await tx
      .insertInto('passkeys')
      .values({
        user_id: passkey.userId,
        name: passkey.name,
        credential_id: passkey.credentialId,
        public_key: passkey.publicKey,
        sign_count: passkey.signCount,
        transports: [...passkey.transports],
        backed_up: passkey.backedUp,
        created_at: passkey.now,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (error) {
    if (violatedUnique(error) !== 'passkeys_credential') throw error
    throw conflict('This passkey is registered already.')
  }
}

/** The passkey with this credential id, whosever it is, for sign-in. @throws ApiError 403 for all but system actors. */
export async function findPasskey(
  actor: Actor,
  db: Db,
  credentialId: Buffer,
): Promise<PasskeyRow | undefined> {
  authorize(actor, 'read_personal', { type: 'user' })
  return db.selectFrom('passkeys').selectAll().where('credential_id', '=', credentialId).executeTakeFirst()
}

/**
 * Notes a use of a passkey; whether its counter has moved on, which that of a copy would not (WebAuthn §6.1.1).
 * Authenticators without a counter always say 0.
 *
 * @throws ApiError 404 when refused.
 */
export async function takePasskeyUse(
  actor: Actor,
  db: Db,
  passkey: PasskeyRow,
  use: { readonly signCount: number; readonly backedUp: boolean; readonly now: Date },
): Promise<boolean> {
  if (!isAllowed(actor, 'update_personal', personal(passkey.user_id))) throw notFound()
  const row = await db
    .updateTable('passkeys')
    .set({ sign_count: use.signCount, backed_up: use.backedUp, last_used_at: use.now })
    .where('id', '=', passkey.id)
    .where(sql<boolean>`(sign_count < ${use.signCount} or (sign_count = 0 and ${use.signCount} = 0))`)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Gives a passkey of a user another name. @throws ApiError 404. */
export async function renamePasskey(
  actor: Actor,
  db: Db,
  userId: string,
  passkeyId: string,
  name: string,
): Promise<PasskeyRow> {
  if (!isAllowed(actor, 'update_personal', personal(userId))) throw notFound()
  const row = await db
    .updateTable('passkeys')
    .set({ name })
    .where('id', '=', passkeyId)
    .where('user_id', '=', userId)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row
}

/** Removes a passkey of a user; resolves to what it was. @throws ApiError 404. */
export async function deletePasskey(
  actor: Actor,
  db: Db,
  userId: string,
  passkeyId: string,
): Promise<PasskeyRow> {
  if (!isAllowed(actor, 'update_personal', personal(userId))) throw notFound()
  const row = await db
    .deleteFrom('passkeys')
    .where('id', '=', passkeyId)
    .where('user_id', '=', userId)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row
}

/** Puts these recovery codes, as their digests, in the place of the former ones. @throws ApiError 404 when refused. */
export async function replaceRecoveryCodes(
  actor: Actor,
  tx: Db,
  userId: string,
  hashedCodes: readonly Buffer[],
): Promise<void> {
  if (!isAllowed(actor, 'update_personal', personal(userId))) throw notFound()
  await tx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
  if (hashedCodes.length > 0)
    await tx
      .insertInto('recovery_codes')
      .values(hashedCodes.map((hashed_code) => ({ user_id: userId, hashed_code })))
      .execute()
}

/** Uses a recovery code up; whether there was one. @throws ApiError 404 when refused. */
export async function takeRecoveryCode(
  actor: Actor,
  db: Db,
  userId: string,
  hashedCode: Buffer,
): Promise<boolean> {
  if (!isAllowed(actor, 'update_personal', personal(userId))) throw notFound()
  const { numDeletedRows } = await db
    .deleteFrom('recovery_codes')
    .where('user_id', '=', userId)
    .where('hashed_code', '=', hashedCode)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/**
 * Removes all second factors of a user who has lost theirs.
 *
 * @throws ApiError 403 without `user:update`, or for an owner by who is none (RB-125).
 */
export async function deleteAllFactors(
  actor: Actor,
  tx: Db,
  user: { readonly id: string; readonly rbac_roles: readonly string[] },
): Promise<void> {
  authorize(actor, 'update', personal(user.id))
  requireOwnerFor(actor, user.rbac_roles)
  await deleteFactors(tx, user.id)
}

/**
 * The same for whoever has the database in their hands and may be the only owner that there is.
 *
 * @throws ApiError 403 for all but system actors.
 */
export async function wipeFactors(actor: Actor, tx: Db, userId: string): Promise<void> {
  authorize(actor, 'update_personal', { type: 'user' })
  await deleteFactors(tx, userId)
}

async function deleteFactors(tx: Db, userId: string): Promise<void> {
  await tx.deleteFrom('user_totp').where('user_id', '=', userId).execute()
  await tx.deleteFrom('passkeys').where('user_id', '=', userId).execute()
  await tx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
}
