import { type RawBuilder, type SqlBool, sql } from 'kysely'

import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { readable } from './sessions.ts'

/** Tokens and what they cost, added up. */
export interface UsageRow {
  /** What they are added up by. */
  readonly key: string
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_input_tokens: number
  readonly cache_write_input_tokens: number
  /** Of what has a price; null where nothing has. */
  readonly cost_micros: number | null
  /** The numbers of the metadata, by dotted keys (AG-93). */
  readonly metadata: Readonly<Record<string, number>>
}

/** A session of one user. */
export interface SessionKey {
  readonly sessionId: string
  readonly initiatorId: string
}

/** The requests `i` of a session that the actor may read. */
export function ofSession(actor: Actor, { sessionId, initiatorId }: SessionKey): RawBuilder<SqlBool> {
  return sql<SqlBool>`${readable(actor)} and i.session_id = ${sessionId} and i.initiator_id = ${initiatorId}::uuid`
}

/** By which thread the requests `i` are told apart: their root, which may be gone or in another session. */
export const THREAD = sql<string>`coalesce(i.thread_root_id, i.id)`

/**
 * Tokens of a session that the actor may read, added up as a whole, or for each of some threads or requests. What has
 * used none is left out.
 */
export async function listUsage(
  actor: Actor,
  db: Db,
  session: SessionKey,
  by: 'session' | { readonly threads: readonly string[] } | { readonly requests: readonly string[] },
): Promise<readonly UsageRow[]> {
  const [key, wanted] =
    by === 'session'
      ? [sql`'session'`, sql`true`]
      : 'threads' in by
        ? [THREAD, sql`${THREAD} = any(${by.threads}::uuid[])`]
        : [sql`i.id`, sql`i.id = any(${by.requests}::uuid[])`]
  const { rows } = await sql<UsageRow>`
    with recursive used as (
      select (${key})::text as key, k.* from aibridge_interceptions i
        join aibridge_token_usages k on k.interception_id = i.id
       where ${ofSession(actor, session)} and ${wanted}),
    leaves as (
      select u.key, e.key as name, e.value from used u cross join lateral jsonb_each(${members(sql`u.metadata`)}) e
      union all
      select l.key, l.name || '.' || e.key, e.value
        from leaves l cross join lateral jsonb_each(${members(sql`l.value`)}) e),
    numbers as (
      select key, name, sum(value::text::numeric) as total from leaves
       where jsonb_typeof(value) = 'number' group by key, name)
    select u.key, sum(u.input_tokens)::bigint as input_tokens, sum(u.output_tokens)::bigint as output_tokens,
           sum(u.cache_read_input_tokens)::bigint as cache_read_input_tokens,
           sum(u.cache_write_input_tokens)::bigint as cache_write_input_tokens,
           sum(u.cost_micros)::bigint as cost_micros,
           coalesce((select jsonb_object_agg(n.name, n.total) from numbers n where n.key = u.key), '{}') as metadata
      from used u group by u.key`.execute(db)
  return rows
}

function members(value: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`case when jsonb_typeof(${value}) = 'object' then ${value} else '{}'::jsonb end`
}
