import { sql } from 'kysely'

import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { MAX_TEXT } from './sessions.ts'
import { ofSession, type SessionKey, THREAD } from './usage.ts'

/** Characters of the prompt that a thread began with: it is what is read first. */
const MAX_PROMPT = 65_536

/** What part of the threads of a session is wanted, in order of time. */
export interface ThreadPage {
  readonly limit: number
  readonly cursor: { readonly afterId: string } | { readonly beforeId: string } | undefined
}

/** A page, how many there are in all, and whether the cursor is one of them. */
export interface ThreadsFound {
  readonly ids: readonly string[]
  readonly startedAt: Date | undefined
  readonly endedAt: Date | undefined
  readonly count: number
  readonly cursorKnown: boolean
}

/** A page of the threads of a session that the actor may read, the oldest first (AG-93). */
export async function listThreads(
  actor: Actor,
  db: Db,
  session: SessionKey,
  { limit, cursor }: ThreadPage,
): Promise<ThreadsFound> {
  const back = cursor !== undefined && 'beforeId' in cursor
  const at = cursor === undefined ? null : 'beforeId' in cursor ? cursor.beforeId : cursor.afterId
  const order = back ? sql`desc` : sql`asc`
  const { rows } = await sql<{
    id: string | null
    started_at: Date
    ended_at: Date
    total: number
    cursor_known: boolean
  }>`
    with threads as (
      select ${THREAD} as id, min(i.started_at) as started_at, max(i.ended_at) as ended_at
        from aibridge_interceptions i where ${ofSession(actor, session)} group by 1),
    place as (select t.started_at, t.id from threads t where t.id = ${at}::uuid),
    page as (
      select t.* from threads t
       where ${cursor === undefined ? sql`true` : sql`(t.started_at, t.id) ${back ? sql`<` : sql`>`} (select started_at, id from place)`}
       order by t.started_at ${order}, t.id ${order} limit ${limit})
    select p.*, total.total, exists (select from place) as cursor_known
      from (select count(*)::int as total from threads) total left join page p on true
     order by p.started_at, p.id`.execute(db)
  const page = rows.filter((row) => row.id !== null)
  const ends = page.map((row) => row.ended_at.getTime())
  return {
    ids: page.flatMap(({ id }) => (id === null ? [] : [id])),
    startedAt: page[0]?.started_at,
    endedAt: ends.length === 0 ? undefined : new Date(Math.max(...ends)),
    count: rows[0]?.total ?? 0,
    cursorKnown: rows[0]?.cursor_known ?? false,
  }
}

/** A request of a thread. */
export interface ThreadRequestRow {
  readonly id: string
  readonly thread_id: string
  readonly provider: string
  readonly provider_name: string
  readonly model: string
  readonly requested_model: string | null
  readonly metadata: unknown
  readonly started_at: Date
  readonly ended_at: Date
  readonly credential_kind: string
  readonly credential_hint: string
  readonly error_type: string | null
  readonly error_message: string | null
  readonly agent_firewall_session_id: string | null
  readonly agent_firewall_sequence_number: number | null
  readonly prompt: string | null
}

/**
 * The first requests of some threads of a session that the actor may read: the one that a thread began with in front, then
 * in order of time.
 */
export async function listThreadRequests(
  actor: Actor,
  db: Db,
  session: SessionKey,
  { threads, limit }: { readonly threads: readonly string[]; readonly limit: number },
): Promise<readonly ThreadRequestRow[]> {
  const { rows } = await sql<ThreadRequestRow>`
    select i.id, ${THREAD} as thread_id, i.provider, i.provider_name, i.model, i.requested_model, i.metadata,
           i.started_at, i.ended_at, i.credential_kind, i.credential_hint, i.error_type, i.error_message,
           i.agent_firewall_session_id, i.agent_firewall_sequence_number, q.prompt
      from aibridge_interceptions i
      left join lateral (
        select left(p.prompt, case when i.thread_root_id is null then ${MAX_PROMPT}::int else ${MAX_TEXT}::int end) as prompt
          from aibridge_user_prompts p where p.interception_id = i.id
         order by p.created_at desc, p.id desc limit 1) q on true
     where ${ofSession(actor, session)} and ${THREAD} = any(${threads}::uuid[])
     order by array_position(${threads}::uuid[], ${THREAD}), i.thread_root_id is not null, i.started_at, i.id
     limit ${limit}`.execute(db)
  return rows
}

/** A tool that a model has chosen. */
export interface ToolRow {
  readonly id: string
  readonly interception_id: string
  readonly provider_response_id: string
  readonly server_url: string | null
  readonly tool: string
  readonly input: string
  readonly injected: boolean
  readonly invocation_error: string | null
  readonly metadata: unknown
  readonly created_at: Date
}

/** What readers get of the tools `x`. */
export const TOOL = sql`
  x.id, x.interception_id, x.provider_response_id, x.server_url, x.tool, left(x.input, ${MAX_TEXT}) as input, x.injected,
  x.invocation_error, x.metadata, x.created_at`

/** Which parts of requests are wanted. */
interface PartsOf {
  readonly requests: readonly string[]
  readonly limit: number
}

/** The first tools that models chose in some requests of a session that the actor may read, in order of time. */
export async function listThreadTools(
  actor: Actor,
  db: Db,
  session: SessionKey,
  { requests, limit }: PartsOf,
): Promise<readonly ToolRow[]> {
  const { rows } = await sql<ToolRow>`
    select ${TOOL}
      from aibridge_tool_usages x join aibridge_interceptions i on i.id = x.interception_id
     where ${ofSession(actor, session)} and i.id = any(${requests}::uuid[])
     order by array_position(${requests}::uuid[], i.id), x.created_at, x.id limit ${limit}`.execute(db)
  return rows
}

/** What a model let out of its reasoning. */
export interface ThoughtRow {
  readonly interception_id: string
  readonly content: string
}

/** The first thoughts of models in some requests of a session that the actor may read, in order of time. */
export async function listThreadThoughts(
  actor: Actor,
  db: Db,
  session: SessionKey,
  { requests, limit }: PartsOf,
): Promise<readonly ThoughtRow[]> {
  const { rows } = await sql<ThoughtRow>`
    select x.interception_id, left(x.content, ${MAX_TEXT}) as content
      from aibridge_model_thoughts x join aibridge_interceptions i on i.id = x.interception_id
     where ${ofSession(actor, session)} and i.id = any(${requests}::uuid[])
     order by array_position(${requests}::uuid[], i.id), x.created_at limit ${limit}`.execute(db)
  return rows
}
