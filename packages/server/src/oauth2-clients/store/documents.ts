import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ClientMetadata } from '../client-metadata.ts'
import type { OAuthClient } from './clients.ts'

/** Stores what a document says of its client, whether that is known already or not. @throws ApiError 403. */
export async function saveDocumentClient(
  actor: Actor,
  tx: Db,
  url: string,
  metadata: ClientMetadata,
  freshUntil: Date,
): Promise<OAuthClient> {
  authorize(actor, 'create', { type: 'oauth2_app' })
  authorize(actor, 'update', { type: 'oauth2_app' })
  const values = { ...metadata, metadata_fresh_until: freshUntil, updated_at: sql<Date>`now()` }
  return tx
    .insertInto('oauth2_provider_apps')
    .values({ ...values, metadata_url: url })
    .onConflict((conflict) => conflict.column('metadata_url').doUpdateSet(values))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/**
 * Forgets the oldest clients of documents that nobody has authorised, down to so many: they come back when somebody asks for
 * them.
 *
 * @throws ApiError 403 without `oauth2_app:delete`.
 */
export async function dropUnusedDocuments(
  actor: Actor,
  tx: Db,
  { keep, but }: { readonly keep: number; readonly but: string },
): Promise<void> {
  authorize(actor, 'delete', { type: 'oauth2_app' })
  const old = tx
    .selectFrom('oauth2_provider_apps')
    .select('id')
    .where('metadata_url', 'is not', null)
    .where('first_authorized_at', 'is', null)
    .where('id', '!=', but)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .offset(keep)
    .limit(1_000)
  await tx.deleteFrom('oauth2_provider_apps').where('id', 'in', old).execute()
}
