import { sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import { type Sealer, secretPurpose } from '../secrets/index.ts'

/** A key of a feature with its secret in the clear. */
export interface FeatureKey {
  readonly sequence: number
  readonly secret: Buffer
  readonly startsAt: Date
  /** When nothing that it signed is accepted any more; null while it has no successor. */
  readonly deletesAt: Date | null
}

/** Whether this transaction may replace keys; another replica at it keeps its turn. @throws ApiError 403. */
export async function tryRotationLock(actor: Actor, tx: Db): Promise<boolean> {
  authorize(actor, 'update', { type: 'crypto_key' })
  const { rows } = await sql<{
    locked: boolean
  }>`select pg_try_advisory_xact_lock(hashtextextended('crypto keys', 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}

/**
 * The keys of a feature, oldest first.
 *
 * @throws ApiError 403 without `crypto_key:read`, Error for one that is encrypted under a key that is not configured.
 */
export async function listFeatureKeys(
  actor: Actor,
  db: Db,
  feature: string,
  sealer: Sealer | undefined,
): Promise<FeatureKey[]> {
  authorize(actor, 'read', { type: 'crypto_key' })
  const rows = await db
    .selectFrom('crypto_keys')
    .selectAll()
    .where('feature', '=', feature)
    .where('secret', 'is not', null)
    .orderBy('sequence')
    .execute()
  return rows.flatMap(({ sequence, secret, secret_key_id: keyId, starts_at, deletes_at }) => {
    if (secret === null) return []
    if (keyId !== null && sealer === undefined)
      throw new Error(
        `the secret for ${feature} is encrypted under key ${keyId}: name it in --external-token-encryption-keys`,
      )
    const plain =
      keyId === null || sealer === undefined ? secret : sealer.open(secret, secretPurpose(feature))
    return [{ sequence, secret: plain, startsAt: starts_at, deletesAt: deletes_at }]
  })
}

/** Stores a new key, encrypted where there is a sealer. @throws ApiError 403 without `crypto_key:create`. */
export async function insertFeatureKey(
  actor: Actor,
  tx: Db,
  feature: string,
  key: FeatureKey,
  sealer: Sealer | undefined,
): Promise<void> {
  authorize(actor, 'create', { type: 'crypto_key' })
  await tx
    .insertInto('crypto_keys')
    .values({
      feature,
      sequence: key.sequence,
      secret: sealer === undefined ? key.secret : sealer.seal(key.secret, secretPurpose(feature)),
      secret_key_id: sealer?.digest ?? null,
      starts_at: key.startsAt,
      deletes_at: key.deletesAt,
    })
    .execute()
}

/** Says until when a key is accepted. @throws ApiError 403 without `crypto_key:update`. */
export async function endFeatureKey(
  actor: Actor,
  tx: Db,
  feature: string,
  sequence: number,
  deletesAt: Date,
): Promise<void> {
  authorize(actor, 'update', { type: 'crypto_key' })
  await tx
    .updateTable('crypto_keys')
    .set({ deletes_at: deletesAt })
    .where('feature', '=', feature)
    .where('sequence', '=', sequence)
    .execute()
}

/** Removes a key that is accepted no more. @throws ApiError 403 without `crypto_key:delete`. */
export async function deleteFeatureKey(
  actor: Actor,
  tx: Db,
  feature: string,
  sequence: number,
): Promise<void> {
  authorize(actor, 'delete', { type: 'crypto_key' })
  await tx.deleteFrom('crypto_keys').where('feature', '=', feature).where('sequence', '=', sequence).execute()
}
