import type { Actor } from '../authz/index.ts'
import type { Database } from '../context.ts'
import { holdKnownKeys, insertKnownKey } from './store.ts'

/**
 * Holds the configured keys against those that the database knows: all that are in use must be configured, and the first
 * one is in use from now on (OP-67).
 *
 * @param digests of the configured keys, the one that encrypts first.
 * @throws Error that tells the operator which key is missing or was given up.
 */
export async function checkKnownKeys(
  actor: Actor,
  database: Database,
  digests: readonly string[],
): Promise<void> {
  await database.transaction(async (tx) => {
    const known = await holdKnownKeys(actor, tx)
    const missing = known.find(({ digest, revoked }) => !revoked && !digests.includes(digest))
    if (missing !== undefined)
      throw new Error(
        `the database holds values that are encrypted under key ${missing.digest}, which --external-token-encryption-keys does not name: add the key, or destroy the values with "slipway server dbcrypt delete"`,
      )
    const [first] = digests
    if (first === undefined) return
    const same = known.find(({ digest }) => digest === first)
    if (same?.revoked === true)
      throw new Error(
        `key ${first} of --external-token-encryption-keys was given up by "slipway server dbcrypt": put another one first`,
      )
    if (same === undefined) await insertKnownKey(actor, tx, first)
  })
}
