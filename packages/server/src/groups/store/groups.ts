import { type Expression, type SqlBool, sql } from 'kysely'

import {
  type Action,
  type Actor,
  authorize,
  isAllowed,
  type ResourceObject,
  sqlFilter,
} from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import { badRequest, conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'
import { containing } from '../../search/index.ts'

/** The group that all members of an organization are in; it has the id of the organization (WS-24). */
export const EVERYONE = 'Everyone'

/** A group with the names of its organization and the number of its members. */
export interface GroupRow {
  readonly id: string
  readonly organization_id: string
  readonly name: string
  readonly display_name: string
  readonly avatar_url: string
  readonly quota_allowance: number
  readonly source: 'user' | 'oidc'
  readonly created_at: Date
  readonly organization_name: string
  readonly organization_display_name: string
  readonly total_member_count: number
}

/** What permissions speak of: whoever is in a group may read it (RB-16). */
export function groupObject(row: Pick<GroupRow, 'id' | 'organization_id'>): ResourceObject {
  return {
    type: 'group',
    id: row.id,
    organization: row.organization_id,
    groupAcl: { [row.id]: ['read'] },
  }
}

/** Whether this is the group of all members of its organization. */
export function isEveryone(row: Pick<GroupRow, 'id' | 'organization_id'>): boolean {
  return row.id === row.organization_id
}

function groupQuery(db: Db) {
  return db
    .selectFrom('groups as g')
    .innerJoin('organizations as o', (join) =>
      join.onRef('o.id', '=', 'g.organization_id').on('o.deleted', '=', false),
    )
    .select([
      'g.id',
      'g.organization_id',
      'g.name',
      'g.display_name',
      'g.avatar_url',
      'g.quota_allowance',
      'g.source',
      'g.created_at',
      'o.name as organization_name',
      'o.display_name as organization_display_name',
      sql<number>`(select count(*)::int from group_members_expanded m join users u on u.id = m.user_id
        where m.group_id = g.id and not u.deleted and not u.is_system)`.as('total_member_count'),
    ])
}

/** A group, Everyone included. @throws ApiError 404 when it is absent or may not be read. */
export async function getGroup(actor: Actor, db: Db, id: string): Promise<GroupRow> {
  const row = await groupQuery(db).where('g.id', '=', id).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', groupObject(row))) throw notFound()
  return row
}

/** The group of this name, in any case when only that is there. @throws ApiError 404. */
export async function getGroupByName(
  actor: Actor,
  db: Db,
  organizationId: string,
  name: string,
): Promise<GroupRow> {
  const row = await groupQuery(db)
    .where('g.organization_id', '=', organizationId)
    .where(sql<string>`lower(g.name)`, '=', name.toLowerCase())
    .orderBy(sql`g.name = ${name}`, 'desc')
    .orderBy('g.name')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', groupObject(row))) throw notFound()
  return row
}

/** Which groups a list is about; without any condition all of them. */
export interface GroupFilter {
  readonly organizationId?: string | undefined
  readonly memberId?: string | undefined
  readonly ids?: readonly string[] | undefined
}

/** The groups that the actor may read, by name (WS-63). */
export async function listGroups(actor: Actor, db: Db, filter: GroupFilter): Promise<GroupRow[]> {
  let query = groupQuery(db)
    .where(
      sqlFilter(actor, 'read', 'group', {
        id: sql.ref<string>('g.id'),
        organization: sql.ref<string>('g.organization_id'),
        groupAcl: sql`jsonb_build_object(g.id::text, '["read"]'::jsonb)`,
      }),
    )
    .orderBy(sql`lower(g.name)`)
    .orderBy('g.id')
  if (filter.organizationId !== undefined)
    query = query.where('g.organization_id', '=', filter.organizationId)
  if (filter.ids !== undefined) query = query.where(sql<boolean>`g.id = any(${[...filter.ids]}::uuid[])`)
  const { memberId } = filter
  if (memberId !== undefined)
    query = query.where(
      sql<boolean>`exists (select 1 from group_members_expanded m where m.group_id = g.id and m.user_id = ${memberId}::uuid)`,
    )
  // A search must not tell who is in a group where its roster does not (RB-70); one's own groups are no secret.
  if (memberId !== undefined && memberId !== actor.id)
    query = query.where(
      sqlFilter(actor, 'read', 'group_member', {
        id: sql<string>`${memberId}::uuid`,
        owner: sql<string>`${memberId}::uuid`,
        organization: sql.ref<string>('g.organization_id'),
      }),
    )
  return query.execute()
}

/** What somebody who may do this to that learns of groups, whether they may read each of them or not. */
export interface Guard {
  readonly action: Action
  readonly object: ResourceObject
}

/** These groups, for who may see the access list that names them (RB-56). @throws ApiError 403. */
export async function listGroupsByIds(
  actor: Actor,
  db: Db,
  guard: Guard,
  ids: readonly string[],
): Promise<GroupRow[]> {
  authorize(actor, guard.action, guard.object)
  if (ids.length === 0) return []
  return groupQuery(db)
    .where(sql<boolean>`g.id = any(${[...ids]}::uuid[])`)
    .orderBy(sql`lower(g.name)`)
    .orderBy('g.id')
    .execute()
}

/** All groups of an organization, for who may open something in it to them. @throws ApiError 403. */
export async function listGroupsOfOrganization(
  actor: Actor,
  db: Db,
  guard: Guard,
  organizationId: string,
): Promise<GroupRow[]> {
  authorize(actor, guard.action, guard.object)
  return groupQuery(db)
    .where('g.organization_id', '=', organizationId)
    .orderBy(sql`lower(g.name)`)
    .orderBy('g.id')
    .execute()
}

/** A part of a list. */
export interface Page {
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly afterId?: string | undefined
}

/** What a page of groups is searched for. */
export interface GroupSearch {
  /** In the name or the display name. */
  readonly text?: string | undefined
  readonly name?: string | undefined
  readonly displayName?: string | undefined
}

/**
 * A page of the groups of an organization, by name, and the number of all that match (WS-63): for those who may read
 * every group, so that numbers and pages are right (RB-67).
 *
 * @throws ApiError 404 without `group:read` for the whole organization.
 */
export async function listGroupsPage(
  actor: Actor,
  db: Db,
  organizationId: string,
  search: GroupSearch,
  page: Page,
): Promise<{ readonly groups: GroupRow[]; readonly count: number }> {
  if (!isAllowed(actor, 'read', { type: 'group', organization: organizationId })) throw notFound()
  let query = groupQuery(db).where('g.organization_id', '=', organizationId)
  const like = (column: 'name' | 'display_name', text: string): Expression<SqlBool> =>
    sql<SqlBool>`g.${sql.ref(column)} ilike ${containing(text)}`
  if (search.text !== undefined)
    query = query.where(sql<SqlBool>`(${like('name', search.text)} or ${like('display_name', search.text)})`)
  if (search.name !== undefined) query = query.where(like('name', search.name))
  if (search.displayName !== undefined) query = query.where(like('display_name', search.displayName))
  const { count } = await query
    .clearSelect()
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow()
  let rows = query.orderBy(sql`lower(g.name)`).orderBy('g.id')
  if (page.afterId !== undefined)
    rows = rows.where(
      sql<boolean>`(lower(g.name), g.id) > (select lower(c.name), c.id from groups c where c.id = ${page.afterId}::uuid)`,
    )
  if (page.limit !== undefined && page.limit > 0) rows = rows.limit(page.limit)
  if (page.offset !== undefined) rows = rows.offset(page.offset)
  return { groups: await rows.execute(), count }
}

/** What may be set of a group. */
export interface GroupSettings {
  readonly name: string
  readonly displayName: string
  readonly avatarUrl: string
  readonly quotaAllowance: number
}

/**
 * Stores a group without members.
 *
 * @throws ApiError 404 without `group:create` (RB-68), 409 on a taken name (WS-60, WS-300).
 */
export async function insertGroup(
  actor: Actor,
  db: Db,
  organizationId: string,
  group: GroupSettings,
): Promise<GroupRow> {
  if (!isAllowed(actor, 'create', { type: 'group', organization: organizationId })) throw notFound()
  await requireFreeName(db, organizationId, group.name)
  try {
    const { id } = await db
      .insertInto('groups')
      .values({
        organization_id: organizationId,
        name: group.name,
        display_name: group.displayName,
        avatar_url: group.avatarUrl,
        quota_allowance: group.quotaAllowance,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    return await groupQuery(db).where('g.id', '=', id).executeTakeFirstOrThrow()
  } catch (error) {
    throw nameTaken(error, group.name)
  }
}

/** Names differ by more than their case, except those that an identity provider has chosen (WS-21). */
async function requireFreeName(
  db: Db,
  organizationId: string,
  name: string,
  ownId = organizationId,
): Promise<void> {
  const row = await db
    .selectFrom('groups')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where(sql<string>`lower(name)`, '=', name.toLowerCase())
    .where('id', '<>', ownId)
    .limit(1)
    .executeTakeFirst()
  if (row !== undefined) throw taken(name)
}

function nameTaken(error: unknown, name: string): unknown {
  return violatedUnique(error) === 'groups_organization_id_name_key' ? taken(name) : error
}

function taken(name: string) {
  return conflict(`A group named ${JSON.stringify(name)} already exists.`, {
    validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
  })
}

/**
 * Keeps a group from being changed by others until the transaction ends.
 *
 * @throws ApiError 404 when it is absent, may not be read, or may not be changed (RB-68, WS-61).
 */
export async function holdGroup(actor: Actor, tx: Db, id: string): Promise<GroupRow> {
  const found = await getGroup(actor, tx, id)
  if (!isAllowed(actor, 'update', groupObject(found))) throw notFound()
  await tx.selectFrom('groups').select('id').where('id', '=', id).forUpdate().execute()
  // As it is now that nobody else changes it.
  return getGroup(actor, tx, id)
}

/** Stores what is set of a group. @throws ApiError 403 without `group:update`, 409 on a taken name. */
export async function updateGroup(
  actor: Actor,
  tx: Db,
  group: Pick<GroupRow, 'id' | 'organization_id' | 'name'>,
  settings: GroupSettings,
): Promise<void> {
  authorize(actor, 'update', groupObject(group))
  if (settings.name !== group.name) await requireFreeName(tx, group.organization_id, settings.name, group.id)
  try {
    await tx
      .updateTable('groups')
      .set({
        name: settings.name,
        display_name: settings.displayName,
        avatar_url: settings.avatarUrl,
        quota_allowance: settings.quotaAllowance,
      })
      .where('id', '=', group.id)
      .execute()
  } catch (error) {
    throw nameTaken(error, settings.name)
  }
}

/** Removes a group and who was in it. @throws ApiError 403 without `group:delete`, 400 for Everyone (WS-62). */
export async function deleteGroup(
  actor: Actor,
  db: Db,
  group: Pick<GroupRow, 'id' | 'organization_id'>,
): Promise<void> {
  authorize(actor, 'delete', groupObject(group))
  if (isEveryone(group))
    throw badRequest(`${JSON.stringify(EVERYONE)} is a reserved group and cannot be deleted!`)
  await db.deleteFrom('groups').where('id', '=', group.id).execute()
}
