import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Interval } from '../period.ts'

/** More series than a scraper would want. */
const MAX_SERIES = 10_000

/** A template as series name it. */
interface OfTemplate {
  readonly organization_name: string
  readonly template_name: string
}

/** What of a template was used in a time. */
export interface TemplateFigures {
  readonly users: readonly (OfTemplate & { readonly count: number })[]
  readonly apps: readonly (OfTemplate & {
    readonly application_name: string
    readonly slug: string
    readonly seconds: number
  })[]
  readonly parameters: readonly (OfTemplate & {
    readonly parameter_name: string
    readonly parameter_type: string
    readonly parameter_value: string
    readonly count: number
  })[]
}

/** How templates are used, for series (OP-81). @throws ApiError 403 without `deployment_stats:read`. */
export async function findTemplateFigures(
  actor: Actor,
  db: Db,
  { start, end }: Interval,
): Promise<TemplateFigures> {
  authorize(actor, 'read', { type: 'deployment_stats' })
  const names = sql`o.name as organization_name, t.name as template_name`
  const named = sql`join templates t on t.id = s.template_id join organizations o on o.id = t.organization_id`
  // A minute counts once for a user, in however many workspaces.
  const users = await sql<TemplateFigures['users'][number]>`
    select ${names}, count(*)::int as count
      from (select template_id, user_id from workspace_agent_stats
             where minute >= ${start} and minute < ${end} and sessions > 0
             union
            select template_id, user_id from workspace_app_stats where minute >= ${start} and minute < ${end}) s
      ${named} group by o.name, t.name`.execute(db)
  const apps = await sql<TemplateFigures['apps'][number]>`
    select ${names}, s.application_name, s.slug, (count(*) * 60)::int as seconds
      from (select distinct a.template_id, a.user_id, a.minute, k.application_name, k.slug
              from workspace_agent_stats a
             cross join lateral (values ('Visual Studio Code', 'vscode', a.vscode), ('JetBrains', 'jetbrains', a.jetbrains),
                     ('Web Terminal', 'reconnecting-pty', a.reconnecting_pty), ('SSH', 'ssh', a.ssh),
                     ('SFTP', 'sftp', a.sftp)) as k (application_name, slug, sessions)
             where a.minute >= ${start} and a.minute < ${end} and k.sessions > 0
             union
            select a.template_id, a.user_id, a.minute, coalesce(n.display_name, ''), a.slug
              from workspace_app_stats a
              left join template_used_apps n on n.template_id = a.template_id and n.slug = a.slug
             where a.minute >= ${start} and a.minute < ${end}) s
      ${named} group by o.name, t.name, s.application_name, s.slug limit ${MAX_SERIES}`.execute(db)
  const parameters = await sql<TemplateFigures['parameters'][number]>`
    select ${names}, p.name as parameter_name, p.type as parameter_type, v.value as parameter_value,
           count(*)::int as count
      from (select distinct on (b.workspace_id) b.id, b.template_version_id, w.template_id
              from workspace_builds b join workspaces w on w.id = b.workspace_id
             where b.created_at >= ${start} and b.created_at < ${end} and b.transition = 'start'
             order by b.workspace_id, b.build_number desc) s
      ${named}
      join template_version_parameters p on p.template_version_id = s.template_version_id
      join workspace_build_parameters v on v.workspace_build_id = s.id and v.name = p.name
     group by o.name, t.name, p.name, p.type, v.value limit ${MAX_SERIES}`.execute(db)
  return { users: users.rows, apps: apps.rows, parameters: parameters.rows }
}
