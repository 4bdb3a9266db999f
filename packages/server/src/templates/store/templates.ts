import { type Selectable, sql, type Updateable } from 'kysely'

import {
  type Actor,
  accessListOf,
  authorize,
  isAllowed,
  type ResourceObject,
  sqlFilter,
} from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { TemplatesTable } from '../../database/tables.ts'
import { conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'
import { containing } from '../../search/index.ts'

/** A stored template with the names that lists show. */
export type TemplateRow = Selectable<TemplatesTable> & {
  readonly created_by_name: string
  readonly organization_name: string
  readonly organization_display_name: string
  readonly organization_icon: string
  readonly active_user_count: number
}

/** What permissions speak of. */
export function templateObject(
  row: Pick<TemplateRow, 'id' | 'organization_id' | 'user_acl' | 'group_acl'>,
): ResourceObject {
  return {
    type: 'template',
    id: row.id,
    organization: row.organization_id,
    userAcl: accessListOf(row.user_acl),
    groupAcl: accessListOf(row.group_acl),
  }
}

function templateQuery(db: Db) {
  return db
    .selectFrom('templates as t')
    .innerJoin('users as u', 'u.id', 't.created_by')
    .innerJoin('organizations as o', 'o.id', 't.organization_id')
    .selectAll('t')
    .select([
      'u.username as created_by_name',
      'o.name as organization_name',
      'o.display_name as organization_display_name',
      'o.icon as organization_icon',
      sql<number>`(select count(distinct w.owner_id)::int from workspaces w where w.template_id = t.id and not w.deleted)`.as(
        'active_user_count',
      ),
    ])
}

/** Columns of a template that its managers may change. */
export type TemplateSettings = Omit<Updateable<TemplatesTable>, 'id' | 'name' | 'organization_id'>

/** Stores a template and gives it to its organization (WS-80). @throws ApiError 403, 409 on a taken name. */
export async function insertTemplate(
  actor: Actor,
  tx: Db,
  template: {
    readonly organizationId: string
    readonly name: string
    readonly provisioner: TemplateRow['provisioner']
    readonly activeVersionId: string
    readonly createdBy: string
    readonly everyoneMayUse: boolean
  } & TemplateSettings,
): Promise<string> {
  const { organizationId, name, provisioner, activeVersionId, createdBy, everyoneMayUse, ...settings } =
    template
  authorize(actor, 'create', { type: 'template', organization: organizationId })
  try {
    const { id } = await tx
      .insertInto('templates')
      .values({
        ...settings,
        name,
        organization_id: organizationId,
        provisioner,
        active_version_id: activeVersionId,
        created_by: createdBy,
        group_acl: JSON.stringify(everyoneMayUse ? { [organizationId]: ['read', 'use'] } : {}),
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    return id
  } catch (error) {
    throw nameTaken(error, name)
  }
}

function nameTaken(error: unknown, name: string): unknown {
  if (violatedUnique(error) !== 'templates_name_key') return error
  return conflict(`Template with name ${JSON.stringify(name)} already exists.`, {
    validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
  })
}

/** Whether a live template of this organization has the name. @throws ApiError 403 without `template:create`. */
export async function templateNameTaken(
  actor: Actor,
  db: Db,
  organizationId: string,
  name: string,
): Promise<boolean> {
  authorize(actor, 'create', { type: 'template', organization: organizationId })
  const row = await db
    .selectFrom('templates')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where(sql<string>`lower(name)`, '=', name.toLowerCase())
    .where('deleted', '=', false)
    .executeTakeFirst()
  return row !== undefined
}

/** A live template; deleted ones only when they are asked for. @throws ApiError 404. */
export async function getTemplate(
  actor: Actor,
  db: Db,
  id: string,
  options: { readonly deletedToo?: boolean } = {},
): Promise<TemplateRow> {
  const row = await templateQuery(db).where('t.id', '=', id).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', templateObject(row))) throw notFound()
  if (row.deleted && options.deletedToo !== true) throw notFound()
  return row
}

/**
 * Keeps a template from being deleted until the transaction ends (WS-91).
 *
 * @returns false when it was deleted.
 * @throws ApiError 403 without `template:read`.
 */
export async function holdTemplate(actor: Actor, tx: Db, id: string): Promise<boolean> {
  authorize(actor, 'read', { type: 'template' })
  const row = await tx
    .selectFrom('templates')
    .select('deleted')
    .where('id', '=', id)
    .forShare()
    .executeTakeFirst()
  return row?.deleted === false
}

/** A live template by name. @throws ApiError 404. */
export async function getTemplateByName(
  actor: Actor,
  db: Db,
  organizationId: string,
  name: string,
): Promise<TemplateRow> {
  const row = await templateQuery(db)
    .where('t.organization_id', '=', organizationId)
    .where(sql<string>`lower(t.name)`, '=', name.toLowerCase())
    .where('t.deleted', '=', false)
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', templateObject(row))) throw notFound()
  return row
}

/** Conditions of a template search (WS-81). */
export interface TemplateSearch {
  readonly organizationId?: string | undefined
  readonly exactName?: string | undefined
  readonly exactDisplayName?: string | undefined
  readonly name?: string | undefined
  readonly displayName?: string | undefined
  readonly ids?: readonly string[] | undefined
  readonly deprecated?: boolean | undefined
  readonly authorId?: string | undefined
  readonly author?: string | undefined
  readonly agentsAllowed?: boolean | undefined
  /** Of the active version. */
  readonly hasAiTask?: boolean | undefined
  /** Of the active version. */
  readonly hasExternalAgent?: boolean | undefined
  readonly deleted?: boolean | undefined
}

/** Templates that the actor may read, live ones unless asked otherwise, the most used first (WS-82). */
export async function listTemplates(actor: Actor, db: Db, search: TemplateSearch): Promise<TemplateRow[]> {
  let query = templateQuery(db)
    .where('t.deleted', '=', search.deleted ?? false)
    .where(
      sqlFilter(actor, 'read', 'template', {
        id: sql.ref('t.id'),
        organization: sql.ref<string>('t.organization_id'),
        userAcl: sql.ref('t.user_acl'),
        groupAcl: sql.ref('t.group_acl'),
      }),
    )
    .where(sql<boolean>`(t.deprecated <> '') = ${search.deprecated ?? false}`)
    .orderBy('active_user_count', 'desc')
    .orderBy('t.name')
    .orderBy('t.id')
  if (search.organizationId !== undefined)
    query = query.where('t.organization_id', '=', search.organizationId)
  if (search.exactName !== undefined) query = query.where(sql<string>`lower(t.name)`, '=', search.exactName)
  if (search.exactDisplayName !== undefined)
    query = query.where(sql<string>`lower(t.display_name)`, '=', search.exactDisplayName)
  if (search.name !== undefined) query = query.where('t.name', 'ilike', containing(search.name))
  if (search.displayName !== undefined)
    query = query.where(
      sql<boolean>`case when t.display_name = '' then t.name ilike ${containing(search.displayName.replaceAll(' ', ''))}
        else t.display_name ilike ${containing(search.displayName)} end`,
    )
  if (search.ids !== undefined) query = query.where(sql<boolean>`t.id = any(${[...search.ids]}::uuid[])`)
  if (search.authorId !== undefined) query = query.where('t.created_by', '=', search.authorId)
  if (search.author !== undefined) query = query.where(sql<string>`lower(u.username)`, '=', search.author)
  if (search.agentsAllowed !== undefined) query = query.where('t.agents_allowed', '=', search.agentsAllowed)
  if (search.hasAiTask !== undefined) query = query.where(ofActiveVersion('has_ai_task', search.hasAiTask))
  if (search.hasExternalAgent !== undefined)
    query = query.where(ofActiveVersion('has_external_agent', search.hasExternalAgent))
  return query.execute()
}

function ofActiveVersion(column: 'has_ai_task' | 'has_external_agent', value: boolean) {
  return sql<boolean>`exists (select 1 from template_versions v where v.id = t.active_version_id
    and coalesce(v.${sql.ref(column)}, false) = ${value})`
}

/** The same as it is now, which nobody else changes until the transaction ends. @throws ApiError 403, 404. */
export async function lockTemplate(actor: Actor, tx: Db, id: string): Promise<TemplateRow> {
  const row = await templateQuery(tx).where('t.id', '=', id).forUpdate('t').executeTakeFirst()
  if (row === undefined || row.deleted || !isAllowed(actor, 'read', templateObject(row))) throw notFound()
  authorize(actor, 'update', templateObject(row))
  return row
}

/** Changes settings. @throws ApiError 403 without `template:update`, 409 on a taken name. */
export async function updateTemplate(
  actor: Actor,
  tx: Db,
  template: TemplateRow,
  change: Updateable<TemplatesTable>,
): Promise<void> {
  authorize(actor, 'update', templateObject(template))
  // What is the same already is no change, and leaves `updated_at` and the watchers alone (WS-85).
  if (Object.entries(change).every(([column, value]) => Reflect.get(template, column) === value)) return
  try {
    await tx
      .updateTable('templates')
      .set({ ...change, updated_at: sql<Date>`now()` })
      .where('id', '=', template.id)
      .execute()
  } catch (error) {
    throw nameTaken(error, change.name ?? template.name)
  }
}

/**
 * Takes Everyone out of the access list of a template, whatever else is changed in it meanwhile (WS-86, RB-133).
 *
 * @throws ApiError 403 without `template:update`.
 */
export async function closeToEveryone(actor: Actor, tx: Db, template: TemplateRow): Promise<void> {
  authorize(actor, 'update', templateObject(template))
  // The group of an organization has the id of the organization (WS-24).
  await sql`update templates set group_acl = group_acl - organization_id::text, updated_at = now()
    where id = ${template.id}::uuid and group_acl ? organization_id::text`.execute(tx)
}

/** Marks a template as deleted. @throws ApiError 403 without `template:delete`. */
export async function deleteTemplate(actor: Actor, tx: Db, template: TemplateRow): Promise<void> {
  authorize(actor, 'delete', templateObject(template))
  await tx
    .updateTable('templates')
    .set({ deleted: true, updated_at: sql<Date>`now()` })
    .where('id', '=', template.id)
    .execute()
}

/** Whether any live workspace was made from the template, seen by the caller or not (WS-91). @throws ApiError 403. */
export async function templateHasWorkspaces(actor: Actor, tx: Db, template: TemplateRow): Promise<boolean> {
  authorize(actor, 'delete', templateObject(template))
  const row = await tx
    .selectFrom('workspaces')
    .select('id')
    .where('template_id', '=', template.id)
    .where('deleted', '=', false)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Everybody who has a live workspace of the template, once each. @throws ApiError 403 without `workspace:read`. */
export async function listWorkspaceOwners(
  actor: Actor,
  db: Db,
  template: Pick<TemplateRow, 'id' | 'organization_id'>,
): Promise<string[]> {
  authorize(actor, 'read', { type: 'workspace', organization: template.organization_id })
  const rows = await db
    .selectFrom('workspaces')
    .select('owner_id')
    .distinct()
    .where('template_id', '=', template.id)
    .where('deleted', '=', false)
    .execute()
  return rows.map((row) => row.owner_id)
}

/** Whether the built-in template of this name was made once; who deleted it does not get it back. @throws ApiError 403. */
export async function isBuiltInTemplateMade(actor: Actor, db: Db, name: string): Promise<boolean> {
  authorize(actor, 'read', { type: 'deployment_config' })
  const row = await db
    .selectFrom('site_configs')
    .select('key')
    .where('key', '=', `built_in_template:${name}`)
    .executeTakeFirst()
  return row !== undefined
}

/** Notes that the built-in template of this name was made. @throws ApiError 403. */
export async function markBuiltInTemplate(actor: Actor, db: Db, name: string): Promise<void> {
  authorize(actor, 'update', { type: 'deployment_config' })
  await db
    .insertInto('site_configs')
    .values({ key: `built_in_template:${name}`, value: 'made' })
    .onConflict((found) => found.column('key').doNothing())
    .execute()
}

/** The oldest owner and the default organization, for whom the built-in template is made. @throws ApiError 403. */
export async function findFirstOwner(
  actor: Actor,
  db: Db,
): Promise<{ readonly userId: string; readonly organizationId: string } | undefined> {
  authorize(actor, 'read', { type: 'user' })
  return db
    .selectFrom('users as u')
    .innerJoin('organizations as o', (join) => join.on('o.is_default', '=', true).on('o.deleted', '=', false))
    .select(['u.id as userId', 'o.id as organizationId'])
    .where(sql<boolean>`'owner' = any(u.rbac_roles)`)
    .where('u.deleted', '=', false)
    .orderBy('u.created_at')
    .limit(1)
    .executeTakeFirst()
}
