import { type RawBuilder, type SqlBool, sql } from 'kysely'

import { type Actor, isAllowed, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { isUuid } from '../../search/index.ts'
import type { SessionSearch } from '../sessions/search-sessions.ts'

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

/** Of the requests `i`, those that have ended and that the actor may read (AG-89). */
export function readable(actor: Actor): RawBuilder<SqlBool> {
  const filter = sqlFilter(actor, 'read', 'aibridge_interception', { owner: sql.ref('i.initiator_id') })
  return sql<SqlBool>`i.ended_at is not null and ${filter}`
}

/** Of the requests `i`, those of a user. */
export function initiatedBy(initiator: NonNullable<SessionSearch['initiator']>): RawBuilder<SqlBool> {
  return 'id' in initiator
    ? sql<SqlBool>`i.initiator_id = ${initiator.id}::uuid`
    : sql<SqlBool>`i.initiator_id in (select id from users where lower(username) = ${initiator.username})`
}

/** What is true of the requests `i` that are looked for. */
export function matches(search: SessionSearch): RawBuilder<SqlBool> {
  const { initiator } = search
  const conditions = partMatches(search)
  if (initiator !== undefined) conditions.push(initiatedBy(initiator))
  return allOf(conditions)
}

/** What may be true of some requests of a session only. */
export function partMatches(search: SessionSearch): RawBuilder<SqlBool>[] {
  const conditions: RawBuilder<SqlBool>[] = []
  const { sessionId, startedAfter, startedBefore } = search
  for (const [column, value] of [
    ['i.provider', search.provider],
    ['i.provider_name', search.providerName],
    ['i.model', search.model],
    ['i.client', search.client],
  ] as const)
    if (value !== undefined) conditions.push(sql<SqlBool>`lower(${sql.ref(column)}) = ${value}`)
  // As it is stored, or in lower case, so that an index has it.
  if (sessionId !== undefined)
    conditions.push(sql<SqlBool>`i.session_id in (${sessionId}, ${sessionId.toLowerCase()})`)
  if (startedAfter !== undefined) conditions.push(sql<SqlBool>`i.started_at > ${startedAfter}`)
  if (startedBefore !== undefined) conditions.push(sql<SqlBool>`i.started_at < ${startedBefore}`)
  return conditions
}

/** All of some conditions. */
export function allOf(conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.join([sql`true`, ...conditions], sql` and `)})`
}

/**
 * When a session `of` was active last (AG-90). A prompt is stored with the time at which its request has ended: the newest
 * is that of the request that ended last, and the others need not be read.
 */
export const lastActive = (of: string): RawBuilder<Date> => sql<Date>`coalesce(
  (select p.created_at from aibridge_interceptions i join aibridge_user_prompts p on p.interception_id = i.id
    where ${requestsOf(of)} order by i.ended_at desc, p.created_at desc limit 1),
  (select min(i.started_at) from aibridge_interceptions i where ${requestsOf(of)}))`

const requestsOf = (session: string): RawBuilder<SqlBool> => sql<SqlBool>`
  i.session_id = ${sql.ref(`${session}.session_id`)} and i.initiator_id = ${sql.ref(`${session}.initiator_id`)}
  and i.ended_at is not null`

/** What readers get of sessions `of`, which have an id, an initiator and a time when they were active last. */
export const described = (of: string): RawBuilder<unknown> => sql`
  select s.session_id, s.initiator_id, s.last_active_at, u.username, u.name, u.avatar_url, g.started_at, g.ended_at,
         g.threads, g.providers, g.models, g.client, g.metadata, t.*,
         (select left(q.prompt, ${MAX_TEXT}) from aibridge_user_prompts q where q.interception_id = any(g.ids)
           order by q.created_at desc, q.id desc limit 1) as last_prompt
    from ${sql.table(of)} s join users u on u.id = s.initiator_id
    cross join lateral (
      select min(i.started_at) as started_at, max(i.ended_at) as ended_at,
             count(*) filter (where i.thread_root_id is null)::int as threads,
             array_agg(distinct i.provider order by i.provider) as providers,
             array_agg(distinct i.model order by i.model) as models,
             (array_agg(i.client order by i.started_at, i.id))[1] as client,
             (array_agg(i.metadata order by i.started_at, i.id))[1] as metadata,
             array_agg(i.id) as ids
        from aibridge_interceptions i where ${requestsOf('s')}) g
    cross join lateral (
      select coalesce(sum(k.input_tokens), 0)::bigint as input_tokens,
             coalesce(sum(k.output_tokens), 0)::bigint as output_tokens,
             coalesce(sum(k.cache_read_input_tokens), 0)::bigint as cache_read_input_tokens,
             coalesce(sum(k.cache_write_input_tokens), 0)::bigint as cache_write_input_tokens,
             sum(k.cost_micros)::bigint as cost_micros
        from aibridge_token_usages k where k.interception_id = any(g.ids)) t`

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
      union
      select i.session_id, i.initiator_id, 2 from aibridge_interceptions i
       where ${readable(actor)} and ${wanted} and i.id = ${request}::uuid),
    page as (
      select n.session_id, n.initiator_id, ${lastActive('n')} as last_active_at from named n
       order by n.rank, last_active_at desc, n.initiator_id limit 1)
    ${described('page')}`.execute(db)
  return rows[0]
}

/** Names of models or clients of requests that the actor may read, which begin with a text, in order (AG-95). */
export async function listNames(
  actor: Actor,
  db: Db,
  column: 'model' | 'client',
  { prefix, limit, offset }: { readonly prefix: string; readonly limit: number; readonly offset: number },
): Promise<string[]> {
  // Of those who may read some requests an index has all of theirs.
  const all = isAllowed(actor, 'read', { type: 'aibridge_interception' })
  const name = sql.ref(`i.${column}`)
  const { rows } = await sql<{ name: string }>`
    with recursive ${all ? leaps(actor) : sql`i as (select i.* from aibridge_interceptions i where ${readable(actor)})`}
    select distinct ${name} as name from i
     where starts_with(lower(${name}), ${prefix.toLowerCase()})
     order by 1 limit ${limit} offset ${offset}`.execute(db)
  return rows.map((row) => row.name)
}

/** Each model with each of its clients once, as `i`: an index is looked into for each, whatever number of requests has it. */
function leaps(actor: Actor): RawBuilder<unknown> {
  const next = (behind: RawBuilder<SqlBool>) => sql`
    (select lower(i.model) as lowered, i.model, i.client from aibridge_interceptions i
      where ${readable(actor)} and ${behind}
      order by lower(i.model), i.model, i.client limit 1)`
  const later = sql<SqlBool>`(lower(i.model), i.model, i.client) > (l.lowered, l.model, l.client)`
  return sql`i as (${next(sql`true`)} union all select n.* from i l cross join lateral ${next(later)} n)`
}
