import type { APIKeyAILimits, APIKeyAILimitsStatus } from '@slipway/contract'
import { type Actor, systemActor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { forbidden } from '../errors/index.ts'
import { requireNames } from './names.ts'
import {
  findKeyLimits,
  insertKeyLimits,
  type KeyLimitsRow,
  keySpendSince,
  type LimitedKey,
} from './store/key-limits.ts'

const watcher = systemActor('aibridged', 'a token has limits whether or not it may see them')

/** Limits of a token as the API shows them, without what it has spent. */
export function presentKeyLimits(row: KeyLimitsRow): APIKeyAILimits {
  const { providers, models, monthly_spend_limit_micros, requests_per_second, tokens_per_minute } = row
  return { providers, models, monthly_spend_limit_micros, requests_per_second, tokens_per_minute }
}

/** Limits of a token, and what it has spent in this month (UTC). @throws ApiError 403. */
export async function keyLimitsStatus(
  { database, clock }: AppContext,
  actor: Actor,
  key: LimitedKey,
  row: KeyLimitsRow,
): Promise<APIKeyAILimitsStatus> {
  const month = `${clock.now().toISOString().slice(0, 7)}-01`
  return {
    ...presentKeyLimits(row),
    key_id: key.id,
    current_spend_micros: await keySpendSince(actor, database.db, key, month),
  }
}

/** Whether a token has limits. */
export async function hasKeyLimits(db: Db, key: LimitedKey): Promise<boolean> {
  return (await findKeyLimits(watcher, db, key)) !== undefined
}

/**
 * What tokens with limits must not do: rid themselves of them, or make others without.
 *
 * @param asking the token that asks.
 * @throws ApiError 403 when it has limits.
 */
export async function requireUnlimited(db: Db, asking: LimitedKey): Promise<void> {
  if (!(await hasKeyLimits(db, asking))) return
  throw forbidden('A token with limits for AI neither changes limits nor makes tokens.', {
    detail: undefined,
  })
}

/**
 * Refuses to let models work for a token with limits anywhere but at the gateway, where they hold: a chat goes on as its
 * owner when the request is over (AG-B8).
 *
 * @param asking the token that asks.
 * @throws ApiError 403 when it has limits.
 */
export async function requireNoGatewayLimits(db: Db, asking: LimitedKey): Promise<void> {
  if (!(await hasKeyLimits(db, asking))) return
  throw forbidden('A token with limits for AI runs no chats: ask models through the AI gateway.', {
    detail: undefined,
  })
}

/** Gives a token that the transaction makes the limits that were asked for (AG-B8). @throws ApiError 403, 400. */
export async function limitNewKey(
  actor: Actor,
  tx: Db,
  key: LimitedKey,
  limits: Partial<APIKeyAILimits>,
): Promise<APIKeyAILimits> {
  requireNames(limits)
  return presentKeyLimits(await insertKeyLimits(actor, tx, key, limits))
}
