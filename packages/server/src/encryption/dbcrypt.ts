import type { Actor } from '../authz/index.ts'
import type { Database } from '../context.ts'
import { keyDigest, Sealer } from '../secrets/index.ts'
import { SEALED_COLUMNS } from './sealed-columns.ts'
import {
  deleteSealedDeploymentSecrets,
  destroyColumn,
  holdKnownKeys,
  insertKnownKey,
  resealColumn,
  resealDeploymentSecrets,
  revokeOtherKeys,
} from './store.ts'

/** Values that are encrypted again in one transaction. */
const BATCH = 200

/** What encryption works on. */
export interface Encryption {
  readonly database: Database
  readonly actor: Actor
  /** The key that the deployment has made for itself. */
  readonly ownKey: Buffer
}

/**
 * Encrypts all stored values under a new key and gives up the others (OP-67). It may run beside servers that know both
 * keys, and again when it was interrupted.
 *
 * @returns how many values were encrypted again.
 * @throws Error for a value that none of the keys opens, and for a new key that was given up before.
 */
export async function rotateEncryption(
  { database, actor, ownKey }: Encryption,
  newKey: Buffer,
  oldKeys: readonly Buffer[],
): Promise<number> {
  const digest = keyDigest(newKey)
  await database.transaction(async (tx) => {
    const known = (await holdKnownKeys(actor, tx)).find((key) => key.digest === digest)
    if (known?.revoked === true) throw new Error('the new key was given up before: make another one')
    if (known === undefined) await insertKnownKey(actor, tx, digest)
  })
  const sealer = new Sealer([newKey, ...oldKeys, ownKey])
  const changed = await resealAll({ database, actor }, sealer)
  return database.transaction(async (tx) => {
    const secrets = await resealDeploymentSecrets(actor, tx, sealer, sealer)
    await revokeOtherKeys(actor, tx, digest)
    return changed + secrets
  })
}

/**
 * Goes back to the key that the deployment has made for itself and gives up those from outside (OP-67).
 *
 * @returns how many values were encrypted again.
 * @throws Error for a value that none of the keys opens.
 */
export async function decryptAll(
  { database, actor, ownKey }: Encryption,
  keys: readonly Buffer[],
): Promise<number> {
  const sealer = new Sealer([ownKey, ...keys])
  const changed = await resealAll({ database, actor }, sealer)
  return database.transaction(async (tx) => {
    const secrets = await resealDeploymentSecrets(actor, tx, sealer, undefined)
    await revokeOtherKeys(actor, tx, undefined)
    return changed + secrets
  })
}

/** Destroys all values that are encrypted under keys from outside, for when those are lost (OP-67). */
export function destroyEncrypted({ database, actor, ownKey }: Encryption): Promise<number> {
  const { keyId } = new Sealer([ownKey])
  return database.transaction(async (tx) => {
    let destroyed = await deleteSealedDeploymentSecrets(actor, tx)
    for (const column of SEALED_COLUMNS) destroyed += await destroyColumn(actor, tx, column, keyId)
    await revokeOtherKeys(actor, tx, undefined)
    return destroyed
  })
}

async function resealAll(
  { database, actor }: Pick<Encryption, 'database' | 'actor'>,
  sealer: Sealer,
): Promise<number> {
  let changed = 0
  for (const column of SEALED_COLUMNS) {
    for (let count = BATCH; count === BATCH; ) {
      count = await database.transaction((tx) => resealColumn(actor, tx, column, { sealer, limit: BATCH }))
      changed += count
    }
  }
  return changed
}
