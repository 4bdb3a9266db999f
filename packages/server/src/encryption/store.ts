import { sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import { OWN_KEY_FEATURE, type Sealer, secretPurpose } from '../secrets/index.ts'
import type { SealedColumn } from './sealed-columns.ts'

/** A key that the database knows. */
export interface KnownKey {
  readonly digest: string
  readonly revoked: boolean
}

/** The keys that values have been encrypted under; nobody else changes them in this transaction. @throws ApiError 403. */
export async function holdKnownKeys(actor: Actor, tx: Db): Promise<KnownKey[]> {
  authorize(actor, 'read', { type: 'crypto_key' })
  await sql`select pg_advisory_xact_lock(hashtextextended('encryption keys', 0))`.execute(tx)
  const rows = await tx.selectFrom('encryption_keys').selectAll().orderBy('created_at').execute()
  return rows.map(({ digest, revoked_at }) => ({ digest, revoked: revoked_at !== null }))
}

/** Notes a key that values are encrypted under from now on. @throws ApiError 403 without `crypto_key:create`. */
export async function insertKnownKey(actor: Actor, tx: Db, digest: string): Promise<void> {
  authorize(actor, 'create', { type: 'crypto_key' })
  await tx.insertInto('encryption_keys').values({ digest }).execute()
}

/** Notes that nothing is encrypted under any key but this one. @throws ApiError 403 without `crypto_key:update`. */
export async function revokeOtherKeys(actor: Actor, tx: Db, digest: string | undefined): Promise<void> {
  authorize(actor, 'update', { type: 'crypto_key' })
  await tx
    .updateTable('encryption_keys')
    .set({ revoked_at: sql<Date>`now()` })
    .where('revoked_at', 'is', null)
    .$if(digest !== undefined, (query) => query.where('digest', '<>', digest ?? ''))
    .execute()
}

/**
 * Encrypts the next values of a column that are not under the sealer's first key under it.
 *
 * @returns how many there were; 0 when the column is done.
 * @throws ApiError 403 without `crypto_key:update`, Error for a value that none of the keys opens.
 */
export async function resealColumn(
  actor: Actor,
  tx: Db,
  { table, column, key, purpose }: SealedColumn,
  { sealer, limit }: { readonly sealer: Sealer; readonly limit: number },
): Promise<number> {
  authorize(actor, 'update', { type: 'crypto_key' })
  const names = sql.join(key.map((name) => sql`${sql.ref(name)}::text as ${sql.ref(name)}`))
  const { rows } = await sql<Record<string, string> & { place: string; sealed: Buffer }>`
    select ctid::text as place, ${names}, ${sql.ref(column)} as sealed from ${sql.table(table)}
     where ${sql.ref(column)} is not null and substring(${sql.ref(column)} from 1 for 4) <> ${sealer.keyId}
     limit ${limit} for update`.execute(tx)
  for (const { place, sealed, ...of } of rows) {
    const bound = purpose(of)
    // The row is locked, so that it stays where it is; keys are of many types, and a cast would read the whole table.
    await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sealer.seal(sealer.open(sealed, bound), bound)}
      where ctid = ${place}::tid`.execute(tx)
  }
  return rows.length
}

/**
 * Destroys the values of a column that are not under this key.
 *
 * @returns how many there were.
 * @throws ApiError 403 without `crypto_key:delete`.
 */
export async function destroyColumn(
  actor: Actor,
  tx: Db,
  { table, column, destroy }: SealedColumn,
  keyId: Buffer,
): Promise<number> {
  authorize(actor, 'delete', { type: 'crypto_key' })
  const others = sql`${sql.ref(column)} is not null and substring(${sql.ref(column)} from 1 for 4) <> ${keyId}`
  const { numAffectedRows } = await (destroy === 'row'
    ? sql`delete from ${sql.table(table)} where ${others}`
    : sql`update ${sql.table(table)} set ${sql.ref(column)} = null where ${others}`
  ).execute(tx)
  return Number(numAffectedRows ?? 0)
}

/**
 * Encrypts the secrets of the deployment under the first key of `target`; without it stores them as they are.
 *
 * @param source opens those that are encrypted now.
 * @returns how many were changed.
 * @throws ApiError 403 without `crypto_key:update`, Error for one that no key opens.
 */
export async function resealDeploymentSecrets(
  actor: Actor,
  tx: Db,
  source: Sealer,
  target: Sealer | undefined,
): Promise<number> {
  authorize(actor, 'update', { type: 'crypto_key' })
  const rows = await tx
    .selectFrom('crypto_keys')
    .selectAll()
    .where('feature', '<>', OWN_KEY_FEATURE)
    .execute()
  let changed = 0
  for (const { feature, sequence, secret, secret_key_id: keyId } of rows) {
    if (secret === null || keyId === (target?.digest ?? null)) continue
    const purpose = secretPurpose(feature)
    const plain = keyId === null ? secret : source.open(secret, purpose)
    await tx
      .updateTable('crypto_keys')
      .set({
        secret: target === undefined ? plain : target.seal(plain, purpose),
        secret_key_id: target?.digest ?? null,
      })
      .where('feature', '=', feature)
      .where('sequence', '=', sequence)
      .execute()
    changed += 1
  }
  return changed
}

/** Removes the secrets of the deployment that are encrypted; the next start makes others. @throws ApiError 403. */
export async function deleteSealedDeploymentSecrets(actor: Actor, tx: Db): Promise<number> {
  authorize(actor, 'delete', { type: 'crypto_key' })
  const { numDeletedRows } = await tx
    .deleteFrom('crypto_keys')
    .where('secret_key_id', 'is not', null)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
