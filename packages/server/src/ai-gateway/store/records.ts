import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import { batchesOf, type Db } from '../../database/index.ts'

/** Tokens that an answer has used, and by which prices they are charged. */
export interface TokenRecord {
  readonly id: string
  readonly interceptionId: string
  readonly initiatorId: string
  readonly responseId: string
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly metadata: Readonly<Record<string, unknown>>
  readonly createdAt: Date
  /** Type of the provider and model, by which prices are known. */
  readonly providerType: string
  readonly model: string
}

/** What a user has asked. */
export interface PromptRecord {
  readonly id: string
  readonly interceptionId: string
  readonly initiatorId: string
  readonly responseId: string
  readonly prompt: string
  readonly createdAt: Date
}

/** A tool that a model has chosen. */
export interface ToolRecord {
  readonly id: string
  readonly interceptionId: string
  readonly initiatorId: string
  readonly responseId: string
  readonly tool: string
  readonly callId: string | undefined
  readonly itemId: string
  readonly input: string
  readonly createdAt: Date
}

/** What a model let out of its reasoning. */
export interface ThoughtRecord {
  readonly interceptionId: string
  readonly initiatorId: string
  readonly content: string
  readonly source: string
  readonly createdAt: Date
}

function authorizeAll(actor: Actor, records: readonly { readonly initiatorId: string }[]): void {
  for (const { initiatorId } of records)
    authorize(actor, 'update', { type: 'aibridge_interception', owner: initiatorId })
}

/** Beyond what any answer costs: a fault in a price or a count must not become a debt (AG-110). */
const MAX_COST = 10_000_000_000_000

const insertTokensTogether = batchesOf(async (db: Db, records: readonly TokenRecord[]) => {
  const given = JSON.stringify(
    records.map((record) => ({
      id: record.id,
      interception_id: record.interceptionId,
      user_id: record.initiatorId,
      response_id: record.responseId,
      input: record.input,
      output: record.output,
      cache_read: record.cacheRead,
      cache_write: record.cacheWrite,
      metadata: record.metadata,
      created_at: record.createdAt.toISOString(),
      provider: record.providerType,
      model: record.model,
    })),
  )
  const { rows } = await sql<{ id: string; unpriced: boolean }>`
    with n as (
      select * from jsonb_to_recordset(${given}::jsonb) as n(id uuid, interception_id uuid, user_id uuid,
        response_id text, input bigint, output bigint, cache_read bigint, cache_write bigint, metadata jsonb,
        created_at timestamptz, provider text, model text)),
    priced as (
      select n.*, b.group_id, p.input_price, p.output_price, p.cache_read_price, p.cache_write_price,
             case when p.model is not null then
               floor(n.input::numeric * coalesce(p.input_price, 0) / 1000000)
               + floor(n.output::numeric * coalesce(p.output_price, 0) / 1000000)
               + floor(n.cache_read::numeric * coalesce(p.cache_read_price, 0) / 1000000)
               + floor(n.cache_write::numeric * coalesce(p.cache_write_price, 0) / 1000000) end as cost
        from n
        left join lateral ai_effective_budget(n.user_id) b on true
        left join lateral (
          select m.* from ai_model_prices m where m.provider = n.provider and m.model = n.model
           order by m.source = 'custom' desc limit 1) p on true),
    stored as (
      insert into aibridge_token_usages (id, interception_id, provider_response_id, input_tokens, output_tokens,
        cache_read_input_tokens, cache_write_input_tokens, metadata, created_at, effective_group_id,
        input_price_micros, output_price_micros, cache_read_price_micros, cache_write_price_micros, cost_micros)
      select id, interception_id, response_id, input, output, cache_read, cache_write, metadata, created_at, group_id,
             input_price, output_price, cache_read_price, cache_write_price,
             case when cost between 0 and ${MAX_COST} then cost::bigint end
        from priced
      returning id, effective_group_id, cost_micros, created_at),
    charged as (
      insert into ai_user_daily_spend as s (user_id, effective_group_id, day, spend_micros)
      select n.user_id, t.effective_group_id, (t.created_at at time zone 'UTC')::date, sum(t.cost_micros)
        from stored t join n on n.id = t.id
       where t.effective_group_id is not null and t.cost_micros > 0
       group by 1, 2, 3
       -- In one order, so that two replicas never wait for each other.
       order by 1, 2, 3
      on conflict (user_id, effective_group_id, day)
        do update set spend_micros = s.spend_micros + excluded.spend_micros)
    select id, cost_micros is null as unpriced from stored`.execute(db)
  const unpriced = new Set(rows.filter((row) => row.unpriced).map((row) => row.id))
  return records.map(({ id }) => ({ priced: !unpriced.has(id) }))
})

/**
 * Stores tokens with the prices and the group that they are charged to at this moment, and adds what they cost to what
 * the user has spent on that day (AG-110).
 *
 * @throws ApiError 403.
 */
export async function insertTokens(
  actor: Actor,
  db: Db,
  record: TokenRecord,
): Promise<{ readonly priced: boolean }> {
  authorizeAll(actor, [record])
  return insertTokensTogether(db, record)
}

const insertPromptsTogether = batchesOf(async (db: Db, sets: readonly (readonly PromptRecord[])[]) => {
  const records = sets.flat()
  await db
    .insertInto('aibridge_user_prompts')
    .values(
      records.map((record) => ({
        id: record.id,
        interception_id: record.interceptionId,
        provider_response_id: record.responseId,
        prompt: record.prompt,
        created_at: record.createdAt,
      })),
    )
    .execute()
  return sets.map(() => undefined)
})

/** Stores what users have asked. @throws ApiError 403. */
export async function insertPrompts(actor: Actor, db: Db, records: readonly PromptRecord[]): Promise<void> {
  authorizeAll(actor, records)
  if (records.length > 0) await insertPromptsTogether(db, records)
}

const insertToolsTogether = batchesOf(async (db: Db, sets: readonly (readonly ToolRecord[])[]) => {
  const records = sets.flat()
  await db
    .insertInto('aibridge_tool_usages')
    .values(
      records.map((record) => ({
        id: record.id,
        interception_id: record.interceptionId,
        provider_response_id: record.responseId,
        provider_tool_call_id: record.callId ?? null,
        provider_item_id: record.itemId,
        tool: record.tool,
        input: record.input,
        created_at: record.createdAt,
      })),
    )
    .execute()
  return sets.map(() => undefined)
})

/** Stores which tools models have chosen. @throws ApiError 403. */
export async function insertTools(actor: Actor, db: Db, records: readonly ToolRecord[]): Promise<void> {
  authorizeAll(actor, records)
  if (records.length > 0) await insertToolsTogether(db, records)
}

const insertThoughtsTogether = batchesOf(async (db: Db, sets: readonly (readonly ThoughtRecord[])[]) => {
  const records = sets.flat()
  await db
    .insertInto('aibridge_model_thoughts')
    .values(
      records.map((record) => ({
        interception_id: record.interceptionId,
        content: record.content,
        metadata: JSON.stringify({ source: record.source }),
        created_at: record.createdAt,
      })),
    )
    .execute()
  return sets.map(() => undefined)
})

/** Stores what models let out of their reasoning. @throws ApiError 403. */
export async function insertThoughts(actor: Actor, db: Db, records: readonly ThoughtRecord[]): Promise<void> {
  authorizeAll(actor, records)
  if (records.length > 0) await insertThoughtsTogether(db, records)
}
