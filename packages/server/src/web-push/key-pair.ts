import { createECDH } from 'node:crypto'

import { type Actor, systemActor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { sealPrivateKey } from './sealed.ts'
import { deleteKeyPair, findPublicKey, insertKeyPair } from './store.ts'

const setUp = systemActor('notifier', 'the deployment makes the keys that it signs push messages with')
const operator = systemActor('notifier', 'an operator replaces the keys of web push by command')

const CURVE = 'prime256v1'
/** Bytes of a private key of P-256; of a short one the leading zeros are not given. */
const PRIVATE = 32

/** What making a pair needs. */
type KeyContext = Pick<AppContext, 'database' | 'secrets'>

/** The public key of this deployment, of a new pair where there is none yet; all replicas get the same one (OP-140). */
export async function ensureKeyPair({ database, secrets }: KeyContext): Promise<string> {
  const { db } = database
  const known = await findPublicKey(setUp, db)
  if (known !== undefined) return known
  await insertNew(setUp, db, secrets)
  const made = await findPublicKey(setUp, db)
  if (made === undefined) throw new Error('the keys of web push were removed while they were made: try again')
  return made
}

/**
 * Replaces the pair and drops all subscriptions, which are of no use with another one (OP-140).
 *
 * @returns how many subscriptions there were.
 */
export function regenerateKeyPair({ database, secrets }: KeyContext): Promise<number> {
  return database.transaction(async (tx) => {
    const dropped = await deleteKeyPair(operator, tx)
    await insertNew(operator, tx, secrets)
    return dropped
  })
}

async function insertNew(actor: Actor, db: Db, { sealer }: AppContext['secrets']): Promise<void> {
  const { publicKey, privateKey } = newKeyPair()
  await insertKeyPair(actor, db, {
    publicKey,
    sealedPrivateKey: sealPrivateKey(sealer, publicKey, privateKey),
  })
}

/** A new pair of P-256 (RFC 8292): the public key in base64url, the private one as its bytes. */
function newKeyPair(): { readonly publicKey: string; readonly privateKey: Buffer } {
  const pair = createECDH(CURVE)
  const publicKey = pair.generateKeys('base64url', 'uncompressed')
  const given = pair.getPrivateKey()
  return { publicKey, privateKey: Buffer.concat([Buffer.alloc(PRIVATE - given.length), given]) }
}
