import { type RawBuilder, sql } from 'kysely'

import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Interval } from '../period.ts'
import { type InsightsScope, requireInsights } from './scope.ts'

/** More users than a deployment has. */
const MAX_USERS = 20_000

/** Half hours of a time, of the templates that are asked for. */
export function usageOf(scope: InsightsScope, { start, end }: Interval): RawBuilder<unknown> {
  const ofTemplates =
    scope.length === 0 ? sql`` : sql`and template_id = any(${scope.map(({ id }) => id)}::uuid[])`
  return sql`select * from template_usage_stats where start_time >= ${start} and start_time < ${end} ${ofTemplates}`
}

/** Active users of a day, which is a text such as `2026-01-31`. */
export interface DayCount {
  readonly day: string
  readonly count: number
}

/**
 * Active users by day, without the days that had none (WS-271).
 *
 * @param hoursWest of UTC, where the days are.
 * @throws ApiError 404 (WS-274).
 */
export async function countDailyUsers(
  actor: Actor,
  db: Db,
  scope: InsightsScope,
  time: Interval & { readonly hoursWest: number },
): Promise<DayCount[]> {
  requireInsights(actor, scope)
  // Sorting all half hours for count(distinct) would take three times as long.
  const { rows } = await sql<DayCount>`
    select day, count(*)::int as count
      from (select ((start_time at time zone 'UTC') - make_interval(hours => ${time.hoursWest}::int))::date as day,
                   user_id
              from (${usageOf(scope, time)}) as usage group by 1, 2) as active
     group by day order by day`.execute(db)
  return rows
}

/** Somebody and the templates that were used. */
interface OfUser {
  readonly user_id: string
  readonly username: string
  readonly avatar_url: string
  readonly template_ids: string[]
}

/**
 * How long each user was active, the most active first. Who uses several templates at once is active once (WS-272).
 *
 * @throws ApiError 404 (WS-274).
 */
export async function listUserActivity(
  actor: Actor,
  db: Db,
  scope: InsightsScope,
  time: Interval,
): Promise<(OfUser & { readonly seconds: number })[]> {
  requireInsights(actor, scope)
  const { rows } = await sql<OfUser & { readonly seconds: number }>`
    with usage as not materialized (${usageOf(scope, time)})
    select u.id as user_id, u.username, u.avatar_url, a.seconds, t.template_ids
      from (select user_id, (sum(mins) * 60)::int as seconds
              from (select user_id, least(sum(usage_mins), 30) as mins
                      from usage group by user_id, start_time) as b
             group by user_id) as a
      join (select user_id, array_agg(template_id) as template_ids
              from (select distinct user_id, template_id from usage) as d group by user_id) as t using (user_id)
      join users u on u.id = a.user_id
     order by a.seconds desc, u.username limit ${MAX_USERS}`.execute(db)
  return rows
}

/**
 * How far the workspaces of each user were away, over half hours, in milliseconds (WS-272).
 *
 * @throws ApiError 404 (WS-274).
 */
export async function listUserLatency(
  actor: Actor,
  db: Db,
  scope: InsightsScope,
  time: Interval,
): Promise<(OfUser & { readonly p50: number; readonly p95: number })[]> {
  requireInsights(actor, scope)
  const { rows } = await sql<OfUser & { readonly p50: number; readonly p95: number }>`
    select u.id as user_id, u.username, u.avatar_url, l.template_ids, l.p50, l.p95
      from (select user_id, array_agg(distinct template_id) as template_ids,
                   percentile_cont(0.5) within group (order by median_latency_ms) as p50,
                   percentile_cont(0.95) within group (order by median_latency_ms) as p95
              from (${usageOf(scope, time)}) as usage
             where median_latency_ms is not null group by user_id) as l
      join users u on u.id = l.user_id
     order by u.username limit ${MAX_USERS}`.execute(db)
  return rows
}

/** Users who were active, and what they used. */
export interface ActiveCount {
  readonly active_users: number
  readonly template_ids: string[]
}

/** Active users of each of these times, in their order (WS-272). @throws ApiError 404 (WS-274). */
export async function countActiveUsers(
  actor: Actor,
  db: Db,
  scope: InsightsScope,
  intervals: readonly Interval[],
): Promise<ActiveCount[]> {
  requireInsights(actor, scope)
  const [first] = intervals
  const last = intervals.at(-1)
  if (first === undefined || last === undefined) return []
  const { rows } = await sql<ActiveCount>`
    select count(distinct user_id)::int as active_users,
           coalesce(array_agg(distinct template_id) filter (where template_id is not null), '{}') as template_ids
      from unnest(${intervals.map(({ start }) => start)}::timestamptz[],
                  ${intervals.map(({ end }) => end)}::timestamptz[]) with ordinality as i (starts, ends, place)
      left join (${usageOf(scope, { start: first.start, end: last.end })}) as usage
        on usage.start_time >= i.starts and usage.start_time < i.ends
     group by i.place order by i.place`.execute(db)
  return rows
}
