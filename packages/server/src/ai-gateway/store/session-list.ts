import { type RawBuilder, type SqlBool, sql } from 'kysely'

import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { isUuid } from '../../search/index.ts'
import type { SessionSearch } from '../sessions/search-sessions.ts'
import {
  allOf,
  described,
  initiatedBy,
  lastActive,
  matches,
  partMatches,
  readable,
  type SessionRow,
} from './sessions.ts'

/** Where counting ends: to count more takes longer than a page. */
export const COUNT_CAP = 10_000

/** A session in the order of lists; the time is as the database writes it, to the microsecond. */
export interface SessionPlace {
  readonly session_id: string
  readonly initiator_id: string
  readonly last_active_at: string
}

/** What part of the sessions is wanted, those that were active last in front. */
export interface SessionPage {
  readonly limit: number
  readonly offset: number
  /** The page begins behind this session. */
  readonly after: SessionPlace | undefined
}

/** Number of the sessions that are looked for and that the actor may read, up to one more than {@link COUNT_CAP}. */
export async function countSessions(
  actor: Actor,
  db: Db,
  search: SessionSearch,
): Promise<{ readonly count: number }> {
  // Without a filter an index has them in order, to stop early; with one, requests are best read as they lie.
  const found = sql`select i.session_id, i.initiator_id from aibridge_interceptions i
     where ${readable(actor)} and ${matches(search)}`
  const { rows } = await sql<{ count: number }>`
    with found as ${hasParts(search) ? sql`materialized` : sql`not materialized`} (${found})
    select count(*)::int as count from (
      select distinct f.session_id, f.initiator_id from found f limit ${COUNT_CAP + 1}) s`.execute(db)
  return { count: rows[0]?.count ?? 0 }
}

/** Whether some requests of a session may be looked for, and others not. */
export function hasParts(search: SessionSearch): boolean {
  return partMatches(search).length > 0
}

/** The sessions of an id that are looked for and that the actor may read, of which there is one for each initiator. */
export async function listPlaces(
  actor: Actor,
  db: Db,
  search: SessionSearch,
  { id, initiatorId }: { readonly id: string; readonly initiatorId: string | undefined },
): Promise<SessionPlace[]> {
  const initiator =
    initiatorId === undefined
      ? sql<SqlBool>`true`
      : initiatedBy({ id: isUuid(initiatorId) ? initiatorId : NOBODY })
  const { rows } = await sql<SessionPlace>`
    with named as (
      select distinct i.session_id, i.initiator_id from aibridge_interceptions i
       where ${readable(actor)} and ${initiator} and ${matches(search)} and i.session_id = ${id} limit 2)
    select n.session_id, n.initiator_id, (${lastActive('n')})::text as last_active_at from named n`.execute(
    db,
  )
  return rows
}

const NOBODY = '00000000-0000-0000-0000-000000000000'

/**
 * A page of the sessions with a request that is looked for; nobody is refused, who may read none gets none (AG-89, AG-91).
 *
 * @param recent how many of the sessions whose requests ended last are looked at; undefined for all there are.
 * @returns undefined where the page may hold sessions beyond those: a session was active last when the last of its
 *   requests ended, or earlier.
 */
export async function listSessions(
  actor: Actor,
  db: Db,
  search: SessionSearch,
  { limit, offset, after }: SessionPage,
  recent: number | undefined,
): Promise<SessionRow[] | undefined> {
  const { rows } = await sql<SessionRow & { all_seen: boolean }>`
    with ${recent === undefined ? everySession(actor, search) : recentSessions(actor, search, recent, after)},
    active as materialized (
      select s.session_id, s.initiator_id, ${lastActive('s')} as last_active_at from seen s),
    page as (
      select a.* from active a, edge e
       where (e.ended_at is null or a.last_active_at > e.ended_at) and ${after === undefined ? sql`true` : behind(after)}
       order by a.last_active_at desc, a.session_id desc, a.initiator_id desc
       limit ${limit} offset ${offset})
    select e.ended_at is null as all_seen, d.* from edge e left join (${described('page')}) d on true
     order by d.last_active_at desc, d.session_id desc, d.initiator_id desc`.execute(db)
  const page = rows.filter((row) => row.session_id !== null)
  return page.length === limit || rows[0]?.all_seen === true ? page : undefined
}

function behind({ session_id, initiator_id, last_active_at }: SessionPlace): RawBuilder<SqlBool> {
  return sql<SqlBool>`(a.last_active_at, a.session_id, a.initiator_id)
    < (${last_active_at}::timestamptz, ${session_id}::text, ${initiator_id}::uuid)`
}

/** The sessions `seen`, which are all that are looked for, and an `edge` that is none. */
function everySession(actor: Actor, search: SessionSearch): RawBuilder<unknown> {
  return sql`
    seen as (
      select distinct i.session_id, i.initiator_id from aibridge_interceptions i
       where ${readable(actor)} and ${matches(search)}),
    edge as (select null::timestamptz as ended_at)`
}

/** Requests that are read for a session, of which most have fewer. */
const REQUESTS = 24

/**
 * The sessions `seen`, and the `edge`: all requests of sessions that are not seen ended at that time or before. It is null
 * where there are no more.
 */
function recentSessions(
  actor: Actor,
  search: SessionSearch,
  count: number,
  after: SessionPlace | undefined,
): RawBuilder<unknown> {
  const parts = partMatches(search)
  const initiator = search.initiator === undefined ? sql<SqlBool>`true` : initiatedBy(search.initiator)
  // What ended later than where the page begins is before that, or in it; it comes on top.
  const later = after === undefined ? sql`false` : sql`i.ended_at > ${after.last_active_at}::timestamptz`
  const requests = sql`(${count * REQUESTS} + (
    select count(*) from aibridge_interceptions i where ${later} and ${readable(actor)} and ${initiator}))`
  return sql`
    recent as materialized (
      select i.session_id, i.initiator_id, i.ended_at from aibridge_interceptions i
       where ${readable(actor)} and ${initiator}
       order by i.ended_at desc limit ${requests}),
    ended as materialized (
      select i.session_id, i.initiator_id, max(i.ended_at) as ended_at from recent i group by 1, 2),
    latest as materialized (
      select s.* from ended s order by s.ended_at desc
       limit (${count} + (select count(*) from ended i where ${later}))),
    edge as (
      select case when (select count(*) from latest) < (select count(*) from ended)
                  then (select min(s.ended_at) from latest s)
                  when (select count(*) from recent) = ${requests} then (select min(r.ended_at) from recent r) end
             as ended_at),
    seen as (
      select s.session_id, s.initiator_id from latest s
       where ${parts.length === 0 ? sql`true` : sql`exists (select from aibridge_interceptions i where ${ofSeen} and ${allOf(parts)})`})`
}

const ofSeen = sql`i.session_id = s.session_id and i.initiator_id = s.initiator_id and i.ended_at is not null`
