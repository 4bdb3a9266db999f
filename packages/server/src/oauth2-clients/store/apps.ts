import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { ApiError } from '../../errors/index.ts'
import type { OAuthClient } from './clients.ts'
import type { OAuthClientSecret } from './secrets.ts'

/** 404 for a client that does not exist; never 401, for which browsers sign people out (OA-17). */
function noApp(): ApiError {
  return new ApiError(404, 'OAuth2 application not found.')
}

/** All clients by name (OA-16). @throws ApiError 403 without `oauth2_app:read`. */
export async function listApps(actor: Actor, db: Db): Promise<OAuthClient[]> {
  authorize(actor, 'read', { type: 'oauth2_app' })
  return db.selectFrom('oauth2_provider_apps').selectAll().orderBy('name').orderBy('id').execute()
}

/** The clients that hold a token of a user, by name (OA-16). @throws ApiError 403 for somebody else's. */
export async function listAppsOfUser(
  actor: Actor,
  db: Db,
  userId: string,
  now: Date,
): Promise<OAuthClient[]> {
  authorize(actor, 'read', { type: 'oauth2_app' })
  authorize(actor, 'read', { type: 'oauth2_app_code_token', owner: userId })
  return db
    .selectFrom('oauth2_provider_apps')
    .selectAll()
    .where('id', 'in', (from) =>
      from
        .selectFrom('oauth2_provider_grants as g')
        .innerJoin('oauth2_provider_app_tokens as t', 't.grant_id', 'g.id')
        .select('g.app_id')
        .where('g.user_id', '=', userId)
        .where('t.expires_at', '>', now),
    )
    .orderBy('name')
    .orderBy('id')
    .execute()
}

/** One client. @throws ApiError 404, 403. */
export async function getApp(actor: Actor, db: Db, id: string): Promise<OAuthClient> {
  authorize(actor, 'read', { type: 'oauth2_app', id })
  const row = await db.selectFrom('oauth2_provider_apps').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw noApp()
  return row
}

/** A client that is about to change. @throws ApiError 403 without `oauth2_app:update`, 404. */
export async function holdApp(actor: Actor, tx: Db, id: string): Promise<OAuthClient> {
  authorize(actor, 'update', { type: 'oauth2_app', id })
  const row = await tx
    .selectFrom('oauth2_provider_apps')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (row === undefined) throw noApp()
  return row
}

/** Removes a client with all that was issued to it (OA-7, OA-19). @throws ApiError 403, 404. */
export async function deleteApp(actor: Actor, tx: Db, id: string): Promise<OAuthClient> {
  const row = await deleteClient(actor, tx, id)
  if (row === undefined) throw noApp()
  return row
}

/**
 * Removes a client with all that was issued to it (OA-7, OA-41).
 *
 * @returns the client; undefined when it was gone already.
 * @throws ApiError 403 without `oauth2_app:delete`.
 */
export async function deleteClient(actor: Actor, tx: Db, id: string): Promise<OAuthClient | undefined> {
  authorize(actor, 'delete', { type: 'oauth2_app', id })
  // Exchanges and refreshes, which go on meanwhile, take codes and grants before they look at the client.
  for (const table of [
    'oauth2_provider_app_codes',
    'oauth2_provider_device_codes',
    'oauth2_provider_grants',
  ] as const)
    await tx.deleteFrom(table).where('app_id', '=', id).execute()
  return tx.deleteFrom('oauth2_provider_apps').where('id', '=', id).returningAll().executeTakeFirst()
}

/** Secrets of a client, the oldest first (OA-18). @throws ApiError 403 without `oauth2_app_secret:read`, 404. */
export async function listSecrets(actor: Actor, db: Db, appId: string): Promise<OAuthClientSecret[]> {
  authorize(actor, 'read', { type: 'oauth2_app_secret' })
  await getApp(actor, db, appId)
  return db
    .selectFrom('oauth2_provider_app_secrets')
    .selectAll()
    .where('app_id', '=', appId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

/** A client that gets a secret: it is not removed until the transaction ends. @throws ApiError 403, 404. */
export async function holdAppForSecret(
  actor: Actor,
  tx: Db,
  appId: string,
): Promise<{ readonly app: OAuthClient; readonly secrets: number }> {
  authorize(actor, 'create', { type: 'oauth2_app_secret' })
  const app = await tx
    .selectFrom('oauth2_provider_apps')
    .selectAll()
    .where('id', '=', appId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (app === undefined) throw noApp()
  const { count } = await tx
    .selectFrom('oauth2_provider_app_secrets')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('app_id', '=', appId)
    .executeTakeFirstOrThrow()
  return { app, secrets: count }
}

/**
 * Removes a secret with the tokens that were issued with it (OA-7, OA-17).
 *
 * @throws ApiError 403, 404 for a missing client or secret, 400 for a secret of another client.
 */
export async function deleteSecret(
  actor: Actor,
  tx: Db,
  appId: string,
  secretId: string,
): Promise<{ readonly app: OAuthClient; readonly row: OAuthClientSecret }> {
  authorize(actor, 'delete', { type: 'oauth2_app_secret', id: secretId })
  const app = await getApp(actor, tx, appId)
  const row = await tx
    .selectFrom('oauth2_provider_app_secrets')
    .selectAll()
    .where('id', '=', secretId)
    .executeTakeFirst()
  if (row === undefined) throw new ApiError(404, 'OAuth2 application secret not found.')
  if (row.app_id !== appId) throw new ApiError(400, 'The secret belongs to another OAuth2 application.')
  // As refreshes do, which go on meanwhile: grants before tokens, and tokens before the secret.
  await tx
    .selectFrom('oauth2_provider_grants')
    .select('id')
    .where('id', 'in', (from) =>
      from.selectFrom('oauth2_provider_app_tokens').select('grant_id').where('app_secret_id', '=', secretId),
    )
    .orderBy('id')
    .forUpdate()
    .execute()
  await tx.deleteFrom('oauth2_provider_app_tokens').where('app_secret_id', '=', secretId).execute()
  const removed = await tx
    .deleteFrom('oauth2_provider_app_secrets')
    .where('id', '=', secretId)
    .returningAll()
    .executeTakeFirst()
  if (removed === undefined) throw new ApiError(404, 'OAuth2 application secret not found.')
  return { app, row: removed }
}
