import { type Selectable, sql } from 'kysely'

import { type Action, type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ApiKeyAiLimitsTable } from '../../database/tables.ts'

/** What a token may do at the gateway. */
export type KeyLimitsRow = Selectable<ApiKeyAiLimitsTable>

/** A token, as its own store has read it for the same actor. */
export interface LimitedKey {
  readonly id: string
  readonly user_id: string
}

function authorizeKey(actor: Actor, action: Action, { id, user_id }: LimitedKey): void {
  authorize(actor, action, { type: 'api_key', id, owner: user_id })
}

/** The limits of a token; undefined without any. @throws ApiError 403. */
export async function findKeyLimits(
  actor: Actor,
  db: Db,
  key: LimitedKey,
): Promise<KeyLimitsRow | undefined> {
  authorizeKey(actor, 'read', key)
  return db.selectFrom('api_key_ai_limits').selectAll().where('api_key_id', '=', key.id).executeTakeFirst()
}

/** What a token has spent since a day, such as `2026-11-01`, in millionths of a dollar. @throws ApiError 403. */
export async function keySpendSince(actor: Actor, db: Db, key: LimitedKey, day: string): Promise<number> {
  authorizeKey(actor, 'read', key)
  const { rows } = await sql<{ spent: number }>`
    select coalesce(sum(spend_micros), 0)::bigint as spent from ai_key_daily_spend
     where api_key_id = ${key.id} and day >= ${day}::date`.execute(db)
  return rows[0]?.spent ?? 0
}

/** What is set of limits; what is left out stays, and is no limit at first. */
export type KeyLimitsChange = Partial<
  Pick<
    KeyLimitsRow,
    'providers' | 'models' | 'monthly_spend_limit_micros' | 'requests_per_second' | 'tokens_per_minute'
  >
>

/** Sets the limits of a token. @throws ApiError 403 without `api_key:update` for its user. */
export async function upsertKeyLimits(
  actor: Actor,
  db: Db,
  key: LimitedKey,
  change: KeyLimitsChange,
): Promise<KeyLimitsRow> {
  authorizeKey(actor, 'update', key)
  return storeLimits(db, key.id, change)
}

/** Gives a token that the transaction makes its limits. @throws ApiError 403 without `api_key:create` for its user. */
export async function insertKeyLimits(
  actor: Actor,
  tx: Db,
  key: LimitedKey,
  limits: KeyLimitsChange,
): Promise<KeyLimitsRow> {
  authorize(actor, 'create', { type: 'api_key', owner: key.user_id })
  return storeLimits(tx, key.id, limits)
}

async function storeLimits(db: Db, keyId: string, change: KeyLimitsChange): Promise<KeyLimitsRow> {
  return db
    .insertInto('api_key_ai_limits')
    .values({ api_key_id: keyId, ...change })
    .onConflict((on) => on.column('api_key_id').doUpdateSet({ ...change, updated_at: sql<Date>`now()` }))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Takes the limits of a token away; undefined when there were none. @throws ApiError 403 without `api_key:update`. */
export async function deleteKeyLimits(
  actor: Actor,
  db: Db,
  key: LimitedKey,
): Promise<KeyLimitsRow | undefined> {
  authorizeKey(actor, 'update', key)
  return db.deleteFrom('api_key_ai_limits').where('api_key_id', '=', key.id).returningAll().executeTakeFirst()
}
