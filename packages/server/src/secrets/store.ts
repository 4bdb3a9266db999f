import { sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'

/**
 * The secret of this deployment for one feature, made once; all replicas get the same one.
 *
 * @throws ApiError 403 without `crypto_key:create`.
 */
export async function ensureSecret(actor: Actor, db: Db, feature: string, fresh: Buffer): Promise<Buffer> {
  authorize(actor, 'create', { type: 'crypto_key' })
  authorize(actor, 'read', { type: 'crypto_key' })
  await db
    .insertInto('crypto_keys')
    .values({ feature, sequence: 1, secret: fresh, starts_at: sql<Date>`now()` })
    .onConflict((conflict) => conflict.columns(['feature', 'sequence']).doNothing())
    .execute()
  const row = await db
    .selectFrom('crypto_keys')
    .select('secret')
    .where('feature', '=', feature)
    .orderBy('sequence', 'desc')
    .executeTakeFirstOrThrow()
  if (row.secret === null) throw new Error(`the secret for ${feature} was removed from the database`)
  return row.secret
}
