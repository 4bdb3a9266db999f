import { sql } from 'kysely'

import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { requireInsights } from './scope.ts'

/** Users of a status at the end of a day. */
export interface StatusCount {
  readonly status: 'active' | 'dormant' | 'suspended'
  /** The beginning of the day. */
  readonly date: Date
  readonly count: number
}

/**
 * How many users had which status at the end of each of the last days, today as it is now; deleted users count until they
 * were deleted (WS-273, ID-6).
 *
 * @param zone name of a time zone that the database knows, where the days are.
 * @throws ApiError 404 for whoever may not see all insights.
 */
export async function countUserStatuses(
  actor: Actor,
  db: Db,
  { now, days, zone }: { readonly now: Date; readonly days: number; readonly zone: string },
): Promise<StatusCount[]> {
  requireInsights(actor, [])
  const { rows } = await sql<StatusCount>`
    with days as (
      select day at time zone ${zone} as starts, (day + interval '1 day') at time zone ${zone} as ends
        from (select date_trunc('day', ${now}::timestamptz at time zone ${zone}) - make_interval(days => n) as day
                from generate_series(0, ${days - 1}::int) n) as each),
    spans as (
      select c.new_status as status, c.changed_at as begins,
             coalesce(lead(c.changed_at) over (partition by c.user_id order by c.changed_at, c.id),
                      case when u.deleted then d.deleted_at end, 'infinity') as ends
        from user_status_changes c
        join users u on u.id = c.user_id and not u.is_system
        left join lateral (
          select max(deleted_at) as deleted_at from user_deletions where user_id = c.user_id) d on true)
    select s.status, d.starts as date, count(p.begins)::int as count
      from days d
     cross join unnest(enum_range(null::user_status)) s (status)
      left join spans p on p.status = s.status and p.begins < d.ends and p.ends >= d.ends
     group by s.status, d.starts order by s.status, d.starts`.execute(db)
  return rows
}

/** Whether the database knows a time zone of this name. @throws ApiError 404 for whoever may not see all insights. */
export async function isKnownZone(actor: Actor, db: Db, name: string): Promise<boolean> {
  requireInsights(actor, [])
  const { rows } = await sql<{ known: boolean }>`
    select exists (select from pg_timezone_names where lower(name) = lower(${name})) as known`.execute(db)
  return rows[0]?.known === true
}
