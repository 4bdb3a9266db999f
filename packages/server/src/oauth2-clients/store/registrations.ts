import { type Insertable, sql, type Updateable } from 'kysely'

import type { OAuth2ProviderSettings } from '@slipway/contract'
import { type Actor, authorize } from '../../authz/index.ts'
import { anyOf, type Db } from '../../database/index.ts'
import type { Oauth2ProviderAppSecretsTable, Oauth2ProviderAppsTable } from '../../database/tables.ts'
import type { OAuthClient } from './clients.ts'
import type { OAuthClientSecret } from './secrets.ts'
import { readOAuthSettings } from './settings.ts'

/**
 * The settings and how many self-registered clients nobody has authorised, counted to `atMost`; nobody else registers until
 * the transaction ends, so that the number holds.
 *
 * @throws ApiError 403.
 */
export async function holdRegistrations(
  actor: Actor,
  tx: Db,
  atMost: number,
): Promise<{ readonly settings: OAuth2ProviderSettings; readonly unused: number }> {
  authorize(actor, 'create', { type: 'oauth2_app' })
  await sql`select pg_advisory_xact_lock(hashtextextended('oauth2 registration', 0))`.execute(tx)
  const settings = await readOAuthSettings(actor, tx)
  const { count } = await tx
    .selectFrom(
      tx
        .selectFrom('oauth2_provider_apps')
        .select('id')
        .where('dynamically_registered', '=', true)
        .where('first_authorized_at', 'is', null)
        .limit(atMost)
        .as('unused'),
    )
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return { settings, unused: count }
}

/** Stores a client. @throws ApiError 403 without `oauth2_app:create`. */
export async function insertClient(
  actor: Actor,
  tx: Db,
  values: Insertable<Oauth2ProviderAppsTable>,
): Promise<OAuthClient> {
  authorize(actor, 'create', { type: 'oauth2_app' })
  return tx.insertInto('oauth2_provider_apps').values(values).returningAll().executeTakeFirstOrThrow()
}

/** Stores a secret of a client. @throws ApiError 403 without `oauth2_app_secret:create`. */
export async function insertSecret(
  actor: Actor,
  tx: Db,
  values: Insertable<Oauth2ProviderAppSecretsTable>,
): Promise<OAuthClientSecret> {
  authorize(actor, 'create', { type: 'oauth2_app_secret' })
  return tx.insertInto('oauth2_provider_app_secrets').values(values).returningAll().executeTakeFirstOrThrow()
}

/** A client that nobody else changes until the transaction ends. @throws ApiError 403 without `oauth2_app:update`. */
export async function holdClient(actor: Actor, tx: Db, id: string): Promise<OAuthClient | undefined> {
  authorize(actor, 'update', { type: 'oauth2_app', id })
  return tx
    .selectFrom('oauth2_provider_apps')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
}

/** Stores what a client is now. @throws ApiError 403 without `oauth2_app:update`. */
export async function updateClient(
  actor: Actor,
  tx: Db,
  id: string,
  values: Updateable<Oauth2ProviderAppsTable>,
): Promise<OAuthClient> {
  authorize(actor, 'update', { type: 'oauth2_app', id })
  return tx
    .updateTable('oauth2_provider_apps')
    .set({ ...values, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/**
 * Removes self-registered clients that nobody has authorised since before a moment (OA-B7).
 *
 * @returns how many, `limit` at the most.
 * @throws ApiError 403 without `oauth2_app:delete`.
 */
export async function deleteUnusedClients(
  actor: Actor,
  db: Db,
  { before, limit }: { readonly before: Date; readonly limit: number },
): Promise<number> {
  authorize(actor, 'delete', { type: 'oauth2_app' })
  const old = db
    .selectFrom('oauth2_provider_apps')
    .select('id')
    .where((where) =>
      where.or([where('dynamically_registered', '=', true), where('metadata_url', 'is not', null)]),
    )
    .where('first_authorized_at', 'is', null)
    .where('created_at', '<', before)
    .limit(limit)
    .forUpdate()
    .skipLocked()
  const { numDeletedRows } = await db
    .deleteFrom('oauth2_provider_apps')
    .where('id', '=', anyOf(old))
    .executeTakeFirst()
  return Number(numDeletedRows)
}
