import { sql, type Updateable } from 'kysely'

import { type Actor, authorize, type ResourceObject } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { WorkspacesTable } from '../../database/tables.ts'
import { ApiError, conflict, UNIQUE_DETAIL } from '../../errors/index.ts'
import { workspaceObject } from './workspace-object.ts'
import type { WorkspaceRow } from './workspaces.ts'

/** What a new workspace is made of. */
export interface NewWorkspace {
  readonly id: string
  readonly ownerId: string
  readonly organizationId: string
  readonly templateId: string
  readonly name: string
  readonly autostartSchedule: string | null
  readonly ttlNs: number | null
  readonly automaticUpdates: 'always' | 'never'
}

/** Stores a workspace. @throws ApiError 403 without `workspace:create`, 409 on a taken name (WS-135). */
export async function insertWorkspace(actor: Actor, tx: Db, workspace: NewWorkspace): Promise<void> {
  authorize(actor, 'create', newWorkspaceObject(workspace.organizationId, workspace.ownerId))
  try {
    await tx
      .insertInto('workspaces')
      .values({
        id: workspace.id,
        owner_id: workspace.ownerId,
        organization_id: workspace.organizationId,
        template_id: workspace.templateId,
        name: workspace.name,
        autostart_schedule: workspace.autostartSchedule,
        ttl: workspace.ttlNs,
        automatic_updates: workspace.automaticUpdates,
      })
      .execute()
  } catch (error) {
    throw nameTaken(error, workspace.name)
  }
}

/** The object of the right to create a workspace for this owner. */
export function newWorkspaceObject(organizationId: string, ownerId: string): ResourceObject {
  return { type: 'workspace', organization: organizationId, owner: ownerId }
}

function nameTaken(error: unknown, name: string): unknown {
  if (violatedUnique(error) !== 'workspaces_owner_name') return error
  return conflict(`Workspace ${JSON.stringify(name)} already exists.`, {
    validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
  })
}

/** Whether the owner has a live workspace of this name. @throws ApiError 403 without `workspace:create`. */
export async function workspaceNameTaken(
  actor: Actor,
  db: Db,
  owner: { readonly organizationId: string; readonly ownerId: string },
  name: string,
): Promise<boolean> {
  authorize(actor, 'create', newWorkspaceObject(owner.organizationId, owner.ownerId))
  const row = await db
    .selectFrom('workspaces')
    .select('id')
    .where('owner_id', '=', owner.ownerId)
    .where(sql<string>`lower(name)`, '=', name.toLowerCase())
    .where('deleted', '=', false)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Changes a live workspace.
 *
 * @throws ApiError 403 without `workspace:update`, 405 when it was deleted meanwhile, 409 on a taken name.
 */
export async function updateWorkspace(
  actor: Actor,
  db: Db,
  workspace: WorkspaceRow,
  change: Updateable<WorkspacesTable>,
): Promise<void> {
  authorize(actor, 'update', workspaceObject(workspace))
  try {
    const changed = await db
      .updateTable('workspaces')
      .set({ ...change, updated_at: sql<Date>`now()` })
      .where('id', '=', workspace.id)
      .where('deleted', '=', false)
      .returning('id')
      .executeTakeFirst()
    if (changed === undefined)
      throw new ApiError(405, `Workspace ${JSON.stringify(workspace.name)} is deleted and cannot be updated.`)
  } catch (error) {
    throw nameTaken(error, change.name ?? workspace.name)
  }
}

/** Marks a workspace as deleted after its delete build has succeeded (WS-175). @throws ApiError 403. */
export async function markWorkspaceDeleted(actor: Actor, tx: Db, id: string): Promise<void> {
  authorize(actor, 'delete', { type: 'workspace' })
  await tx
    .updateTable('workspaces')
    .set({ deleted: true, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
}

/** Takes the workspace for one replica until the transaction ends; false when another has it (WS-235). @throws ApiError 403. */
export async function tryLockWorkspace(actor: Actor, tx: Db, id: string): Promise<boolean> {
  authorize(actor, 'update', { type: 'workspace' })
  const { rows } = await sql<{
    locked: boolean
  }>`select pg_try_advisory_xact_lock(hashtextextended(${`lifecycle ${id}`}, 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}

/**
 * Moves the deadline of a running workspace that is in use by its template's bump (WS-240): never back, never
 * past the maximum, and only when a twentieth of the bump has passed. A workspace that would start by itself
 * before the new deadline gets the one of that start.
 *
 * @param nextStart when the workspace starts by itself; undefined when it does not.
 * @throws ApiError 403 without `workspace:update`.
 */
export async function bumpDeadline(
  actor: Actor,
  db: Db,
  workspace: WorkspaceRow,
  now: Date,
  nextStart?: Date,
): Promise<void> {
  authorize(actor, 'update', workspaceObject(workspace))
  const ttl = workspace.template_allow_user_autostop ? (workspace.ttl ?? 0) : workspace.template_default_ttl
  await sql`
    update workspace_builds b
       set deadline = least(coalesce(b.max_deadline, 'infinity'::timestamptz), greatest(b.deadline,
             case when ${nextStart ?? null}::timestamptz <= ${now}::timestamptz + make_interval(secs => t.activity_bump / 1e9)
                  then ${nextStart ?? null}::timestamptz + make_interval(secs => ${ttl}::bigint / 1e9)
                  else ${now}::timestamptz + make_interval(secs => t.activity_bump / 1e9) end)),
           updated_at = now()
      from workspaces w join templates t on t.id = w.template_id, provisioner_jobs j
     where b.workspace_id = w.id and w.id = ${workspace.id}::uuid and j.id = b.job_id
       and j.job_status = 'succeeded' and b.transition = 'start' and t.activity_bump > 0
       and b.build_number = (select max(l.build_number) from workspace_builds l where l.workspace_id = w.id)
       and b.deadline - make_interval(secs => t.activity_bump / 1e9 * 0.95) < ${now}::timestamptz
       and b.deadline < coalesce(b.max_deadline, 'infinity'::timestamptz)`.execute(db)
}

/** Notes that a workspace is in use; at most one write a minute (AC-102). @throws ApiError 403. */
export async function touchWorkspace(actor: Actor, db: Db, workspace: WorkspaceRow): Promise<void> {
  authorize(actor, 'update', workspaceObject(workspace))
  await db
    .updateTable('workspaces')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', workspace.id)
    .where(sql<boolean>`last_used_at < now() - interval '1 minute'`)
    .execute()
}
