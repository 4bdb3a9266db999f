import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, type ResourceObject } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { UserLinksTable, UsersTable } from '../../database/tables.ts'
import { conflict } from '../../errors/index.ts'

/** How an account is tied to a provider. */
export type LinkRow = Selectable<UserLinksTable>

/** Login types that have links. */
export type LinkedType = 'oidc' | 'github'

function linkObject(userId?: string): ResourceObject {
  return { type: 'user', id: userId, owner: userId }
}

/** The live user who is linked under this key (ID-168). @throws ApiError 403. */
export async function findUserByLink(
  actor: Actor,
  db: Db,
  type: LinkedType,
  linkedId: string,
): Promise<Selectable<UsersTable> | undefined> {
  authorize(actor, 'read_personal', linkObject())
  return db
    .selectFrom('user_links as l')
    .innerJoin('users as u', (join) => join.onRef('u.id', '=', 'l.user_id').on('u.deleted', '=', false))
    .selectAll('u')
    .where('l.linked_id', '=', linkedId)
    .where('l.login_type', '=', type)
    .executeTakeFirst()
}

/** The user's link of this type. @throws ApiError 403 without `user:read_personal`. */
export async function findLink(
  actor: Actor,
  db: Db,
  userId: string,
  type: LinkedType,
): Promise<LinkRow | undefined> {
  authorize(actor, 'read_personal', linkObject(userId))
  return db
    .selectFrom('user_links')
    .selectAll()
    .where('user_id', '=', userId)
    .where('login_type', '=', type)
    .executeTakeFirst()
}

/** Makes sign-ins of one person wait for each other until the transaction ends. @throws ApiError 403. */
export async function lockLinkedId(actor: Actor, tx: Db, linkedId: string): Promise<void> {
  authorize(actor, 'update_personal', linkObject())
  await sql`select pg_advisory_xact_lock(hashtextextended(${linkedId}, 3))`.execute(tx)
}

/** What a sign-in leaves in a link; tokens are sealed. */
export interface StoredLink {
  readonly userId: string
  readonly type: LinkedType
  readonly linkedId: string
  readonly provider: string
  readonly accessToken: Buffer
  readonly refreshToken: Buffer | undefined
  readonly expiresAt: Date | undefined
  readonly claims: object
}

/**
 * Stores a link, in the place of the user's former one with this key or none. A renewal that is under way loses it.
 *
 * @throws ApiError 403 without `user:update_personal`, 409 when another account has this key, or this account has
 * another one by now (ID-168).
 */
export async function saveLink(actor: Actor, tx: Db, link: StoredLink): Promise<void> {
  authorize(actor, 'update_personal', linkObject(link.userId))
  // What a deleted account left behind must not keep its owner out for ever (ID-168).
  await tx
    .deleteFrom('user_links as l')
    .using('users as u')
    .whereRef('u.id', '=', 'l.user_id')
    .where('u.deleted', '=', true)
    .where('l.linked_id', '=', link.linkedId)
    .where('l.login_type', '=', link.type)
    .execute()
  const values = {
    linked_id: link.linkedId,
    provider: link.provider,
    oauth_access_token: link.accessToken,
    oauth_refresh_token: link.refreshToken ?? null,
    oauth_expiry: link.expiresAt ?? null,
    claims: JSON.stringify(link.claims),
    refresh_lease: null,
    refresh_lease_until: null,
  }
  try {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('user_links')
      .values({ user_id: link.userId, login_type: link.type, ...values })
      .onConflict((on) =>
        on
          .columns(['user_id', 'login_type'])
          .doUpdateSet(values)
          .where('user_links.linked_id', 'in', ['', link.linkedId]),
      )
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows === 0n) throw conflict('The account is linked to another identity.')
  } catch (error) {
    if (violatedUnique(error) !== 'user_links_linked_id') throw error
    throw conflict('Another account is linked to this identity.')
  }
}

/**
 * Forgets the keys of links that are of none of these issuers, so that their owners can link again by address (ID-170).
 * Resolves to how many. Only links of the provider of the settings are looked at.
 *
 * @throws ApiError 403.
 */
export async function resetForeignLinks(actor: Actor, db: Db, issuers: readonly string[]): Promise<number> {
  authorize(actor, 'update_personal', linkObject())
  const result = await db
    .updateTable('user_links')
    .set({ linked_id: '' })
    .where('login_type', '=', 'oidc')
    .where('provider', '=', '')
    .where('linked_id', '<>', '')
    .where(sql<boolean>`not (split_part(linked_id, '||', 1) = any(${[...issuers]}::text[]))`)
    .executeTakeFirst()
  return Number(result.numUpdatedRows)
}

/**
 * Takes the lease for renewing a link's tokens, unless somebody else holds it or nothing has ended at `now` (ID-65).
 *
 * @returns the link, when the lease is the caller's.
 * @throws ApiError 403.
 */
export async function acquireRefreshLease(
  actor: Actor,
  db: Db,
  link: { readonly userId: string; readonly type: LinkedType },
  lease: { readonly id: string; readonly seconds: number; readonly now: Date },
): Promise<LinkRow | undefined> {
  authorize(actor, 'update_personal', linkObject(link.userId))
  return db
    .updateTable('user_links')
    .set({
      refresh_lease: lease.id,
      // By the database's clock, which all replicas share.
      refresh_lease_until: sql<Date>`now() + make_interval(secs => ${lease.seconds})`,
    })
    .where('user_id', '=', link.userId)
    .where('login_type', '=', link.type)
    .where('oauth_expiry', '<=', lease.now)
    .where(sql<boolean>`(refresh_lease_until is null or refresh_lease_until < now())`)
    .returningAll()
    .executeTakeFirst()
}

/** Renewed tokens. */
export interface RenewedLink {
  readonly accessToken: Buffer
  /** The former one stays when this is left out. */
  readonly refreshToken?: Buffer | undefined
  readonly expiresAt: Date | undefined
}

/** Stores renewed tokens while the lease holds; resolves to whether it did. @throws ApiError 403. */
export async function saveRenewed(
  actor: Actor,
  tx: Db,
  link: { readonly userId: string; readonly type: LinkedType },
  lease: string,
  renewed: RenewedLink,
): Promise<boolean> {
  authorize(actor, 'update_personal', linkObject(link.userId))
  const result = await tx
    .updateTable('user_links')
    .set({
      oauth_access_token: renewed.accessToken,
      oauth_expiry: renewed.expiresAt ?? null,
      refresh_lease: null,
      refresh_lease_until: null,
      ...(renewed.refreshToken === undefined ? {} : { oauth_refresh_token: renewed.refreshToken }),
    })
    .where('user_id', '=', link.userId)
    .where('login_type', '=', link.type)
    .where('refresh_lease', '=', lease)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Gives a lease back without new tokens. @throws ApiError 403. */
export async function releaseRefreshLease(
  actor: Actor,
  db: Db,
  link: { readonly userId: string; readonly type: LinkedType },
  lease: string,
): Promise<void> {
  authorize(actor, 'update_personal', linkObject(link.userId))
  await db
    .updateTable('user_links')
    .set({ refresh_lease: null, refresh_lease_until: null })
    .where('user_id', '=', link.userId)
    .where('login_type', '=', link.type)
    .where('refresh_lease', '=', lease)
    .execute()
}

/** Puts newer claims in the place of the stored ones. @throws ApiError 403. */
export async function saveClaims(
  actor: Actor,
  tx: Db,
  link: { readonly userId: string; readonly type: LinkedType },
  claims: object,
): Promise<void> {
  authorize(actor, 'update_personal', linkObject(link.userId))
  await tx
    .updateTable('user_links')
    .set({ claims: JSON.stringify(claims) })
    .where('user_id', '=', link.userId)
    .where('login_type', '=', link.type)
    .execute()
}

/** Ends what a provider gave, so that the person has to sign in again. @throws ApiError 403. */
export async function endLink(
  actor: Actor,
  db: Db,
  link: { readonly userId: string; readonly type: LinkedType },
  now: Date,
): Promise<void> {
  authorize(actor, 'update_personal', linkObject(link.userId))
  await db
    .updateTable('user_links')
    .set({ oauth_refresh_token: null, oauth_expiry: now })
    .where('user_id', '=', link.userId)
    .where('login_type', '=', link.type)
    .execute()
}
