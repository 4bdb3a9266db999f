import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Oauth2ProviderGrantsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'
import { codeTokenObject } from './codes.ts'

/** A grant with its app, as its user sees it (OA-B10). */
export interface GrantOfUser extends Selectable<Oauth2ProviderGrantsTable> {
  readonly app_name: string
  readonly app_icon: string
  readonly self_registered: boolean
  readonly first_authorized_at: Date
}

const grantsOf = (db: Db, userId: string) =>
  db
    .selectFrom('oauth2_provider_grants as g')
    .innerJoin('oauth2_provider_apps as a', 'a.id', 'g.app_id')
    // One whose tokens have ended, such as with the secret that they were issued with, gives nothing any more.
    .innerJoin('oauth2_provider_app_tokens as t', 't.grant_id', 'g.id')
    .innerJoin('api_keys as k', 'k.id', 't.api_key_id')
    .select(['g.id', 'g.app_id', 'g.user_id', 'g.scopes', 'g.resource', 'g.created_at'])
    .select([
      sql<Date>`greatest(g.last_used_at, k.last_used)`.as('last_used_at'),
      sql<string>`host(case when k.last_used > g.last_used_at then k.ip_address else g.ip_address end)`.as(
        'ip_address',
      ),
      'a.name as app_name',
      'a.icon as app_icon',
      sql<boolean>`(a.dynamically_registered or a.metadata_url is not null)`.as('self_registered'),
      sql<Date>`min(g.created_at) over (partition by g.app_id)`.as('first_authorized_at'),
    ])
    .where('g.user_id', '=', userId)

/**
 * The grants of a user from which anything is good still, by app and age.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:read` for that user.
 */
export async function listGrants(actor: Actor, db: Db, userId: string, now: Date): Promise<GrantOfUser[]> {
  authorize(actor, 'read', codeTokenObject(userId))
  return grantsOf(db, userId)
    .where(({ or, eb }) => or([eb('t.expires_at', '>', now), eb('k.expires_at', '>', now)]))
    .orderBy('a.name')
    .orderBy('g.app_id')
    .orderBy('g.created_at')
    .orderBy('g.id')
    .execute()
}

/**
 * Ends one grant of a user and everything that was issued from it.
 *
 * @throws ApiError 404 when it is absent or may not be read, 403 without `oauth2_app_code_token:delete`.
 */
export async function deleteGrantOfUser(
  actor: Actor,
  tx: Db,
  userId: string,
  id: string,
): Promise<GrantOfUser> {
  const found = await grantsOf(tx, userId).where('g.id', '=', id).executeTakeFirst()
  if (found === undefined || !isAllowed(actor, 'read', codeTokenObject(userId))) throw notFound()
  authorize(actor, 'delete', codeTokenObject(userId))
  await tx.deleteFrom('oauth2_provider_grants').where('id', '=', id).execute()
  await forget(tx, userId, found.app_id)
  return found
}

/**
 * Ends every grant of a user to an app, its codes and those of its devices, and what the user has agreed to for good
 * (OA-75).
 *
 * @returns the grants that there were.
 *
 * @throws ApiError 403 without `oauth2_app_code_token:delete` for that user.
 */
export async function deleteGrantsOfApp(
  actor: Actor,
  tx: Db,
  userId: string,
  appId: string,
): Promise<readonly { readonly id: string; readonly scopes: readonly string[] }[]> {
  authorize(actor, 'delete', codeTokenObject(userId))
  // Codes first: one that is being redeemed is waited for, and what it has led to is among the grants then.
  await tx
    .deleteFrom('oauth2_provider_app_codes')
    .where('user_id', '=', userId)
    .where('app_id', '=', appId)
    .execute()
  await tx
    .deleteFrom('oauth2_provider_device_codes')
    .where('user_id', '=', userId)
    .where('app_id', '=', appId)
    .execute()
  const ended = await tx
    .deleteFrom('oauth2_provider_grants')
    .where('user_id', '=', userId)
    .where('app_id', '=', appId)
    .returning(['id', 'scopes'])
    .execute()
  await forget(tx, userId, appId)
  return ended
}

async function forget(tx: Db, userId: string, appId: string): Promise<void> {
  await tx
    .deleteFrom('oauth2_provider_consents')
    .where('user_id', '=', userId)
    .where('app_id', '=', appId)
    .execute()
}

/**
 * Ends a grant and everything that was issued from it, such as when a token of it is revoked or stolen (OA-71, OA-B8).
 * Whether it was still there.
 *
 * @throws ApiError 403 without the rights to end anybody's tokens and keys.
 */
export async function endGrant(actor: Actor, tx: Db, id: string): Promise<boolean> {
  authorize(actor, 'delete', codeTokenObject())
  authorize(actor, 'delete', { type: 'api_key' })
  const { numDeletedRows } = await tx
    .deleteFrom('oauth2_provider_grants')
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
