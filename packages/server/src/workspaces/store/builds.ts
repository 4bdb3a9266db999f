import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type {
  ProvisionerJobsTable,
  WorkspaceBuildParametersTable,
  WorkspaceBuildsTable,
} from '../../database/tables.ts'
import { badRequest, conflict, notFound } from '../../errors/index.ts'
import { jobFromJson } from '../../templates/index.ts'
import {
  mayTransition,
  transitionAction,
  type WorkspaceOwnership,
  workspaceObject,
} from './workspace-object.ts'

/** Answer to all but one of several builds at once (WS-171). */
export const BUILD_ACTIVE_MESSAGE = 'A workspace build is already active.'

/** A build with its job and the names that answers show; never its state. */
export type BuildRow = Omit<
  Selectable<WorkspaceBuildsTable>,
  'provisioner_state' | 'notified_autostop_deadline'
> & {
  readonly initiator_name: string
  readonly template_version_name: string
  readonly workspace_name: string
  readonly owner_id: string
  readonly owner_name: string
  readonly owner_avatar_url: string
  readonly template_id: string
  readonly organization_id: string
  readonly job: Selectable<ProvisionerJobsTable>
}

type Selected = Omit<BuildRow, 'job'> &
  Omit<WorkspaceOwnership, 'id'> & { readonly job: Record<string, unknown> }

const COLUMNS = [
  'b.id',
  'b.created_at',
  'b.updated_at',
  'b.workspace_id',
  'b.template_version_id',
  'b.build_number',
  'b.transition',
  'b.initiator_id',
  'b.job_id',
  'b.reason',
  'b.deadline',
  'b.max_deadline',
  'b.daily_cost',
  'b.template_version_preset_id',
  'b.has_ai_task',
  'b.has_external_agent',
  'v.name as template_version_name',
  'w.name as workspace_name',
  'w.owner_id',
  'w.organization_id',
  'w.template_id',
  'w.dormant_at',
  'w.user_acl',
  'w.group_acl',
  'u.username as owner_name',
  'u.avatar_url as owner_avatar_url',
] as const

function buildQuery(db: Db) {
  return db
    .selectFrom('workspace_builds as b')
    .innerJoin('workspaces as w', 'w.id', 'b.workspace_id')
    .innerJoin('users as u', 'u.id', 'w.owner_id')
    .innerJoin('template_versions as v', 'v.id', 'b.template_version_id')
    .innerJoin('provisioner_jobs as j', 'j.id', 'b.job_id')
    .leftJoin('users as i', 'i.id', 'b.initiator_id')
    .select(COLUMNS)
    .select([
      sql<string>`coalesce(i.username, '')`.as('initiator_name'),
      sql<Record<string, unknown>>`to_jsonb(j)`.as('job'),
    ])
}

function readable(actor: Actor, row: Selected | undefined): BuildRow {
  if (row === undefined || !isAllowed(actor, 'read', workspaceObject({ ...row, id: row.workspace_id })))
    throw notFound()
  return { ...row, job: jobFromJson(row.job) }
}

/** One build. @throws ApiError 404. */
export async function getBuild(actor: Actor, db: Db, id: string): Promise<BuildRow> {
  return readable(actor, await buildQuery(db).where('b.id', '=', id).executeTakeFirst())
}

/** A build of a workspace by its number; undefined when there is none. @throws ApiError 404 when not readable. */
export async function findBuildByNumber(
  actor: Actor,
  db: Db,
  workspaceId: string,
  number: number,
): Promise<BuildRow | undefined> {
  const row = await buildQuery(db)
    .where('b.workspace_id', '=', workspaceId)
    .where('b.build_number', '=', number)
    .executeTakeFirst()
  return row === undefined ? undefined : readable(actor, row)
}

/** The builds of these jobs (WS-203). @throws ApiError 404 when one may not be read. */
export async function listEndedBuilds(
  actor: Actor,
  db: Db,
  jobIds: readonly string[],
): Promise<(BuildRow & Omit<WorkspaceOwnership, 'id'>)[]> {
  const rows = await buildQuery(db)
    .where(sql<boolean>`b.job_id = any(${[...jobIds]}::uuid[])`)
    .execute()
  return rows.map((row) => ({ ...row, ...readable(actor, row) }))
}

/** Builds of a workspace, the newest first (WS-187). @throws ApiError 404, 400 for an unknown cursor. */
export async function listBuilds(
  actor: Actor,
  db: Db,
  workspace: WorkspaceOwnership,
  page: {
    readonly since?: Date | undefined
    /** Only newer builds than this one. */
    readonly afterId?: string | undefined
    /** Only older builds than this one (WS-304). */
    readonly beforeId?: string | undefined
    readonly limit?: number | undefined
    readonly offset?: number | undefined
  },
): Promise<BuildRow[]> {
  if (!isAllowed(actor, 'read', workspaceObject(workspace))) throw notFound()
  let query = buildQuery(db).where('b.workspace_id', '=', workspace.id).orderBy('b.build_number', 'desc')
  // Answers show milliseconds: what was shown is not shown again.
  if (page.since !== undefined)
    query = query.where(sql<Date>`date_trunc('milliseconds', b.created_at)`, '>', page.since)
  const numberAt = async (field: string, id: string): Promise<number> => {
    const cursor = await db
      .selectFrom('workspace_builds')
      .select('build_number')
      .where('id', '=', id)
      .where('workspace_id', '=', workspace.id)
      .executeTakeFirst()
    if (cursor === undefined) throw badRequest(`Record at "${field}" (${JSON.stringify(id)}) does not exist.`)
    return cursor.build_number
  }
  if (page.afterId !== undefined)
    query = query.where('b.build_number', '>', await numberAt('after_id', page.afterId))
  if (page.beforeId !== undefined)
    query = query.where('b.build_number', '<', await numberAt('before_id', page.beforeId))
  if (page.limit !== undefined && page.limit > 0) query = query.limit(page.limit)
  if (page.offset !== undefined) query = query.offset(page.offset)
  return (await query.execute()).map((row) => readable(actor, row))
}

/** What a new build is made of. */
export interface NewBuild {
  readonly id: string
  readonly workspaceId: string
  readonly templateVersionId: string
  readonly buildNumber: number
  readonly transition: BuildRow['transition']
  readonly initiatorId: string
  readonly jobId: string
  readonly reason: BuildRow['reason']
  readonly presetId: string | null
  /** Sealed state; undefined takes that of the build before, null starts without any. */
  readonly state: Buffer | null | undefined
  readonly parameters: readonly { readonly name: string; readonly value: string }[]
}

/** Stores a build. @throws ApiError 403 for the transition, 409 when another one came first (WS-171). */
export async function insertBuild(
  actor: Actor,
  tx: Db,
  workspace: WorkspaceOwnership,
  build: NewBuild,
): Promise<void> {
  if (!mayTransition(actor, build.transition, workspace))
    authorize(actor, transitionAction(build.transition, workspace), workspaceObject(workspace))
  try {
    await tx
      .insertInto('workspace_builds')
      .values({
        id: build.id,
        workspace_id: build.workspaceId,
        template_version_id: build.templateVersionId,
        build_number: build.buildNumber,
        transition: build.transition,
        initiator_id: build.initiatorId,
        job_id: build.jobId,
        reason: build.reason,
        template_version_preset_id: build.presetId,
        provisioner_state:
          build.state === undefined
            ? sql<Buffer | null>`(select p.provisioner_state from workspace_builds p where p.workspace_id = ${build.workspaceId}::uuid and p.build_number = ${build.buildNumber - 1})`
            : build.state,
        // What runs goes on to cost what it costs until this build takes on its own cost, or is refused (WS-64).
        daily_cost: sql<number>`coalesce((select p.daily_cost from workspace_builds p where p.workspace_id = ${build.workspaceId}::uuid and p.build_number = ${build.buildNumber - 1}), 0)`,
      })
      .execute()
  } catch (error) {
    if (violatedUnique(error) === 'workspace_builds_workspace_id_build_number_key')
      throw conflict(BUILD_ACTIVE_MESSAGE)
    throw error
  }
  if (build.parameters.length > 0)
    await tx
      .insertInto('workspace_build_parameters')
      .values(build.parameters.map(({ name, value }) => ({ workspace_build_id: build.id, name, value })))
      .execute()
}

/** The values that a build was given. @throws ApiError 403 without `workspace:read`. */
export async function listBuildParameters(
  actor: Actor,
  db: Db,
  buildId: string,
): Promise<Selectable<WorkspaceBuildParametersTable>[]> {
  authorize(actor, 'read', { type: 'workspace' })
  return db
    .selectFrom('workspace_build_parameters')
    .selectAll()
    .where('workspace_build_id', '=', buildId)
    .orderBy('name')
    .execute()
}

/**
 * The values that each of these builds was given, by its id, in order of their names (WS-305).
 *
 * @throws ApiError 403 without `workspace:read`.
 */
export async function listParametersOfBuilds(
  actor: Actor,
  db: Db,
  buildIds: readonly string[],
): Promise<ReadonlyMap<string, Pick<WorkspaceBuildParametersTable, 'name' | 'value'>[]>> {
  authorize(actor, 'read', { type: 'workspace' })
  const rows = await db
    .selectFrom('workspace_build_parameters')
    .selectAll()
    .where(sql<boolean>`workspace_build_id = any(${[...buildIds]}::uuid[])`)
    .orderBy('name')
    .execute()
  return Map.groupBy(rows, (row) => row.workspace_build_id)
}

/** The sealed state of a build; null when it has none. @throws ApiError 403 for all but provisioning. */
export async function getBuildState(actor: Actor, db: Db, buildId: string): Promise<Buffer | null> {
  authorize(actor, 'update', { type: 'template' })
  const row = await db
    .selectFrom('workspace_builds')
    .select('provisioner_state')
    .where('id', '=', buildId)
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row.provisioner_state
}

/** Stores the sealed state of a build. @throws ApiError 403 for all but provisioning. */
export async function setBuildState(
  actor: Actor,
  tx: Db,
  buildId: string,
  state: Buffer | null,
): Promise<void> {
  authorize(actor, 'update', { type: 'template' })
  await tx
    .updateTable('workspace_builds')
    .set({ provisioner_state: state, updated_at: sql<Date>`now()` })
    .where('id', '=', buildId)
    .execute()
}

/** Stores what a build has led to (PR-48). @throws ApiError 403 without `workspace:update`. */
export async function finishBuild(
  actor: Actor,
  tx: Db,
  buildId: string,
  result: {
    readonly state: Buffer | null
    readonly deadline: Date | null
    readonly maxDeadline: Date | null
    readonly dailyCost: number
    readonly hasAiTask: boolean
    /** The stored app that carries out the task of the workspace, if any. */
    readonly taskAppId: string | undefined
    readonly hasExternalAgent: boolean
  },
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace' })
  if (result.taskAppId !== undefined)
    await tx
      .insertInto('task_workspace_apps')
      .values({ workspace_build_id: buildId, app_id: result.taskAppId })
      .execute()
  await tx
    .updateTable('workspace_builds')
    .set({
      provisioner_state: result.state,
      deadline: result.deadline,
      max_deadline: result.maxDeadline,
      daily_cost: result.dailyCost,
      has_ai_task: result.hasAiTask,
      has_external_agent: result.hasExternalAgent,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', buildId)
    .execute()
}

/** Moves the deadline of a running build (WS-163). @throws ApiError 403 without `workspace:update`. */
export async function setDeadline(
  actor: Actor,
  db: Db,
  workspace: WorkspaceOwnership,
  buildId: string,
  deadline: Date | null,
): Promise<void> {
  authorize(actor, 'update', workspaceObject(workspace))
  await db
    .updateTable('workspace_builds')
    .set({ deadline, updated_at: sql<Date>`now()` })
    .where('id', '=', buildId)
    .execute()
}
