import { type Expression, type Selectable, type SqlBool, sql } from 'kysely'

import { type Actor, authorize, isAllowed, SCOPE_ALL, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ProvisionerJobsTable, UsersTable, WorkspacesTable } from '../../database/tables.ts'
import { noteInLog } from '../../edge/index.ts'
import { notFound } from '../../errors/index.ts'
import type { AppStatusRecord } from '../../resources/index.ts'
import { jobFromJson, templateObject } from '../../templates/index.ts'
import { workspaceObject } from './workspace-object.ts'

/** A workspace with its latest build, job, template, owner and organization: what every answer needs. */
export type WorkspaceRow = Selectable<WorkspacesTable> & {
  readonly owner_name: string
  readonly owner_avatar_url: string
  readonly organization_name: string
  readonly template_name: string
  readonly template_display_name: string
  readonly template_icon: string
  readonly template_active_version_id: string
  readonly template_allow_user_cancel_workspace_jobs: boolean
  readonly template_require_active_version: boolean
  readonly template_use_classic_parameter_flow: boolean
  readonly template_allow_user_autostop: boolean
  readonly template_allow_user_autostart: boolean
  readonly template_default_ttl: number
  readonly template_failure_ttl: number
  readonly template_time_til_dormant: number
  readonly template_time_til_dormant_autodelete: number
  readonly template_autostart_block_days: number
  readonly owner_status: Selectable<UsersTable>['status']
  readonly template_user_acl: Selectable<WorkspacesTable>['user_acl']
  readonly template_group_acl: Selectable<WorkspacesTable>['group_acl']
  readonly build_id: string
  readonly build_created_at: Date
  readonly build_updated_at: Date
  readonly build_number: number
  readonly transition: 'start' | 'stop' | 'delete'
  readonly reason: string
  readonly initiator_id: string
  readonly initiator_name: string
  readonly template_version_id: string
  readonly template_version_name: string
  readonly template_version_preset_id: string | null
  readonly deadline: Date | null
  readonly max_deadline: Date | null
  readonly daily_cost: number
  readonly has_ai_task: boolean
  readonly has_external_agent: boolean
  readonly job: Selectable<ProvisionerJobsTable>
  /** The task that it was made for; null for most. */
  readonly task_id: string | null
  /** What any of its apps, of whichever build, has reported last. */
  readonly latest_app_status: AppStatusRecord | null
}

type Selected = Omit<WorkspaceRow, 'job'> & { readonly job: Record<string, unknown> }

function workspaceQuery(db: Pick<Db, 'selectFrom'>) {
  return db
    .selectFrom('workspaces as w')
    .innerJoin('users as u', 'u.id', 'w.owner_id')
    .innerJoin('organizations as o', 'o.id', 'w.organization_id')
    .innerJoin('templates as t', 't.id', 'w.template_id')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('workspace_builds as latest')
          .selectAll('latest')
          .whereRef('latest.workspace_id', '=', 'w.id')
          .orderBy('latest.build_number', 'desc')
          .limit(1)
          .as('b'),
      (join) => join.onTrue(),
    )
    .innerJoin('provisioner_jobs as j', 'j.id', 'b.job_id')
    .innerJoin('template_versions as v', 'v.id', 'b.template_version_id')
    .leftJoin('users as i', 'i.id', 'b.initiator_id')
}

const COLUMNS = [
  'u.username as owner_name',
  'u.avatar_url as owner_avatar_url',
  'o.name as organization_name',
  't.name as template_name',
  't.display_name as template_display_name',
  't.icon as template_icon',
  't.active_version_id as template_active_version_id',
  't.allow_user_cancel_workspace_jobs as template_allow_user_cancel_workspace_jobs',
  't.require_active_version as template_require_active_version',
  't.use_classic_parameter_flow as template_use_classic_parameter_flow',
  't.allow_user_autostop as template_allow_user_autostop',
  't.allow_user_autostart as template_allow_user_autostart',
  't.default_ttl as template_default_ttl',
  't.failure_ttl as template_failure_ttl',
  't.time_til_dormant as template_time_til_dormant',
  't.time_til_dormant_autodelete as template_time_til_dormant_autodelete',
  't.autostart_block_days as template_autostart_block_days',
  'u.status as owner_status',
  't.user_acl as template_user_acl',
  't.group_acl as template_group_acl',
  'b.id as build_id',
  'b.created_at as build_created_at',
  'b.updated_at as build_updated_at',
  'b.build_number',
  'b.transition',
  'b.reason',
  'b.initiator_id',
  'b.template_version_id',
  'b.template_version_preset_id',
  'b.deadline',
  'b.max_deadline',
  'b.daily_cost',
  'b.has_ai_task',
  'b.has_external_agent',
  'v.name as template_version_name',
] as const

const initiatorName = sql<string>`coalesce(i.username, '')`.as('initiator_name')
const job = sql<Record<string, unknown>>`to_jsonb(j)`.as('job')
const latestAppStatus = sql<AppStatusRecord | null>`(
  select to_jsonb(s) from workspace_app_statuses s where s.workspace_id = w.id
   order by s.created_at desc, s.id limit 1)`.as('latest_app_status')
const taskId = sql<string | null>`(
  select k.id from tasks k where k.workspace_id = w.id and k.deleted_at is null)`.as('task_id')
/** What is selected of a workspace, beside its own row. */
const SHOWN = [...COLUMNS, initiatorName, job, latestAppStatus, taskId] as const

function revive(row: Selected): WorkspaceRow {
  return { ...row, job: jobFromJson(row.job) }
}

/** A workspace, deleted or not. @throws ApiError 404. */
export async function getWorkspace(actor: Actor, db: Db, id: string): Promise<WorkspaceRow> {
  const row = await workspaceQuery(db).selectAll('w').select(SHOWN).where('w.id', '=', id).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', workspaceObject(row))) throw notFound()
  noteInLog({ workspace_name: row.name })
  return revive(row)
}

/**
 * A workspace by owner and name: the live one, or with `includeDeleted` the youngest deleted one (WS-141).
 *
 * @throws ApiError 404.
 */
export async function getWorkspaceByName(
  actor: Actor,
  db: Db,
  ownerId: string,
  name: string,
  includeDeleted: boolean,
): Promise<WorkspaceRow> {
  const row = await workspaceQuery(db)
    .selectAll('w')
    .select(SHOWN)
    .where('w.owner_id', '=', ownerId)
    .where(sql<string>`lower(w.name)`, '=', name.toLowerCase())
    .where(includeDeleted ? sql<boolean>`true` : sql<boolean>`not w.deleted`)
    .orderBy('w.deleted')
    .orderBy('w.created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', workspaceObject(row))) throw notFound()
  noteInLog({ workspace_name: row.name })
  return revive(row)
}

/** Whether the actor's roles let them read the template, whatever the scope of the credential (WS-140, RB-141). */
export function mayReadTemplate(actor: Actor, row: WorkspaceRow): boolean {
  return isAllowed(
    { ...actor, scope: SCOPE_ALL },
    'read',
    templateObject({
      id: row.template_id,
      organization_id: row.organization_id,
      user_acl: row.template_user_acl,
      group_acl: row.template_group_acl,
    }),
  )
}

/** One page of a search. */
export interface WorkspacePage {
  readonly limit?: number | undefined
  readonly offset?: number | undefined
}

/**
 * Live workspaces that the actor may read and that meet all conditions, with the number of all matches; one
 * statement, and a second one only for a page behind the end (WS-150). Those whose template the actor's roles do not show
 * are as if they were not there (WS-307).
 */
export async function listWorkspaces(
  actor: Actor,
  db: Db,
  conditions: readonly Expression<SqlBool>[],
  page: WorkspacePage,
): Promise<{ readonly rows: WorkspaceRow[]; readonly count: number }> {
  const columns = {
    id: sql.ref<string>('w.id'),
    owner: sql.ref<string>('w.owner_id'),
    organization: sql.ref<string>('w.organization_id'),
    userAcl: sql.ref('w.user_acl'),
    groupAcl: sql.ref('w.group_acl'),
  }
  // RB-123: a dormant workspace is a type of its own here as it is when it is read alone.
  let filtered = workspaceQuery(db)
    .where('w.deleted', '=', false)
    .where((eb) =>
      eb.or([
        eb.and([eb('w.dormant_at', 'is', null), sqlFilter(actor, 'read', 'workspace', columns)]),
        eb.and([eb('w.dormant_at', 'is not', null), sqlFilter(actor, 'read', 'workspace_dormant', columns)]),
      ]),
    )
    .where(
      sqlFilter({ ...actor, scope: SCOPE_ALL }, 'read', 'template', {
        id: sql.ref<string>('t.id'),
        organization: sql.ref<string>('t.organization_id'),
        userAcl: sql.ref('t.user_acl'),
        groupAcl: sql.ref('t.group_acl'),
      }),
    )
  for (const condition of conditions) filtered = filtered.where(condition)
  const order = [
    sql`(w.favorite and w.owner_id = ${actor.id}::uuid) desc`,
    sql`(b.transition = 'start' and j.job_status = 'succeeded') desc`,
    sql`lower(u.username)`,
    sql`lower(w.name)`,
  ]
  // The page is chosen first, so that whole rows are made for its workspaces only and not for all matches.
  let chosen = filtered.select(['w.id as chosen_id', sql<number>`(count(*) over ())::int`.as('matches')])
  for (const key of order) chosen = chosen.orderBy(key)
  if (page.limit !== undefined && page.limit > 0) chosen = chosen.limit(page.limit)
  if (page.offset !== undefined && page.offset > 0) chosen = chosen.offset(page.offset)
  // As an array and not as a join: the planner keeps joins beyond its limit in the order in which they are written.
  let query = workspaceQuery(db.with('page', () => chosen))
    .where('w.id', '=', sql<string>`any(array(select chosen_id from page))`)
    .selectAll('w')
    .select([...SHOWN, sql<number>`(select matches from page limit 1)`.as('matches')])
  for (const key of order) query = query.orderBy(key)
  const rows = await query.execute()
  const [first] = rows
  if (first !== undefined) return { rows: rows.map(revive), count: first.matches }
  if (page.offset === undefined || page.offset === 0) return { rows: [], count: 0 }
  const { count } = await filtered.select(sql<number>`count(*)::int`.as('count')).executeTakeFirstOrThrow()
  return { rows: [], count }
}

/**
 * Live workspaces for which the clock may have something to do (WS-235); who has them decides by the rows
 * themselves.
 *
 * @throws ApiError 403 without `workspace:update`.
 */
export async function listTimedWorkspaces(actor: Actor, db: Db, now: Date): Promise<WorkspaceRow[]> {
  authorize(actor, 'update', { type: 'workspace' })
  const rows = await workspaceQuery(db)
    .selectAll('w')
    .select(SHOWN)
    .where('w.deleted', '=', false)
    .where('j.completed_at', 'is not', null)
    .where((eb) =>
      eb.or([
        eb.and([
          eb('b.transition', '=', 'start'),
          eb('w.dormant_at', 'is', null),
          eb.or([eb('b.deadline', '<=', now), eb('u.status', '=', 'suspended')]),
        ]),
        eb.and([eb('b.transition', '=', 'stop'), eb('w.autostart_schedule', 'is not', null)]),
        eb.and([eb('t.failure_ttl', '>', 0), sql<boolean>`j.job_status = 'failed'`]),
        eb.and([
          eb('t.time_til_dormant', '>', 0),
          eb('w.dormant_at', 'is', null),
          sql<boolean>`w.last_used_at + make_interval(secs => t.time_til_dormant / 1e9) < ${now}`,
        ]),
        eb('w.deleting_at', '<', now),
      ]),
    )
    .orderBy('w.id')
    .execute()
  return rows.map(revive)
}
