import { sql } from 'kysely'

import type { AIBudgetPolicy } from '@slipway/contract'
import { type Actor, authorize } from '../../authz/index.ts'
import { batchesOf, type Db, sqlState } from '../../database/index.ts'

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
  /** The token that was asked with. */
  readonly apiKeyId: string | undefined
  /** Which of several budgets counts, and the days that the period of budgets begins with and ends before. */
  readonly policy: AIBudgetPolicy
  readonly since: string
  readonly until: string
}

/** A threshold of a budget that somebody has reached (AG-114). */
export interface BudgetCrossing {
  readonly userId: string
  readonly groupId: string
  /** The highest in per cent that was reached. */
  readonly threshold: 85 | 100
  readonly limitMicros: number
  readonly limitSource: 'user_override' | 'group'
}

/** What storing tokens has led to. */
export interface TokensStored {
  /** Whether the cost is known. */
  readonly priced: boolean
  readonly crossings: readonly BudgetCrossing[]
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
  /** Where the gateway has called it for the model, and how that failed (AG-75). */
  readonly injected?: { readonly serverUrl: string; readonly error: string | undefined } | undefined
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

/** How often tokens are charged before they are taken for refused: what is not charged is given away. */
const ATTEMPTS = 5
/** Deadlocks with other charges (OP-46), and a token that was deleted at this moment, which is not charged then. */
const AGAIN: ReadonlySet<string> = new Set(['40001', '40P01', '23503'])

interface StoredRow {
  readonly id: string
  readonly user_id: string
  readonly unpriced: boolean
  readonly crossings:
    | readonly {
        readonly user_id: string
        readonly group_id: string
        readonly since: string
        readonly limit: number
        readonly source: 'user_override' | 'group'
        readonly full: boolean
      }[]
    | null
}

/** As many as the recorder stores at once. */
const TOGETHER = { max: 256 }

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
      key_id: record.apiKeyId,
      policy: record.policy,
      since: record.since,
      until: record.until,
    })),
  )
  const { rows } = await sql<StoredRow>`
    with n as (
      select * from jsonb_to_recordset(${given}::jsonb) as n(id uuid, interception_id uuid, user_id uuid,
        response_id text, input bigint, output bigint, cache_read bigint, cache_write bigint, metadata jsonb,
        created_at timestamptz, provider text, model text, key_id text, policy text, since date, until date)),
    -- Many have the same user and the same model: what is known of those is looked up once.
    budgets as materialized (
      select u.user_id, u.policy, b.group_id, b.spend_limit_micros, b.limit_source
        from (select distinct user_id, policy from n) u left join lateral ai_budget_of(u.user_id, u.policy) b on true),
    prices as materialized (
      select w.provider, w.model, p.source, p.input_price, p.output_price, p.cache_read_price, p.cache_write_price
        from (select distinct provider, model from n) w
        left join lateral (
          select m.* from ai_model_prices m where m.provider = w.provider and m.model = w.model
           order by m.source = 'custom' desc limit 1) p on true),
    priced as (
      select n.*, b.group_id, b.spend_limit_micros, b.limit_source,
             p.input_price, p.output_price, p.cache_read_price, p.cache_write_price,
             case when p.source is not null then
               floor(n.input::numeric * coalesce(p.input_price, 0) / 1000000)
               + floor(n.output::numeric * coalesce(p.output_price, 0) / 1000000)
               + floor(n.cache_read::numeric * coalesce(p.cache_read_price, 0) / 1000000)
               + floor(n.cache_write::numeric * coalesce(p.cache_write_price, 0) / 1000000) end as cost
        from n
        join budgets b using (user_id, policy)
        join prices p using (provider, model)),
    stored as (
      insert into aibridge_token_usages (id, interception_id, provider_response_id, input_tokens, output_tokens,
        cache_read_input_tokens, cache_write_input_tokens, metadata, created_at, effective_group_id,
        input_price_micros, output_price_micros, cache_read_price_micros, cache_write_price_micros, cost_micros)
      select id, interception_id, response_id, input, output, cache_read, cache_write, metadata, created_at, group_id,
             input_price, output_price, cache_read_price, cache_write_price,
             case when cost between 0 and ${MAX_COST} then cost::bigint end
        from priced
      -- What is written again after an outage is charged once (AG-B23).
      on conflict (id) do nothing
      returning id, effective_group_id, cost_micros, created_at, input_tokens + output_tokens
        + cache_write_input_tokens as tokens),
    added as (
      select p.user_id, t.effective_group_id, (t.created_at at time zone 'UTC')::date as day,
             sum(t.cost_micros) as spend_micros, max(p.spend_limit_micros) as spend_limit_micros,
             max(p.limit_source) as limit_source, min(p.since) as since, max(p.until) as until,
             bool_or(p.policy = 'sum' and p.limit_source = 'group') as everything
        from stored t join priced p on p.id = t.id
       where t.effective_group_id is not null and t.cost_micros > 0
       group by 1, 2, 3),
    charged as (
      insert into ai_user_daily_spend as s (user_id, effective_group_id, day, spend_micros)
      select user_id, effective_group_id, day, spend_micros from added
       -- In one order, so that two replicas never wait for each other.
       order by 1, 2, 3
      on conflict (user_id, effective_group_id, day)
        do update set spend_micros = s.spend_micros + excluded.spend_micros
      returning s.user_id, s.effective_group_id, s.day, s.spend_micros),
    charged_keys as (
      insert into ai_key_daily_spend as s (api_key_id, day, spend_micros)
      select k.api_key_id, (t.created_at at time zone 'UTC')::date, sum(t.cost_micros)
        from stored t join n on n.id = t.id join api_key_ai_limits k on k.api_key_id = n.key_id
       where t.cost_micros > 0
       group by 1, 2 order by 1, 2
      on conflict (api_key_id, day) do update set spend_micros = s.spend_micros + excluded.spend_micros),
    used as (
      select n.user_id, n.key_id, date_trunc('minute', t.created_at) as minute, sum(t.tokens) as tokens
        from stored t join n on n.id = t.id
       where t.tokens > 0
       group by 1, 2, 3),
    -- Only where somebody is limited (AG-B12).
    counted as (
      insert into ai_minute_tokens as m (subject_type, subject_id, minute, tokens)
      select c.subject_type, c.subject_id, c.minute, sum(c.tokens) from (
        select 'group' as subject_type, l.group_id::text as subject_id, u.minute, u.tokens
          from used u
          join group_members_expanded e on e.user_id = u.user_id
          join group_ai_limits l on l.group_id = e.group_id and l.tokens_per_minute is not null
        union all
        select 'user', u.user_id::text, u.minute, u.tokens from used u
         where exists (select from group_ai_limits l
                         join group_members_expanded e on e.group_id = l.group_id
                        where e.user_id = u.user_id and l.member_tokens_per_minute is not null)
        union all
        select 'key', k.api_key_id, u.minute, u.tokens
          from used u join api_key_ai_limits k on k.api_key_id = u.key_id and k.tokens_per_minute is not null) c
       group by 1, 2, 3 order by 1, 2, 3
      on conflict (subject_type, subject_id, minute) do update set tokens = m.tokens + excluded.tokens),
    released as (
      delete from ai_spend_reservations r using n where r.interception_id = n.interception_id),
    -- The row of the day is locked: whoever charges at the same time sees what the other has added (AG-114).
    crossed as (
      select c.user_id, c.effective_group_id, a.spend_limit_micros, a.limit_source,
             a.since, o.others + d.earlier + c.spend_micros - a.spend_micros as before,
             o.others + d.earlier + c.spend_micros as after
        from charged c
        join added a using (user_id, effective_group_id, day)
        cross join lateral (
          select coalesce(sum(s.spend_micros), 0) as others from ai_user_daily_spend s
           where s.user_id = c.user_id and (a.everything or s.effective_group_id = c.effective_group_id)
             and s.day >= a.since and s.day < a.until
             and (s.effective_group_id, s.day) <> (c.effective_group_id, c.day)) o
        -- At midnight two days are charged at once, and neither sees the other's row as it is now.
        cross join lateral (
          select coalesce(sum(e.spend_micros), 0) as earlier from added e
           where e.user_id = c.user_id and e.day >= a.since and e.day < c.day) d
       where a.spend_limit_micros > 0 and c.day >= a.since)
    select n.id, n.user_id, t.id is not null and t.cost_micros is null as unpriced,
           (select jsonb_agg(jsonb_build_object('user_id', x.user_id, 'group_id', x.effective_group_id,
                     'since', x.since, 'limit', x.spend_limit_micros, 'source', x.limit_source,
                     'full', x.before < x.spend_limit_micros and x.after >= x.spend_limit_micros))
              from crossed x
             where x.before < x.spend_limit_micros and x.after >= x.spend_limit_micros
                or x.before * 100 < x.spend_limit_micros * 85 and x.after * 100 >= x.spend_limit_micros * 85)
             as crossings
      from n left join stored t on t.id = n.id`.execute(db)
  const found = new Map(rows.map((row) => [row.id, row]))
  const told = new Set<string>()
  return records.map(({ id, initiatorId, since }): TokensStored => {
    const row = found.get(id)
    // What a user has reached in a period belongs to one of their records of it, whichever.
    const reached = `${initiatorId} ${since}`
    const first = !told.has(reached)
    told.add(reached)
    return {
      priced: row?.unpriced !== true,
      crossings: first
        ? (row?.crossings ?? [])
            .filter((crossing) => crossing.user_id === initiatorId && crossing.since === since)
            .map((crossing) => ({
              userId: crossing.user_id,
              groupId: crossing.group_id,
              threshold: crossing.full ? 100 : 85,
              limitMicros: crossing.limit,
              limitSource: crossing.source,
            }))
        : [],
    }
  })
}, TOGETHER)

/**
 * Stores tokens with the prices and the group that they are charged to at this moment, and adds what they cost to what
 * the user has spent on that day (AG-110), and to what the token has; what was set aside for them is free again. Counts
 * them in their minute for who is limited (AG-B12). All or nothing, and once, however often it is called.
 *
 * @throws ApiError 403.
 */
export async function insertTokens(actor: Actor, db: Db, record: TokenRecord): Promise<TokensStored> {
  authorizeAll(actor, [record])
  for (let attempt = 1; ; attempt += 1)
    try {
      return await insertTokensTogether(db, record)
    } catch (error) {
      if (attempt === ATTEMPTS || !AGAIN.has(sqlState(error) ?? '')) throw error
    }
}

/**
 * Forgets the tokens of a request that could not be stored itself: nobody would find them, nor delete them with it
 * (AG-135). What they have cost stays charged.
 *
 * @throws ApiError 403.
 */
export async function forgetTokens(
  actor: Actor,
  db: Db,
  { interceptionId, initiatorId }: Pick<TokenRecord, 'interceptionId' | 'initiatorId'>,
): Promise<void> {
  authorize(actor, 'delete', { type: 'aibridge_interception', owner: initiatorId })
  await sql`
    delete from aibridge_token_usages where interception_id = ${interceptionId}::uuid
       and not exists (select from aibridge_interceptions i where i.id = ${interceptionId}::uuid)`.execute(db)
}

const insertPromptsTogether = batchesOf(async (db: Db, sets: readonly (readonly PromptRecord[])[]) => {
  const given = JSON.stringify(
    sets.flat().map((record) => ({
      id: record.id,
      interception_id: record.interceptionId,
      response_id: record.responseId,
      prompt: record.prompt,
      created_at: record.createdAt.toISOString(),
    })),
  )
  await sql`
    insert into aibridge_user_prompts (id, interception_id, provider_response_id, prompt, created_at)
    select n.id, n.interception_id, n.response_id, n.prompt, n.created_at
      from jsonb_to_recordset(${given}::jsonb)
             as n(id uuid, interception_id uuid, response_id text, prompt text, created_at timestamptz)
    on conflict (id) do nothing`.execute(db)
  return sets.map(() => undefined)
})

/** Stores what users have asked; once, however often it is called. @throws ApiError 403. */
export async function insertPrompts(actor: Actor, db: Db, records: readonly PromptRecord[]): Promise<void> {
  authorizeAll(actor, records)
  if (records.length > 0) await insertPromptsTogether(db, records)
}

const insertToolsTogether = batchesOf(async (db: Db, sets: readonly (readonly ToolRecord[])[]) => {
  const given = JSON.stringify(
    sets.flat().map((record) => ({
      id: record.id,
      interception_id: record.interceptionId,
      response_id: record.responseId,
      call_id: record.callId,
      item_id: record.itemId,
      tool: record.tool,
      input: record.input,
      injected: record.injected !== undefined,
      server_url: record.injected?.serverUrl,
      error: record.injected?.error,
      created_at: record.createdAt.toISOString(),
    })),
  )
  await sql`
    insert into aibridge_tool_usages (id, interception_id, provider_response_id, provider_tool_call_id,
      provider_item_id, tool, input, injected, server_url, invocation_error, created_at)
    select n.id, n.interception_id, n.response_id, n.call_id, n.item_id, n.tool, n.input, n.injected, n.server_url,
           n.error, n.created_at
      from jsonb_to_recordset(${given}::jsonb)
             as n(id uuid, interception_id uuid, response_id text, call_id text, item_id text, tool text, input text,
                  injected boolean, server_url text, error text, created_at timestamptz)
    on conflict (id) do nothing`.execute(db)
  return sets.map(() => undefined)
})

/** Stores which tools models have chosen; once, however often it is called. @throws ApiError 403. */
export async function insertTools(actor: Actor, db: Db, records: readonly ToolRecord[]): Promise<void> {
  authorizeAll(actor, records)
  if (records.length > 0) await insertToolsTogether(db, records)
}

const insertThoughtsTogether = batchesOf(async (db: Db, sets: readonly (readonly ThoughtRecord[])[]) => {
  const given = JSON.stringify(
    sets.flat().map((record) => ({
      interception_id: record.interceptionId,
      content: record.content,
      metadata: { source: record.source },
      created_at: record.createdAt.toISOString(),
    })),
  )
  // They have no id: those of one request come together, so that either all are there or none.
  await sql`
    insert into aibridge_model_thoughts (interception_id, content, metadata, created_at)
    select n.interception_id, n.content, n.metadata, n.created_at
      from jsonb_to_recordset(${given}::jsonb)
             as n(interception_id uuid, content text, metadata jsonb, created_at timestamptz)
     where not exists (select 1 from aibridge_model_thoughts t where t.interception_id = n.interception_id)`.execute(
    db,
  )
  return sets.map(() => undefined)
})

/** Stores what models let out of their reasoning; once, however often it is called. @throws ApiError 403. */
export async function insertThoughts(actor: Actor, db: Db, records: readonly ThoughtRecord[]): Promise<void> {
  authorizeAll(actor, records)
  if (records.length > 0) await insertThoughtsTogether(db, records)
}
