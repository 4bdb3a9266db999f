import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { AiModelPricesTable } from '../../database/tables.ts'

/** A stored price. */
export type PriceRow = Selectable<AiModelPricesTable>

/** A price to store: millionths of a dollar for a million tokens; null is unknown. */
export type NewPrice = Pick<
  PriceRow,
  'provider' | 'model' | 'input_price' | 'output_price' | 'cache_read_price' | 'cache_write_price'
>

/** More than anybody has; a list shows no more. */
const MAX_LISTED = 10_000

/** Which prices are wanted. */
export interface PriceSearch {
  readonly provider?: string | undefined
  readonly model?: string | undefined
  /** Undefined for the one of each model that counts. */
  readonly source?: 'default' | 'custom' | 'all' | undefined
}

/** Prices by provider and model (AG-109). @throws ApiError 403 without `ai_model_price:read`. */
export async function listPrices(actor: Actor, db: Db, search: PriceSearch): Promise<PriceRow[]> {
  authorize(actor, 'read', { type: 'ai_model_price' })
  const { provider, model, source } = search
  let query = db.selectFrom('ai_model_prices as p').selectAll('p')
  if (source === undefined) query = query.distinctOn(['p.provider', 'p.model'])
  if (source === 'default' || source === 'custom') query = query.where('p.source', '=', source)
  if (provider !== undefined) query = query.where(sql<boolean>`p.provider = ${provider}`)
  if (model !== undefined) query = query.where('p.model', '=', model)
  return (
    query
      .orderBy('p.provider')
      .orderBy('p.model')
      // `custom` comes before `default`, and wins (AG-108).
      .orderBy('p.source')
      .limit(MAX_LISTED)
      .execute()
  )
}

/** Takes a price of the deployment away; false without one (AG-108). @throws ApiError 403 without `ai_model_price:update`. */
export async function deleteCustomPrice(
  actor: Actor,
  db: Db,
  { provider, model }: { readonly provider: string; readonly model: string },
): Promise<boolean> {
  authorize(actor, 'update', { type: 'ai_model_price' })
  const { numDeletedRows } = await db
    .deleteFrom('ai_model_prices')
    .where(sql<boolean>`provider = ${provider}`)
    .where('model', '=', model)
    .where('source', '=', 'custom')
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/**
 * Stores prices in the place of those of the same model and source; a price that is the same stays untouched (AG-109).
 *
 * @throws ApiError 403 without `ai_model_price:update`.
 */
export async function upsertPrices(
  actor: Actor,
  db: Db,
  source: PriceRow['source'],
  prices: readonly NewPrice[],
): Promise<void> {
  authorize(actor, 'update', { type: 'ai_model_price' })
  if (prices.length === 0) return
  await sql`
    insert into ai_model_prices as p
      (provider, model, source, input_price, output_price, cache_read_price, cache_write_price)
    select n.provider, n.model, ${source}, n.input_price, n.output_price, n.cache_read_price, n.cache_write_price
      from jsonb_to_recordset(${JSON.stringify(prices)}::jsonb) as n(provider text, model text, input_price bigint,
             output_price bigint, cache_read_price bigint, cache_write_price bigint)
     -- In one order, so that two replicas never wait for each other.
     order by n.provider, n.model
    on conflict (provider, model, source) do update set
      input_price = excluded.input_price, output_price = excluded.output_price,
      cache_read_price = excluded.cache_read_price, cache_write_price = excluded.cache_write_price,
      updated_at = now()
    where (p.input_price, p.output_price, p.cache_read_price, p.cache_write_price)
      is distinct from (excluded.input_price, excluded.output_price, excluded.cache_read_price,
        excluded.cache_write_price)`.execute(db)
}
