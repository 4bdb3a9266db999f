import { sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import { type Sealer, secretPurpose } from './sealer.ts'

/**
 * The secret of this deployment for one feature, made once; all replicas get the same one.
 *
 * @param sealer encrypts a new one, and opens one that is encrypted; without it a new one is stored as it is.
 * @throws ApiError 403 without `crypto_key:create`, Error for one that is encrypted under a key that is not configured.
 */
export async function ensureSecret(
  actor: Actor,
  db: Db,
  feature: string,
  fresh: Buffer,
  sealer?: Sealer | undefined,
): Promise<Buffer> {
  authorize(actor, 'create', { type: 'crypto_key' })
  authorize(actor, 'read', { type: 'crypto_key' })
  await db
    .insertInto('crypto_keys')
    .values({
      feature,
      sequence: 1,
      secret: sealer === undefined ? fresh : sealer.seal(fresh, secretPurpose(feature)),
      secret_key_id: sealer?.digest ?? null,
      starts_at: sql<Date>`now()`,
    })
    .onConflict((conflict) => conflict.columns(['feature', 'sequence']).doNothing())
    .execute()
  const row = await db
    .selectFrom('crypto_keys')
    .select(['secret', 'secret_key_id'])
    .where('feature', '=', feature)
    .orderBy('sequence', 'desc')
    .executeTakeFirstOrThrow()
  if (row.secret === null) throw new Error(`the secret for ${feature} was removed from the database`)
  if (row.secret_key_id === null) return row.secret
  if (sealer === undefined)
    throw new Error(
      `the secret for ${feature} is encrypted under key ${row.secret_key_id}: name it in --external-token-encryption-keys`,
    )
  return sealer.open(row.secret, secretPurpose(feature))
}
