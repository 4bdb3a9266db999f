import { type RawBuilder, sql } from 'kysely'

import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { SessionSearch } from '../sessions/search-sessions.ts'
import { MAX_TEXT, matches, readable } from './sessions.ts'
import { TOOL, type ToolRow } from './threads.ts'

/** A request as older clients list it. */
export interface InterceptionRow {
  readonly id: string
  readonly api_key_id: string | null
  readonly initiator_id: string
  readonly username: string
  readonly name: string
  readonly avatar_url: string
  readonly provider: string
  readonly model: string
  readonly client: string
  readonly metadata: unknown
  readonly started_at: Date
  readonly ended_at: Date
}

/** What part of the requests is wanted. */
export interface InterceptionPage {
  readonly limit: number
  readonly offset: number
  /** The page begins behind this request. */
  readonly afterId: string | undefined
}

/** Requests that are read and sorted for a page as fast as they are found in order. */
const FEW = 10_000

/** A page of the requests that are looked for and that the actor may read, those that began last in front (AG-96). */
export async function listInterceptions(
  actor: Actor,
  db: Db,
  search: SessionSearch,
  { limit, offset, afterId }: InterceptionPage,
): Promise<{
  readonly rows: readonly InterceptionRow[]
  readonly count: number
  readonly cursorKnown: boolean
}> {
  const found = sql`select i.* from aibridge_interceptions i where ${readable(actor)} and ${matches(search)}`
  const counted = await sql<{ count: number }>`select count(*)::int as count from (${found}) f`.execute(db)
  const count = counted.rows[0]?.count ?? 0
  // Of many an index has those that began last; for few it would have to be looked through.
  const { rows } = await sql<InterceptionRow & { cursor_known: boolean }>`
    with found as ${count > FEW ? sql`not materialized` : sql`materialized`} (${found}),
    place as (select f.started_at, f.id from found f where f.id = ${afterId ?? null}::uuid),
    page as (
      select f.* from found f
       where ${afterId === undefined ? sql`true` : sql`(f.started_at, f.id) < (select started_at, id from place)`}
       order by f.started_at desc, f.id desc limit ${limit} offset ${offset})
    select p.id, p.api_key_id, p.initiator_id, u.username, u.name, u.avatar_url, p.provider, p.model, p.client,
           p.metadata, p.started_at, p.ended_at, known.cursor_known
      from (select exists (select from place) as cursor_known) known
      left join (page p join users u on u.id = p.initiator_id) on true
     order by p.started_at desc, p.id desc`.execute(db)
  return {
    rows: rows.filter((row) => row.id !== null),
    count,
    cursorKnown: rows[0]?.cursor_known ?? false,
  }
}

interface Part {
  readonly id: string
  readonly interception_id: string
  readonly provider_response_id: string
  readonly metadata: unknown
  readonly created_at: Date
}

/** Tokens of an answer. */
export interface TokensRow extends Part {
  readonly input_tokens: number
  readonly output_tokens: number
}

/** What a user has asked. */
export interface PromptRow extends Part {
  readonly prompt: string
}

/** Entries of each kind in one answer. */
const MAX_PARTS = 4_000

/** Of the parts `x` those of some requests that the actor may read, in order of time. */
const partsOf = (actor: Actor, ids: readonly string[]): RawBuilder<unknown> => sql`
  join aibridge_interceptions i on i.id = x.interception_id
 where ${readable(actor)} and i.id = any(${ids}::uuid[]) order by x.created_at, x.id limit ${MAX_PARTS}`

/** Tokens of some requests that the actor may read. */
export async function listTokens(actor: Actor, db: Db, ids: readonly string[]): Promise<TokensRow[]> {
  const { rows } = await sql<TokensRow>`
    select x.id, x.interception_id, x.provider_response_id, x.input_tokens, x.output_tokens, x.metadata, x.created_at
      from aibridge_token_usages x ${partsOf(actor, ids)}`.execute(db)
  return rows
}

/** Prompts of some requests that the actor may read. */
export async function listPrompts(actor: Actor, db: Db, ids: readonly string[]): Promise<PromptRow[]> {
  const { rows } = await sql<PromptRow>`
    select x.id, x.interception_id, x.provider_response_id, left(x.prompt, ${MAX_TEXT}) as prompt, x.metadata,
           x.created_at
      from aibridge_user_prompts x ${partsOf(actor, ids)}`.execute(db)
  return rows
}

/** Tools that models chose in some requests that the actor may read. */
export async function listTools(actor: Actor, db: Db, ids: readonly string[]): Promise<ToolRow[]> {
  const { rows } = await sql<ToolRow>`
    select ${TOOL}
      from aibridge_tool_usages x ${partsOf(actor, ids)}`.execute(db)
  return rows
}
