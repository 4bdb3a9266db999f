import { actorForUser } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { newToken } from '../../identity/index.ts'
import {
  extendSyntheticKey,
  findSyntheticKey,
  insertSyntheticKey,
  lockSyntheticKey,
  type SyntheticKey,
} from '../store/synthetic-keys.ts'

const DAY_MS = 86_400_000
const LIFETIME_MS = 30 * DAY_MS
/** The least that a key can be allowed: what it stands for. */
const SCOPE = 'aibridge_interception:create'

/**
 * The id of the key that a user's chats are attributed to: found by its name, made where there is none, and extended
 * before it expires. Its secret is forgotten at once, so that it never authenticates anybody (CH-508).
 */
export async function keyForChats(
  { database, clock }: Pick<AppContext, 'database' | 'clock'>,
  ownerId: string,
): Promise<string> {
  const actor = actorForUser(
    'chatd_key_minter',
    ownerId,
    'the model calls of chats are attributed to their owner',
  )
  const name = `chatd_${ownerId}_session_token`
  const now = clock.now()
  const isFresh = (key: SyntheticKey): boolean => key.expiresAt.getTime() - now.getTime() >= DAY_MS
  const known = await findSyntheticKey(actor, database.db, ownerId, name)
  if (known !== undefined && isFresh(known)) return known.id
  return database.transaction(async (tx) => {
    await lockSyntheticKey(actor, tx, ownerId, name)
    const current = await findSyntheticKey(actor, tx, ownerId, name)
    if (current !== undefined && isFresh(current)) return current.id
    const expiresAt = new Date(now.getTime() + LIFETIME_MS)
    if (current !== undefined) {
      await extendSyntheticKey(actor, tx, ownerId, { id: current.id, expiresAt })
      return current.id
    }
    const { id, hashedSecret } = newToken()
    await insertSyntheticKey(actor, tx, {
      id,
      userId: ownerId,
      name,
      hashedSecret,
      now,
      expiresAt,
      lifetimeSeconds: LIFETIME_MS / 1_000,
      scope: SCOPE,
    })
    return id
  })
}
