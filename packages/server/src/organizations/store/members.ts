import { type Selectable, sql } from 'kysely'

import { type Actor, checkRoleChange, isAllowed, type ResourceObject, sqlFilter } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { UsersTable } from '../../database/tables.ts'
import { badRequest, forbidden, notFound } from '../../errors/index.ts'
import {
  holdCustomRoles,
  insertMember,
  siteRoleNames,
  type UserSearch,
  userMatches,
} from '../../identity/index.ts'
import { isUuid } from '../../search/index.ts'

/** A membership with the user behind it. */
export type MemberRow = Pick<
  Selectable<UsersTable>,
  | 'username'
  | 'email'
  | 'name'
  | 'avatar_url'
  | 'status'
  | 'login_type'
  | 'is_service_account'
  | 'last_seen_at'
  | 'rbac_roles'
> & {
  readonly organization_id: string
  readonly user_id: string
  readonly roles: string[]
  /** Display names of the deployment's own roles among `rbac_roles`. */
  readonly site_role_names: Readonly<Record<string, string>>
  /** Display names of the organization's own roles among them. */
  readonly custom_role_names: Readonly<Record<string, string>>
  readonly created_at: Date
  readonly updated_at: Date
  readonly user_created_at: Date
  readonly user_updated_at: Date
}

/** The members that the actor may read, by name (WS-45). */
export async function listMembers(
  actor: Actor,
  db: Db,
  organizationId: string,
  search: {
    readonly userId?: string | undefined
    readonly githubId?: number | undefined
    readonly includeSystem?: boolean | undefined
  },
): Promise<MemberRow[]> {
  let query = memberQuery(db)
    .where('m.organization_id', '=', organizationId)
    .where(
      sqlFilter(actor, 'read', 'organization_member', {
        id: sql.ref('m.user_id'),
        owner: sql.ref('m.user_id'),
        organization: sql.ref<string>('m.organization_id'),
      }),
    )
    .orderBy(sql`lower(u.username)`)
  if (search.includeSystem !== true) query = query.where('u.is_system', '=', false)
  if (search.userId !== undefined) query = query.where('m.user_id', '=', search.userId)
  if (search.githubId !== undefined) query = query.where('u.github_com_user_id', '=', search.githubId)
  return query.execute()
}

/**
 * A page of the members that match, by name, and the number of all of those (WS-46): for those who may read every member, so that numbers
 * and pages are right (RB-67).
 *
 * @throws ApiError 404 without `organization_member:read` for the whole organization.
 */
export async function listMembersPage(
  actor: Actor,
  db: Db,
  organizationId: string,
  search: UserSearch,
  page: {
    readonly limit?: number | undefined
    readonly offset?: number | undefined
    readonly afterId?: string | undefined
  },
): Promise<{ readonly members: MemberRow[]; readonly count: number }> {
  if (!isAllowed(actor, 'read', { type: 'organization_member', organization: organizationId }))
    throw notFound()
  const query = memberQuery(db)
    .where('m.organization_id', '=', organizationId)
    .where('u.is_system', '=', false)
    .where(userMatches(search))
  const counted = await query
    .clearSelect()
    .select(sql<number>`count(*)`.as('count'))
    .executeTakeFirstOrThrow()
  let rows = query.orderBy(sql`lower(u.username)`)
  if (page.afterId !== undefined)
    rows = rows.where(
      sql<boolean>`lower(u.username) > (select lower(c.username) from users c where c.id = ${page.afterId}::uuid)`,
    )
  if (page.limit !== undefined && page.limit > 0) rows = rows.limit(page.limit)
  if (page.offset !== undefined) rows = rows.offset(page.offset)
  return { members: await rows.execute(), count: counted.count }
}

/**
 * One member, by UUID, name or `me`. Who may read the members of an organization need not be able to read users
 * (ID-144).
 *
 * @throws ApiError 404 when absent or not readable.
 */
export async function getMember(
  actor: Actor,
  db: Db,
  organizationId: string,
  reference: string,
): Promise<MemberRow> {
  const query = memberQuery(db).where('m.organization_id', '=', organizationId)
  const row = await (reference === 'me'
    ? query.where('m.user_id', '=', actor.id)
    : isUuid(reference)
      ? query.where('m.user_id', '=', reference)
      : query.where(sql<string>`lower(u.username)`, '=', reference.toLowerCase())
  ).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', memberObject(row))) throw notFound()
  return row
}

function memberObject(row: Pick<MemberRow, 'user_id' | 'organization_id'>): ResourceObject {
  return {
    type: 'organization_member',
    id: row.user_id,
    owner: row.user_id,
    organization: row.organization_id,
  }
}

function memberQuery(db: Db) {
  return db
    .selectFrom('organization_members as m')
    .innerJoin('users as u', (join) => join.onRef('u.id', '=', 'm.user_id').on('u.deleted', '=', false))
    .select([
      'm.organization_id',
      'm.user_id',
      'm.roles',
      'm.created_at',
      'm.updated_at',
      'u.username',
      'u.email',
      'u.name',
      'u.avatar_url',
      'u.status',
      'u.login_type',
      'u.is_service_account',
      'u.last_seen_at',
      'u.rbac_roles',
      'u.created_at as user_created_at',
      'u.updated_at as user_updated_at',
      siteRoleNames,
      sql<Readonly<Record<string, string>>>`coalesce((
        select jsonb_object_agg(c.name, c.display_name) from custom_roles c
         where c.organization_id = m.organization_id and not c.is_system and c.name = any(m.roles)), '{}')`.as(
        'custom_role_names',
      ),
    ])
}

/**
 * Adds a member without roles of their own (WS-47).
 *
 * @throws ApiError 404 without `organization_member:create`, 400 when already there or when the actor may not hand out
 * the roles that all members have (RB-42, RB-43).
 */
export async function addMember(actor: Actor, db: Db, organizationId: string, userId: string): Promise<void> {
  if (!isAllowed(actor, 'create', { type: 'organization_member', organization: organizationId }))
    throw notFound()
  try {
    await insertMember(actor, db, { organizationId, userId })
  } catch (error) {
    if (violatedUnique(error) !== 'organization_members_pkey') throw error
    throw badRequest('User is already an organization member')
  }
}

/** Ends a membership; a trigger takes the group memberships along (WS-48). @throws ApiError 404 when refused, too. */
export async function removeMember(
  actor: Actor,
  db: Db,
  organizationId: string,
  userId: string,
): Promise<void> {
  const member = await getMember(actor, db, organizationId, userId)
  if (!isAllowed(actor, 'delete', memberObject(member))) throw notFound()
  await db
    .deleteFrom('organization_members')
    .where('organization_id', '=', organizationId)
    .where('user_id', '=', userId)
    .execute()
}

/**
 * Replaces the roles of a member (RB-41…RB-44); those that all members have count as handed out again.
 *
 * @throws ApiError 404, 403 without the right to assign, 400 for a role that the actor may not hand out or take away.
 */
export async function setMemberRoles(
  actor: Actor,
  tx: Db,
  organizationId: string,
  userId: string,
  roles: readonly string[],
): Promise<void> {
  const load = tx
    .selectFrom('organization_members as m')
    .innerJoin('organizations as o', 'o.id', 'm.organization_id')
    .select(['m.user_id', 'm.organization_id', 'm.roles', 'o.default_org_member_roles as defaults'])
    .where('m.organization_id', '=', organizationId)
    .where('m.user_id', '=', userId)
  // Roles before rows that name them, here as everywhere, so that nobody waits in a circle.
  const named = await load.executeTakeFirst()
  if (named === undefined || !isAllowed(actor, 'read', memberObject(named))) throw notFound()
  const customRoles = await holdCustomRoles(actor, tx, organizationId, [
    ...roles,
    ...named.roles,
    ...named.defaults,
  ])
  const member = await load.forUpdate('m').executeTakeFirst()
  if (member === undefined) throw notFound()
  const stored = checkRoleChange(actor, {
    organizationId,
    before: member.roles,
    after: roles,
    implied: ['organization-member', ...member.defaults],
    customRoles,
  })
  await tx
    .updateTable('organization_members')
    .set({ roles: stored, updated_at: sql<Date>`now()` })
    .where('organization_id', '=', organizationId)
    .where('user_id', '=', userId)
    .execute()
}

/** A user as others may be shown one: without what only administrators see. */
export type MinimalUserRow = Pick<Selectable<UsersTable>, 'id' | 'username' | 'name' | 'avatar_url'>

/**
 * Members for whom the actor may create workspaces in the organization, by name (WS-139).
 *
 * @throws ApiError 403 for who may not create workspaces for everybody there.
 */
export async function listUsersForWorkspaces(
  actor: Actor,
  db: Db,
  organizationId: string,
  search: UserSearch,
  page: { readonly limit?: number | undefined; readonly offset?: number | undefined },
): Promise<MinimalUserRow[]> {
  if (!isAllowed(actor, 'create', { type: 'workspace', organization: organizationId, owner: '*' }))
    throw forbidden()
  let query = db
    .selectFrom('organization_members as m')
    .innerJoin('users as u', (join) => join.onRef('u.id', '=', 'm.user_id').on('u.deleted', '=', false))
    .select(['u.id', 'u.username', 'u.name', 'u.avatar_url'])
    .where('m.organization_id', '=', organizationId)
    .where('u.is_system', '=', false)
    .where('u.status', '<>', 'suspended')
    .where(userMatches(search))
    .orderBy(sql`lower(u.username)`)
  if (page.limit !== undefined && page.limit > 0) query = query.limit(page.limit)
  if (page.offset !== undefined) query = query.offset(page.offset)
  return query.execute()
}
