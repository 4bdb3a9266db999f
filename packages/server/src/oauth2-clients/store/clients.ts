import type { Selectable } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Oauth2ProviderAppsTable } from '../../database/tables.ts'

/** A client of the authorization server, whoever has made it. */
export type OAuthClient = Selectable<Oauth2ProviderAppsTable>

/** The client with this id; undefined for none. @throws ApiError 403 without `oauth2_app:read`. */
export async function findClientById(actor: Actor, db: Db, id: string): Promise<OAuthClient | undefined> {
  authorize(actor, 'read', { type: 'oauth2_app', id })
  return db.selectFrom('oauth2_provider_apps').selectAll().where('id', '=', id).executeTakeFirst()
}

/**
 * Notes that a user has authorised the client, so that it counts as used from now on (OA-B7).
 *
 * @throws ApiError 403 without `oauth2_app:update`.
 */
export async function markClientAuthorized(actor: Actor, db: Db, id: string, at: Date): Promise<void> {
  authorize(actor, 'update', { type: 'oauth2_app', id })
  await db
    .updateTable('oauth2_provider_apps')
    .set({ first_authorized_at: at })
    .where('id', '=', id)
    .where('first_authorized_at', 'is', null)
    .execute()
}

/** The client that a metadata document describes; undefined until it was resolved once. @throws ApiError 403. */
export async function findClientByDocument(
  actor: Actor,
  db: Db,
  url: string,
): Promise<OAuthClient | undefined> {
  authorize(actor, 'read', { type: 'oauth2_app' })
  return db.selectFrom('oauth2_provider_apps').selectAll().where('metadata_url', '=', url).executeTakeFirst()
}
