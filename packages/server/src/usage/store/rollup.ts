import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Whether this transaction may roll up; another replica at it keeps its turn (OP-52). @throws ApiError 403. */
export async function tryRollupLock(actor: Actor, tx: Db): Promise<boolean> {
  authorize(actor, 'update', { type: 'system' })
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('usage rollup', 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}

/**
 * Rolls up the minutes after those that are rolled up already, a day of them at most, to a row for each half hour, user
 * and template. Half hours that minutes may have been added to since are counted anew.
 *
 * @param now the end of the last minute that may be there.
 * @returns whether there is more to roll up.
 * @throws ApiError 403 without `system:update`.
 */
export async function rollUpUsage(actor: Actor, tx: Db, now: Date): Promise<boolean> {
  authorize(actor, 'update', { type: 'system' })
  const span = await sql<{ from: Date | null; until: Date; more: boolean }>`
    select f."from", least(f."from" + interval '1 day', ${now}::timestamptz) as until,
           f."from" + interval '1 day' < ${now} as more
      from (select date_bin('30 minutes', coalesce(
               -- Reports come late when a write has failed.
               (select least(rolled_up_to, ${now}) - interval '30 minutes' from usage_rollup),
               least((select min(minute) from workspace_agent_stats), (select min(minute) from workspace_app_stats))
             ), 'epoch') as "from") f`.execute(tx)
  const [found] = span.rows
  if (found === undefined) return false
  const { from, until, more } = found
  if (from !== null) await rollUp(tx, from, until)
  await sql`
    insert into usage_rollup (rolled_up_to) values (${from === null ? now : until})
    on conflict (singleton) do update set rolled_up_to = excluded.rolled_up_to`.execute(tx)
  return from !== null && more
}

/** Counts a minute once, however many workspaces of a template were used in it (WS-270). */
async function rollUp(tx: Db, from: Date, until: Date): Promise<void> {
  await sql`
    with sessions as (
      select user_id, template_id, minute, vscode > 0 as vscode, jetbrains > 0 as jetbrains,
             reconnecting_pty > 0 as reconnecting_pty, ssh > 0 as ssh, sftp > 0 as sftp, latency_ms
        from workspace_agent_stats
       where minute >= ${from} and minute < ${until} and sessions > 0),
    app_uses as (
      select user_id, template_id, slug, minute,
             lag(minute) over (partition by user_id, template_id, slug order by minute)
               is distinct from minute - interval '1 minute' as begins
        from (select distinct user_id, template_id, slug, minute from workspace_app_stats
               where minute >= ${from}::timestamptz - interval '1 minute' and minute < ${until}) as uses),
    used as (
      select user_id, template_id, minute, bool_or(vscode) as vscode, bool_or(jetbrains) as jetbrains,
             bool_or(reconnecting_pty) as reconnecting_pty, bool_or(ssh) as ssh, bool_or(sftp) as sftp
        from (select user_id, template_id, minute, vscode, jetbrains, reconnecting_pty, ssh, sftp from sessions
              union all
              select user_id, template_id, minute, false, false, false, false, false from app_uses
               where minute >= ${from}) as each
       group by user_id, template_id, minute),
    buckets as (
      select date_bin('30 minutes', minute, 'epoch') as start_time, template_id, user_id, count(*) as usage_mins,
             count(*) filter (where vscode) as vscode_mins, count(*) filter (where jetbrains) as jetbrains_mins,
             count(*) filter (where reconnecting_pty) as reconnecting_pty_mins,
             count(*) filter (where ssh) as ssh_mins, count(*) filter (where sftp) as sftp_mins
        from used group by 1, 2, 3),
    latencies as (
      select date_bin('30 minutes', minute, 'epoch') as start_time, template_id, user_id,
             percentile_cont(0.5) within group (order by latency_ms) as median_latency_ms
        from sessions where latency_ms is not null group by 1, 2, 3),
    apps as (
      select start_time, template_id, user_id,
             jsonb_object_agg(slug, jsonb_build_object('mins', mins, 'times', times)) as apps
        from (select date_bin('30 minutes', minute, 'epoch') as start_time, template_id, user_id, slug,
                     count(*) as mins, count(*) filter (where begins) as times
                from app_uses where minute >= ${from} group by 1, 2, 3, 4) as each
       group by 1, 2, 3)
    insert into template_usage_stats
      (start_time, template_id, user_id, usage_mins, vscode_mins, jetbrains_mins, reconnecting_pty_mins, ssh_mins,
       sftp_mins, apps, median_latency_ms)
    select b.start_time, b.template_id, b.user_id, b.usage_mins, b.vscode_mins, b.jetbrains_mins,
           b.reconnecting_pty_mins, b.ssh_mins, b.sftp_mins, p.apps, l.median_latency_ms
      from buckets b
      join users u on u.id = b.user_id and not u.is_system
      join templates t on t.id = b.template_id
      left join apps p using (start_time, template_id, user_id)
      left join latencies l using (start_time, template_id, user_id)
    on conflict (start_time, user_id, template_id) do update
      set usage_mins = excluded.usage_mins, vscode_mins = excluded.vscode_mins,
          jetbrains_mins = excluded.jetbrains_mins, reconnecting_pty_mins = excluded.reconnecting_pty_mins,
          ssh_mins = excluded.ssh_mins, sftp_mins = excluded.sftp_mins, apps = excluded.apps,
          median_latency_ms = excluded.median_latency_ms`.execute(tx)
}
