import { sql } from 'kysely'

import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Interval } from '../period.ts'
import { type InsightsScope, requireInsights } from './scope.ts'
import { usageOf } from './usage.ts'

/** More apps than templates have. */
const MAX_APPS = 1_000
/** Values of a parameter that are told, the most frequent ones: free texts may all differ. */
const MAX_VALUES = 100
const MAX_ROWS = 10_000

/** How long a built-in way to work was used. */
export interface BuiltInUse {
  readonly slug: 'vscode' | 'jetbrains' | 'reconnecting_pty' | 'ssh' | 'sftp'
  readonly seconds: number
  readonly template_ids: string[]
}

/** How long each built-in way to work was used, by all together (WS-272). @throws ApiError 404 (WS-274). */
export async function listBuiltInUse(
  actor: Actor,
  db: Db,
  scope: InsightsScope,
  time: Interval,
): Promise<BuiltInUse[]> {
  requireInsights(actor, scope)
  const { rows } = await sql<BuiltInUse>`
    with usage as not materialized (${usageOf(scope, time)}),
    total as (
      select sum(vscode) as vscode, sum(jetbrains) as jetbrains, sum(reconnecting_pty) as reconnecting_pty,
             sum(ssh) as ssh, sum(sftp) as sftp
        from (select least(sum(vscode_mins), 30) as vscode, least(sum(jetbrains_mins), 30) as jetbrains,
                     least(sum(reconnecting_pty_mins), 30) as reconnecting_pty, least(sum(ssh_mins), 30) as ssh,
                     least(sum(sftp_mins), 30) as sftp
                from usage group by start_time, user_id) as at_once),
    used as (
      select template_id, bool_or(vscode_mins > 0) as vscode, bool_or(jetbrains_mins > 0) as jetbrains,
             bool_or(reconnecting_pty_mins > 0) as reconnecting_pty, bool_or(ssh_mins > 0) as ssh,
             bool_or(sftp_mins > 0) as sftp
        from usage group by template_id)
    select k.slug, (k.mins * 60)::int as seconds,
           array(select template_id from used
                  where case k.slug when 'vscode' then vscode when 'jetbrains' then jetbrains
                               when 'reconnecting_pty' then reconnecting_pty when 'ssh' then ssh else sftp end
                  order by template_id) as template_ids
      from total cross join lateral (values ('vscode', vscode), ('jetbrains', jetbrains),
             ('reconnecting_pty', reconnecting_pty), ('ssh', ssh), ('sftp', sftp)) as k (slug, mins)
     where k.mins > 0`.execute(db)
  return rows
}

/** How long an app of templates was used, and how often it was begun to be used. */
export interface AppUse {
  readonly slug: string
  readonly display_name: string
  readonly icon: string
  readonly seconds: number
  readonly times_used: number
  readonly template_ids: string[]
}

/** How the apps of templates were used, the longest first (WS-272). @throws ApiError 404 (WS-274). */
export async function listAppUse(
  actor: Actor,
  db: Db,
  scope: InsightsScope,
  time: Interval,
): Promise<AppUse[]> {
  requireInsights(actor, scope)
  const { rows } = await sql<AppUse>`
    with summed as (
      select template_id, app.slug, sum((app.use ->> 'mins')::int) as mins, sum((app.use ->> 'times')::int) as times
        from (${usageOf(scope, time)}) as usage cross join lateral jsonb_each(usage.apps) as app (slug, use)
       where usage.apps is not null
       group by template_id, app.slug),
    named as (
      select s.*, coalesce(n.display_name, '') as display_name, coalesce(n.icon, '') as icon
        from summed s left join template_used_apps n using (template_id, slug))
    select slug, display_name, icon, (sum(mins) * 60)::int as seconds, sum(times)::int as times_used,
           array_agg(template_id order by template_id) as template_ids
      from named group by slug, display_name, icon
     order by seconds desc, slug limit ${MAX_APPS}`.execute(db)
  return rows
}

/** How many workspaces were built with a value of a parameter. */
export interface ValueCount {
  readonly name: string
  readonly display_name: string
  readonly type: string
  readonly description: string
  readonly options: unknown
  readonly value: string
  readonly count: number
  readonly template_ids: string[]
}

/**
 * The values of parameters in the latest start of each workspace that was started in a time, the most frequent first
 * (WS-272).
 *
 * @throws ApiError 404 (WS-274).
 */
export async function listParameterUse(
  actor: Actor,
  db: Db,
  scope: InsightsScope,
  { start, end }: Interval,
): Promise<ValueCount[]> {
  requireInsights(actor, scope)
  const ofTemplates =
    scope.length === 0 ? sql`` : sql`and w.template_id = any(${scope.map(({ id }) => id)}::uuid[])`
  const { rows } = await sql<ValueCount>`
    with latest as (
      select distinct on (b.workspace_id) b.id, b.template_version_id, w.template_id
        from workspace_builds b join workspaces w on w.id = b.workspace_id
       where b.created_at >= ${start} and b.created_at < ${end} and b.transition = 'start' ${ofTemplates}
       order by b.workspace_id, b.build_number desc),
    counted as (
      select p.name, p.display_name, p.type, p.description, p.options, v.value, count(*)::int as count,
             array_agg(distinct l.template_id) as template_ids,
             row_number() over (partition by p.name, p.display_name, p.type, p.description, p.options
                                order by count(*) desc, v.value) as place
        from latest l
        join template_version_parameters p on p.template_version_id = l.template_version_id
        join workspace_build_parameters v on v.workspace_build_id = l.id and v.name = p.name
       group by p.name, p.display_name, p.type, p.description, p.options, v.value)
    select name, display_name, type, description, options, value, count, template_ids
      from counted where place <= ${MAX_VALUES}
     order by name, display_name, type, description, options, place limit ${MAX_ROWS}`.execute(db)
  return rows
}
