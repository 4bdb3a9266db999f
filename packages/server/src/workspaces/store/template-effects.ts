import { sql } from 'kysely'

import { type Actor, authorize, PREBUILDS_USER } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** The template whose workspaces are changed. */
interface OfTemplate {
  readonly id: string
  readonly organization_id: string
}

/** A workspace whose time of deletion has changed. */
export interface MarkedWorkspace {
  readonly id: string
  readonly name: string
  readonly owner_id: string
}

/** A workspace that runs, and what says when it stops. */
export interface RunningBuild {
  readonly id: string
  readonly completed_at: Date
  readonly ttl: number | null
  readonly autostart_schedule: string | null
  readonly quiet_hours_schedule: string
}

/** When a running workspace stops by new rules. */
export interface NewStop {
  readonly buildId: string
  readonly maxDeadline: Date | null
  /** It no longer stops by itself at all. */
  readonly never: boolean
}

/** Has all workspaces of a template count as used now (WS-88). @throws ApiError 403 without `workspace:update`. */
export async function touchWorkspaces(actor: Actor, tx: Db, template: OfTemplate, now: Date): Promise<void> {
  authorize(actor, 'update', { type: 'workspace', organization: template.organization_id })
  await tx
    .updateTable('workspaces')
    .set({ last_used_at: now })
    .where('template_id', '=', template.id)
    .where('deleted', '=', false)
    .where('last_used_at', '<', now)
    .execute()
}

/**
 * Tells anew when the dormant workspaces of a template are deleted (WS-88, WS-90).
 *
 * @param restartedAt from when they are dormant now; undefined leaves that as it is.
 * @returns those that this changes something for.
 * @throws ApiError 403 without `workspace_dormant:update`.
 */
export async function redateDormant(
  actor: Actor,
  tx: Db,
  template: OfTemplate & { readonly time_til_dormant_autodelete: number },
  restartedAt: Date | undefined,
): Promise<MarkedWorkspace[]> {
  authorize(actor, 'update', { type: 'workspace_dormant', organization: template.organization_id })
  const { rows } = await sql<MarkedWorkspace>`
    with dates as (
      select w.id, coalesce(${restartedAt ?? null}::timestamptz, w.dormant_at) as dormant_at
        from workspaces w
       where w.template_id = ${template.id}::uuid and not w.deleted and w.dormant_at is not null),
    ends as (
      select id, dormant_at, case when ${template.time_til_dormant_autodelete}::bigint > 0
               then dormant_at + make_interval(secs => ${template.time_til_dormant_autodelete}::bigint / 1e9) end as deleting_at
        from dates)
    update workspaces w set dormant_at = e.dormant_at, deleting_at = e.deleting_at, updated_at = now()
      from ends e
     where w.id = e.id and (w.dormant_at, w.deleting_at) is distinct from (e.dormant_at, e.deleting_at)
    returning w.id, w.name, w.owner_id`.execute(tx)
  return rows
}

/** Gives all workspaces the time until shutdown of their template (WS-90). @throws ApiError 403 without `workspace:update`. */
export async function imposeTtl(
  actor: Actor,
  tx: Db,
  template: OfTemplate & { readonly default_ttl: number },
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace', organization: template.organization_id })
  await sql`
    update workspaces set ttl = nullif(${template.default_ttl}::bigint, 0), updated_at = now()
     where template_id = ${template.id}::uuid and not deleted and owner_id <> ${PREBUILDS_USER}::uuid
       and ttl is distinct from nullif(${template.default_ttl}::bigint, 0)`.execute(tx)
}

/**
 * Running workspaces of a template that new rules of stopping apply to (WS-90): not those that have to stop before a time
 * anyway, nor prebuilt ones.
 *
 * @throws ApiError 403 without `workspace:update`.
 */
export async function listRunningBuilds(
  actor: Actor,
  tx: Db,
  template: OfTemplate,
  until: Date,
): Promise<RunningBuild[]> {
  authorize(actor, 'update', { type: 'workspace', organization: template.organization_id })
  const { rows } = await sql<RunningBuild>`
    select b.id, j.completed_at, w.ttl, w.autostart_schedule, u.quiet_hours_schedule
      from workspaces w
      join users u on u.id = w.owner_id
      join lateral (select * from workspace_builds l where l.workspace_id = w.id
                     order by l.build_number desc limit 1) b on true
      join provisioner_jobs j on j.id = b.job_id
     where w.template_id = ${template.id}::uuid and not w.deleted and w.owner_id <> ${PREBUILDS_USER}::uuid
       and b.transition = 'start' and j.job_status = 'succeeded'
       and (b.max_deadline is null or b.max_deadline > ${until})`.execute(tx)
  return rows
}

/**
 * Moves the latest time at which workspaces stop, and their deadlines as far as that takes it (WS-90).
 *
 * @throws ApiError 403 without `workspace:update`.
 */
export async function moveStops(
  actor: Actor,
  tx: Db,
  template: OfTemplate,
  stops: readonly NewStop[],
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace', organization: template.organization_id })
  if (stops.length === 0) return
  await sql`
    with stops as (
      select * from unnest(${stops.map((stop) => stop.buildId)}::uuid[],
                           ${stops.map((stop) => stop.maxDeadline)}::timestamptz[],
                           ${stops.map((stop) => stop.never)}::boolean[]) as s (build_id, latest, never)),
    moved as (
      select b.id, s.latest, case when s.never then null
               when b.deadline is null or b.deadline > s.latest then s.latest else b.deadline end as deadline
        from stops s join workspace_builds b on b.id = s.build_id)
    update workspace_builds b set max_deadline = m.latest, deadline = m.deadline, updated_at = now()
      from moved m
     where b.id = m.id and (b.max_deadline, b.deadline) is distinct from (m.latest, m.deadline)`.execute(tx)
}
