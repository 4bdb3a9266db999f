import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { AiModelPriceChangesTable, AiModelPricesTable } from '../../database/tables.ts'

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

/** Takes a price of the deployment away; undefined without one (AG-108). @throws ApiError 403 without `ai_model_price:update`. */
export async function deleteCustomPrice(
  actor: Actor,
  db: Db,
  { provider, model }: { readonly provider: string; readonly model: string },
): Promise<PriceRow | undefined> {
  authorize(actor, 'update', { type: 'ai_model_price' })
  const { rows } = await sql<PriceRow>`
    with gone as (
      delete from ai_model_prices
       where provider = ${provider} and model = ${model} and source = 'custom' returning *),
    noted as (
      insert into ai_model_price_changes
        (user_id, removed, provider, model, source, input_price, output_price, cache_read_price, cache_write_price)
      select ${changedBy(actor)}::uuid, true, provider, model, source, input_price, output_price, cache_read_price,
             cache_write_price from gone)
    select * from gone`.execute(db)
  return rows[0]
}

function changedBy(actor: Actor): string | null {
  return actor.type === 'user' ? actor.id : null
}

/** A price that was stored, and the one in whose place it is. */
export interface PriceChange {
  readonly before: NewPrice | null
  readonly after: NewPrice
}

/**
 * Stores prices in the place of those of the same model and source; a price that is the same stays untouched (AG-109).
 *
 * @returns those that have changed, by provider and model.
 * @throws ApiError 403 without `ai_model_price:update`.
 */
export async function upsertPrices(
  actor: Actor,
  db: Db,
  source: PriceRow['source'],
  prices: readonly NewPrice[],
): Promise<PriceChange[]> {
  authorize(actor, 'update', { type: 'ai_model_price' })
  if (prices.length === 0) return []
  const { rows } = await sql<PriceChange>`
    with given as (
      select n.* from jsonb_to_recordset(${JSON.stringify(prices)}::jsonb) as n(provider text, model text,
        input_price bigint, output_price bigint, cache_read_price bigint, cache_write_price bigint)),
    changed as (
    insert into ai_model_prices as p
      (provider, model, source, input_price, output_price, cache_read_price, cache_write_price)
    select n.provider, n.model, ${source}, n.input_price, n.output_price, n.cache_read_price, n.cache_write_price
      from given n
     -- In one order, so that two replicas never wait for each other.
     order by n.provider, n.model
    on conflict (provider, model, source) do update set
      input_price = excluded.input_price, output_price = excluded.output_price,
      cache_read_price = excluded.cache_read_price, cache_write_price = excluded.cache_write_price,
      updated_at = now()
    where (p.input_price, p.output_price, p.cache_read_price, p.cache_write_price)
      is distinct from (excluded.input_price, excluded.output_price, excluded.cache_read_price,
        excluded.cache_write_price)
    returning p.*),
    noted as (
      insert into ai_model_price_changes
        (user_id, provider, model, source, input_price, output_price, cache_read_price, cache_write_price)
      select ${changedBy(actor)}::uuid, provider, model, source, input_price, output_price, cache_read_price,
             cache_write_price from changed)
    select to_jsonb(c) as after, to_jsonb(b) as before
      from changed c left join ai_model_prices b using (provider, model, source)
     order by c.provider, c.model`.execute(db)
  return rows
}

/** A change of a price, and who has made it. */
export interface PriceChangeRow extends Selectable<AiModelPriceChangesTable> {
  readonly username: string | null
  readonly name: string | null
  readonly avatar_url: string | null
}

/** What changed of prices, the latest in front (AG-109). @throws ApiError 403 without `ai_model_price:read`. */
export async function listPriceChanges(
  actor: Actor,
  db: Db,
  { provider, model }: Pick<PriceSearch, 'provider' | 'model'>,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<PriceChangeRow[]> {
  authorize(actor, 'read', { type: 'ai_model_price' })
  let query = db
    .selectFrom('ai_model_price_changes as c')
    .leftJoin('users as u', 'u.id', 'c.user_id')
    .selectAll('c')
    .select(['u.username', 'u.name', 'u.avatar_url'])
  if (provider !== undefined) query = query.where('c.provider', '=', provider)
  if (model !== undefined) query = query.where('c.model', '=', model)
  return query.orderBy('c.changed_at', 'desc').orderBy('c.id', 'desc').limit(limit).offset(offset).execute()
}
