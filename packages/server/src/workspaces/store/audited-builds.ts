import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { UsersTable, WorkspaceBuildsTable } from '../../database/tables.ts'

/** A build with what the audit log, its owner and administrators are told of it (RB-102). */
export interface EndedBuild {
  readonly build: Pick<
    Selectable<WorkspaceBuildsTable>,
    'id' | 'workspace_id' | 'transition' | 'build_number' | 'reason'
  >
  readonly organizationId: string
  readonly organizationName: string
  readonly workspaceName: string
  readonly initiator: Pick<Selectable<UsersTable>, 'id' | 'username' | 'email'>
  readonly owner: Pick<Selectable<UsersTable>, 'id' | 'username'>
  readonly templateId: string
  readonly templateName: string
  readonly versionName: string
  /** Empty without one. */
  readonly presetName: string
  /** When it was asked for. */
  readonly createdAt: Date
  /** When a provisioner began with it; null when none has. */
  readonly startedAt: Date | null
  /** Null for as long as it is not over. */
  readonly completedAt: Date | null
  /** No start before it has succeeded, and it has. */
  readonly isFirstStart: boolean
  /** Somebody has asked for its end. */
  readonly canceled: boolean
}

/** The build of a job; undefined when its workspace was removed meanwhile. @throws ApiError 403 for all but provisioning. */
export async function findAuditedBuild(actor: Actor, db: Db, jobId: string): Promise<EndedBuild | undefined> {
  authorize(actor, 'read', { type: 'workspace' })
  authorize(actor, 'read_personal', { type: 'user' })
  const row = await db
    .selectFrom('workspace_builds as b')
    .innerJoin('workspaces as w', 'w.id', 'b.workspace_id')
    .innerJoin('users as o', 'o.id', 'w.owner_id')
    .innerJoin('users as i', 'i.id', 'b.initiator_id')
    .innerJoin('templates as t', 't.id', 'w.template_id')
    .innerJoin('template_versions as v', 'v.id', 'b.template_version_id')
    .innerJoin('provisioner_jobs as j', 'j.id', 'b.job_id')
    .innerJoin('organizations as g', 'g.id', 'w.organization_id')
    .leftJoin('template_version_presets as p', 'p.id', 'b.template_version_preset_id')
    .select(
      sql<boolean>`b.transition = 'start' and j.job_status = 'succeeded' and not exists (
        select from workspace_builds e join provisioner_jobs f on f.id = e.job_id
         where e.workspace_id = b.workspace_id and e.build_number < b.build_number
           and e.transition = 'start' and f.job_status = 'succeeded')`.as('is_first_start'),
    )
    .select(['g.name as organization_name', 'p.name as preset_name'])
    .select(['j.worker_id', 'j.created_at', 'j.started_at', 'j.completed_at'])
    .select([
      'o.id as owner_id',
      't.id as template_id',
      't.name as template_name',
      'v.name as version_name',
      'j.canceled_at',
      'b.id',
      'b.workspace_id',
      'b.transition',
      'b.build_number',
      'b.reason',
      'w.organization_id',
      'w.name as workspace_name',
      'o.username as owner_name',
      'i.id as initiator_id',
      'i.username as initiator_name',
      'i.email as initiator_email',
    ])
    .where('b.job_id', '=', jobId)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return {
    build: row,
    organizationId: row.organization_id,
    organizationName: row.organization_name,
    workspaceName: row.workspace_name,
    owner: { id: row.owner_id, username: row.owner_name },
    templateId: row.template_id,
    templateName: row.template_name,
    versionName: row.version_name,
    presetName: row.preset_name ?? '',
    createdAt: row.created_at,
    startedAt: row.worker_id === null ? null : row.started_at,
    completedAt: row.completed_at,
    isFirstStart: row.is_first_start,
    canceled: row.canceled_at !== null,
    initiator: { id: row.initiator_id, username: row.initiator_name, email: row.initiator_email },
  }
}

/** The owner of a workspace as the audit log names them. @throws ApiError 403 for all but provisioning. */
export async function findWorkspaceOwner(
  actor: Actor,
  db: Db,
  workspaceId: string,
): Promise<EndedBuild['initiator'] | undefined> {
  authorize(actor, 'read', { type: 'workspace' })
  authorize(actor, 'read_personal', { type: 'user' })
  return db
    .selectFrom('workspaces as w')
    .innerJoin('users as o', 'o.id', 'w.owner_id')
    .select(['o.id', 'o.username', 'o.email'])
    .where('w.id', '=', workspaceId)
    .executeTakeFirst()
}
