import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { ProvisionerJobsTable, TemplateVersionsTable } from '../../database/tables.ts'
import { badRequest, conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'
import { templateObject } from './templates.ts'

/** A version with its import job, its maker and its template. */
export type VersionRow = Selectable<TemplateVersionsTable> & {
  readonly job: Selectable<ProvisionerJobsTable>
  readonly creator: {
    readonly id: string
    readonly username: string
    readonly name: string
    readonly avatar_url: string
  }
  readonly template: {
    readonly id: string
    readonly name: string
    readonly organization_id: string
    readonly user_acl: Selectable<TemplateVersionsTable>['external_auth_providers']
    readonly group_acl: Selectable<TemplateVersionsTable>['external_auth_providers']
    readonly deleted: boolean
    readonly active_version_id: string
  } | null
}

/** A version belongs to its template; one without a template belongs to the organization (RB-30). */
export function versionObject(row: Pick<VersionRow, 'template' | 'organization_id'>): ResourceObject {
  return row.template === null
    ? { type: 'template', organization: row.organization_id }
    : templateObject(row.template)
}

const JOB = sql<Record<string, unknown>>`to_jsonb(j)`

function versionQuery(db: Db) {
  return db
    .selectFrom('template_versions as v')
    .innerJoin('provisioner_jobs as j', 'j.id', 'v.job_id')
    .innerJoin('users as u', 'u.id', 'v.created_by')
    .leftJoin('templates as t', 't.id', 'v.template_id')
    .selectAll('v')
    .select([
      JOB.as('job'),
      sql<
        VersionRow['creator']
      >`jsonb_build_object('id', u.id, 'username', u.username, 'name', u.name, 'avatar_url', u.avatar_url)`.as(
        'creator',
      ),
      sql<
        VersionRow['template']
      >`case when t.id is null then null else jsonb_build_object('id', t.id, 'name', t.name,
        'organization_id', t.organization_id, 'user_acl', t.user_acl, 'group_acl', t.group_acl,
        'deleted', t.deleted, 'active_version_id', t.active_version_id) end`.as('template'),
    ])
}

type Selected = Omit<VersionRow, 'job'> & { readonly job: Record<string, unknown> }

function revive(row: Selected): VersionRow {
  return { ...row, job: jobFromJson(row.job) }
}

/** PostgreSQL writes the times of a JSON row as texts. */
export function jobFromJson(json: Record<string, unknown>): VersionRow['job'] {
  const dates = ['created_at', 'updated_at', 'started_at', 'canceled_at', 'completed_at']
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [
      key,
      dates.includes(key) && typeof value === 'string' ? new Date(value) : value,
    ]),
  ) as unknown as VersionRow['job']
}

/** Stores a version. @throws ApiError 403, 409 on a name that the template has already. */
export async function insertVersion(
  actor: Actor,
  tx: Db,
  version: {
    readonly templateId: string | null
    readonly organizationId: string
    readonly name: string
    readonly message: string
    readonly jobId: string
    readonly createdBy: string
  },
  object: ResourceObject,
): Promise<string> {
  authorize(actor, version.templateId === null ? 'create' : 'update', object)
  try {
    const { id } = await tx
      .insertInto('template_versions')
      .values({
        template_id: version.templateId,
        organization_id: version.organizationId,
        name: version.name,
        message: version.message,
        job_id: version.jobId,
        created_by: version.createdBy,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    return id
  } catch (error) {
    if (violatedUnique(error) !== 'template_versions_name_key') throw error
    throw conflict(
      `A template version with name ${JSON.stringify(version.name)} already exists for this template.`,
      {
        validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
      },
    )
  }
}

/** One version. @throws ApiError 404. */
export async function getVersion(actor: Actor, db: Db, id: string): Promise<VersionRow> {
  const row = await versionQuery(db).where('v.id', '=', id).executeTakeFirst()
  return readable(actor, row)
}

/** A version of a template by its name. @throws ApiError 404. */
export async function getVersionByName(
  actor: Actor,
  db: Db,
  templateId: string,
  name: string,
): Promise<VersionRow> {
  const row = await versionQuery(db)
    .where('v.template_id', '=', templateId)
    .where('v.name', '=', name)
    .executeTakeFirst()
  return readable(actor, row)
}

function readable(actor: Actor, row: Selected | undefined): VersionRow {
  if (row === undefined) throw notFound()
  const version = revive(row)
  if (version.template?.deleted === true || !isAllowed(actor, 'read', versionObject(version)))
    throw notFound()
  return version
}

/** The version made before this one, if any (WS-104). @throws ApiError 404 for one that may not be read. */
export async function findPreviousVersion(
  actor: Actor,
  db: Db,
  version: VersionRow,
): Promise<VersionRow | undefined> {
  if (version.template_id === null) return undefined
  const row = await versionQuery(db)
    .where('v.template_id', '=', version.template_id)
    .where('v.created_at', '<', version.created_at)
    .orderBy('v.created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : readable(actor, row)
}

/** Versions of a template, the oldest first (WS-105). @throws ApiError 404, 400 for an unknown cursor. */
export async function listVersions(
  actor: Actor,
  db: Db,
  template: Parameters<typeof templateObject>[0],
  page: {
    readonly includeArchived: boolean
    readonly afterId?: string | undefined
    readonly limit?: number | undefined
    readonly offset?: number | undefined
  },
): Promise<VersionRow[]> {
  if (!isAllowed(actor, 'read', templateObject(template))) throw notFound()
  let query = versionQuery(db)
    .where('v.template_id', '=', template.id)
    .orderBy('v.created_at')
    .orderBy('v.id')
  if (!page.includeArchived) query = query.where('v.archived', '=', false)
  if (page.afterId !== undefined) {
    const cursor = await db
      .selectFrom('template_versions')
      .select(['created_at', 'id'])
      .where('id', '=', page.afterId)
      .where('template_id', '=', template.id)
      .executeTakeFirst()
    if (cursor === undefined)
      throw badRequest(`Record at "after_id" (${JSON.stringify(page.afterId)}) does not exist.`)
    query = query.where(
      sql<boolean>`(v.created_at, v.id) > (select c.created_at, c.id from template_versions c where c.id = ${page.afterId}::uuid)`,
    )
  }
  if (page.limit !== undefined && page.limit > 0) query = query.limit(page.limit)
  if (page.offset !== undefined) query = query.offset(page.offset)
  return (await query.execute()).map(revive)
}

/** Changes name, message or whether it is archived. @throws ApiError 403, 400 on a taken name (WS-106). */
export async function updateVersion(
  actor: Actor,
  db: Db,
  version: VersionRow,
  change: { readonly name?: string; readonly message?: string; readonly archived?: boolean },
): Promise<void> {
  authorize(actor, 'update', versionObject(version))
  if (Object.keys(change).length === 0) return
  try {
    await db
      .updateTable('template_versions')
      .set({ ...change, updated_at: sql<Date>`now()` })
      .where('id', '=', version.id)
      .execute()
  } catch (error) {
    if (violatedUnique(error) !== 'template_versions_name_key') throw error
    throw badRequest('template version name must be unique for a template', {
      validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
    })
  }
}

/** Puts a version under a new template (WS-80). @throws ApiError 403, 400 when it has one meanwhile. */
export async function attachVersion(
  actor: Actor,
  tx: Db,
  version: VersionRow,
  templateId: string,
): Promise<void> {
  authorize(actor, 'create', { type: 'template', organization: version.organization_id })
  const attached = await tx
    .updateTable('template_versions')
    .set({ template_id: templateId, updated_at: sql<Date>`now()` })
    .where('id', '=', version.id)
    .where('template_id', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (attached === undefined)
    throw badRequest(`Template version ${version.id} is already part of a template`, {
      validations: [
        { field: 'template_version_id', detail: 'Template version is already part of a template' },
      ],
    })
}

/**
 * Archives versions of a template that nobody needs (WS-109): those whose import failed, or with `all` every
 * unused one; never the active one, one that a workspace uses, or one that is still imported.
 *
 * @returns the ids of the archived ones.
 * @throws ApiError 403 without `template:update`.
 */
export async function archiveVersions(
  actor: Actor,
  db: Db,
  template: Parameters<typeof templateObject>[0] & { readonly active_version_id: string },
  all: boolean,
): Promise<string[]> {
  authorize(actor, 'update', templateObject(template))
  const { rows } = await sql<{ id: string }>`
    update template_versions v set archived = true, updated_at = now()
      from provisioner_jobs j
     where v.template_id = ${template.id}::uuid and j.id = v.job_id and not v.archived
       and v.id <> ${template.active_version_id}::uuid and j.completed_at is not null
       and (${all} or j.job_status = 'failed')
       and not exists (
         select 1 from workspaces w join workspace_builds b on b.workspace_id = w.id
          where w.template_id = v.template_id and not w.deleted and b.template_version_id = v.id
            and b.transition <> 'delete'
            and b.build_number = (select max(l.build_number) from workspace_builds l where l.workspace_id = w.id))
    returning v.id`.execute(db)
  return rows.map((row) => row.id)
}

/** The version that an import job is for, with the active version of its template. @throws ApiError 403, 404. */
export async function findVersionOfJob(
  actor: Actor,
  db: Db,
  jobId: string,
): Promise<{ readonly id: string; readonly name: string; readonly activeVersionId: string | undefined }> {
  authorize(actor, 'read', { type: 'template' })
  const row = await db
    .selectFrom('template_versions as v')
    .leftJoin('templates as t', 't.id', 'v.template_id')
    .select(['v.id', 'v.name', 't.active_version_id'])
    .where('v.job_id', '=', jobId)
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return { id: row.id, name: row.name, activeVersionId: row.active_version_id ?? undefined }
}

/** Whether the latest build of a live workspace uses a version, so that it must stay usable (WS-109). @throws ApiError 403. */
export async function isVersionInUse(actor: Actor, db: Db, version: VersionRow): Promise<boolean> {
  authorize(actor, 'update', versionObject(version))
  const row = await db
    .selectFrom('workspaces as w')
    .innerJoin('workspace_builds as b', 'b.workspace_id', 'w.id')
    .select('w.id')
    .where('w.template_id', '=', version.template_id)
    .where('w.deleted', '=', false)
    .where('b.template_version_id', '=', version.id)
    .where('b.transition', '<>', 'delete')
    .where(
      sql<boolean>`b.build_number = (select max(l.build_number) from workspace_builds l where l.workspace_id = w.id)`,
    )
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
