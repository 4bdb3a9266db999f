import { type RawBuilder, type SqlBool, sql } from 'kysely'

import { type Actor, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { isUuid } from '../../search/index.ts'
import type { SessionSearch } from '../search-sessions.ts'

/** A session with what its requests add up to (AG-90). */
export interface SessionRow {
  readonly session_id: string
  readonly initiator_id: string
  readonly username: string
  readonly name: string
  readonly avatar_url: string
  readonly client: string
  readonly metadata: unknown
  readonly providers: string[]
  readonly models: string[]
  readonly started_at: Date
  readonly ended_at: Date
  readonly last_active_at: Date
  readonly threads: number
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_input_tokens: number
  readonly cache_write_input_tokens: number
  /** Of what has a price; null where nothing has. */
  readonly cost_micros: number | null
  readonly last_prompt: string | null
}

/** Characters of a text that readers get; what is stored may be as long as a request. */
export const MAX_TEXT = 16_384

/** What part of the sessions is wanted. */
export interface SessionPage {
  readonly limit: number
  readonly offset: number
  /** The page begins behind this session. */
  readonly afterSessionId: string | undefined
}

/** A page, and how many there are in all. */
export interface SessionsFound {
  readonly rows: readonly SessionRow[]
  readonly count: number
  /** Whether the session that the page begins behind is among them. */
  readonly cursorKnown: boolean
}

/** Of the requests `i`, those that have ended and that the actor may read (AG-89). */
export function readable(actor: Actor): RawBuilder<SqlBool> {
  const filter = sqlFilter(actor, 'read', 'aibridge_interception', { owner: sql.ref('i.initiator_id') })
  return sql<SqlBool>`i.ended_at is not null and ${filter}`
}

function initiatedBy(initiator: NonNullable<SessionSearch['initiator']>): RawBuilder<SqlBool> {
  return 'id' in initiator
    ? sql<SqlBool>`i.initiator_id = ${initiator.id}::uuid`
    : sql<SqlBool>`i.initiator_id in (select id from users where lower(username) = ${initiator.username})`
}

/** What is true of the requests `i` that are looked for. */
export function matches(search: SessionSearch): RawBuilder<SqlBool> {
  const conditions: RawBuilder<SqlBool>[] = [sql<SqlBool>`true`]
  const { initiator, startedAfter, startedBefore } = search
  if (initiator !== undefined) conditions.push(initiatedBy(initiator))
  for (const [column, value] of [
    ['i.provider', search.provider],
    ['i.provider_name', search.providerName],
    ['i.model', search.model],
    ['i.client', search.client],
    ['i.session_id', search.sessionId],
  ] as const)
    if (value !== undefined) conditions.push(sql<SqlBool>`lower(${sql.ref(column)}) = ${value}`)
  if (startedAfter !== undefined) conditions.push(sql<SqlBool>`i.started_at > ${startedAfter}`)
  if (startedBefore !== undefined) conditions.push(sql<SqlBool>`i.started_at < ${startedBefore}`)
  return sql<SqlBool>`(${sql.join(conditions, sql` and `)})`
}

/** What requests `i` add up to that are grouped by session and initiator. */
const SESSION = sql`
  i.session_id, i.initiator_id, min(i.started_at) as started_at, max(i.ended_at) as ended_at,
  count(*) filter (where i.thread_root_id is null)::int as threads,
  array_agg(distinct i.provider order by i.provider) as providers,
  array_agg(distinct i.model order by i.model) as models,
  (array_agg(i.client order by i.started_at, i.id))[1] as client,
  (array_agg(i.metadata order by i.started_at, i.id))[1] as metadata,
  array_agg(i.id) as ids`

/** Sessions `g` with when they were active last. */
const ACTIVE = sql`
  select g.*, coalesce((select max(p.created_at) from aibridge_user_prompts p
                         where p.interception_id = any(g.ids)), g.started_at) as last_active_at`

/** What readers get of sessions `p`; `of` joins them. */
const described = (of: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  select p.*, u.username, u.name, u.avatar_url, t.*,
         (select left(q.prompt, ${MAX_TEXT}) from aibridge_user_prompts q where q.interception_id = any(p.ids)
           order by q.created_at desc, q.id desc limit 1) as last_prompt
    from ${of} p join users u on u.id = p.initiator_id
    cross join lateral (
      select coalesce(sum(k.input_tokens), 0)::bigint as input_tokens,
             coalesce(sum(k.output_tokens), 0)::bigint as output_tokens,
             coalesce(sum(k.cache_read_input_tokens), 0)::bigint as cache_read_input_tokens,
             coalesce(sum(k.cache_write_input_tokens), 0)::bigint as cache_write_input_tokens,
             sum(k.cost_micros)::bigint as cost_micros
        from aibridge_token_usages k where k.interception_id = any(p.ids)) t`

/**
 * A page of the sessions with a request that is looked for, those that were active last in front; nobody is refused, who
 * may read none gets none (AG-89, AG-91).
 */
export async function listSessions(
  actor: Actor,
  db: Db,
  search: SessionSearch,
  page: SessionPage,
): Promise<SessionsFound> {
  const { rows } = await sql<SessionRow & { total: number; cursor_known: boolean }>`
    with grouped as (
      select ${SESSION} from aibridge_interceptions i
       where ${readable(actor)}
       group by i.session_id, i.initiator_id
      having bool_or(${matches(search)})),
    active as (${ACTIVE} from grouped g),
    after as (
      select a.last_active_at, a.session_id from active a where a.session_id = ${page.afterSessionId ?? null}::text
       order by a.last_active_at desc limit 1),
    page as (
      select a.* from active a
       where ${page.afterSessionId === undefined ? sql`true` : sql`(a.last_active_at, a.session_id) < (select last_active_at, session_id from after)`}
       order by a.last_active_at desc, a.session_id desc, a.initiator_id
       limit ${page.limit} offset ${page.offset})
    select total.total, exists (select from after) as cursor_known, p.*
      from (select count(*)::int as total from active) total
      left join (${described(sql`page`)}) p on true
     order by p.last_active_at desc, p.session_id desc, p.initiator_id`.execute(db)
  return {
    rows: rows.filter((row) => row.session_id !== null),
    count: rows[0]?.total ?? 0,
    cursorKnown: rows[0]?.cursor_known ?? false,
  }
}

/** Which session is wanted. */
export interface SessionName {
  /** Of the session, or the id of a request in it. */
  readonly id: string
  readonly initiator: SessionSearch['initiator']
}

/**
 * A session by its id; of several users who share it the one that was active last (AG-93, AG-94). Undefined where there is
 * none that the actor may read.
 */
export async function findSession(
  actor: Actor,
  db: Db,
  { id, initiator }: SessionName,
): Promise<SessionRow | undefined> {
  const request = isUuid(id) ? id : null
  const wanted = initiator === undefined ? sql<SqlBool>`true` : initiatedBy(initiator)
  const { rows } = await sql<SessionRow>`
    with named as (
      select i.session_id, i.initiator_id, 1 as rank from aibridge_interceptions i
       where ${readable(actor)} and ${wanted} and i.session_id = ${id}
       group by i.session_id, i.initiator_id
      union all
      select i.session_id, i.initiator_id, 2 from aibridge_interceptions i
       where ${readable(actor)} and ${wanted} and i.id = ${request}::uuid),
    grouped as (
      select ${SESSION}, min(n.rank) as rank
        from named n join aibridge_interceptions i using (session_id, initiator_id)
       where i.ended_at is not null
       group by i.session_id, i.initiator_id),
    active as (${ACTIVE} from grouped g),
    page as (select a.* from active a order by a.rank, a.last_active_at desc, a.initiator_id limit 1)
    ${described(sql`page`)}`.execute(db)
  return rows[0]
}

/** Names of models or clients of requests that the actor may read, which begin with a text, in order (AG-95). */
export async function listNames(
  actor: Actor,
  db: Db,
  column: 'model' | 'client',
  { prefix, limit, offset }: { readonly prefix: string; readonly limit: number; readonly offset: number },
): Promise<string[]> {
  const named = sql.ref(`i.${column}`)
  const { rows } = await sql<{ name: string }>`
    select distinct ${named} as name from aibridge_interceptions i
     where ${readable(actor)} and starts_with(lower(${named}), ${prefix.toLowerCase()})
     order by 1 limit ${limit} offset ${offset}`.execute(db)
  return rows.map(({ name }) => name)
}
