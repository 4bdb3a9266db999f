import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Oauth2ProviderAppSecretsTable } from '../../database/tables.ts'

/** A secret of a client; what makes it one is hashed. */
export type OAuthClientSecret = Selectable<Oauth2ProviderAppSecretsTable>

/** The secret with this prefix, of whichever client. @throws ApiError 403 without `oauth2_app_secret:read`. */
export async function findSecretByPrefix(
  actor: Actor,
  db: Db,
  prefix: string,
): Promise<OAuthClientSecret | undefined> {
  authorize(actor, 'read', { type: 'oauth2_app_secret' })
  return db
    .selectFrom('oauth2_provider_app_secrets')
    .selectAll()
    .where('secret_prefix', '=', prefix)
    .executeTakeFirst()
}

/** Notes that a secret was used. @throws ApiError 403 without `oauth2_app_secret:update`. */
export async function touchSecret(actor: Actor, db: Db, id: string, at: Date): Promise<void> {
  authorize(actor, 'update', { type: 'oauth2_app_secret', id })
  await db
    .updateTable('oauth2_provider_app_secrets')
    .set({ last_used_at: sql<Date>`greatest(last_used_at, ${at}::timestamptz)` })
    .where('id', '=', id)
    .execute()
}
