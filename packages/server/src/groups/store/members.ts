import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, PREBUILDS_USER, sqlFilter } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { UsersTable } from '../../database/tables.ts'
import { badRequest } from '../../errors/index.ts'
import { type UserSearch, userMatches } from '../../identity/index.ts'
import { type GroupRow, groupObject, type Page } from './groups.ts'

/** A user as rosters show it. */
export type RosterUser = Pick<
  Selectable<UsersTable>,
  | 'id'
  | 'username'
  | 'email'
  | 'name'
  | 'avatar_url'
  | 'status'
  | 'login_type'
  | 'is_service_account'
  | 'last_seen_at'
  | 'created_at'
  | 'updated_at'
>

/** A user in a group. */
export type GroupMemberRow = RosterUser & { readonly group_id: string }

/** Those members of a group that the actor may read. */
function memberQuery(actor: Actor, db: Db) {
  return db
    .selectFrom('group_members_expanded as m')
    .innerJoin('groups as g', 'g.id', 'm.group_id')
    .innerJoin('users as u', (join) =>
      join.onRef('u.id', '=', 'm.user_id').on('u.deleted', '=', false).on('u.is_system', '=', false),
    )
    .where(
      sqlFilter(actor, 'read', 'group_member', {
        id: sql.ref<string>('u.id'),
        owner: sql.ref<string>('u.id'),
        organization: sql.ref<string>('g.organization_id'),
      }),
    )
    .select([
      'm.group_id',
      'u.id',
      'u.username',
      'u.email',
      'u.name',
      'u.avatar_url',
      'u.status',
      'u.login_type',
      'u.is_service_account',
      'u.last_seen_at',
      'u.created_at',
      'u.updated_at',
    ])
}

/** The members of groups that the actor may read, by name (L-S8). */
export async function listMembersOfGroups(
  actor: Actor,
  db: Db,
  groupIds: readonly string[],
): Promise<GroupMemberRow[]> {
  if (groupIds.length === 0) return []
  return memberQuery(actor, db)
    .where(sql<boolean>`m.group_id = any(${[...groupIds]}::uuid[])`)
    .orderBy(sql`lower(u.username)`)
    .execute()
}

/** A page of the members of a group that the actor may read, by name, and the number of all that match (WS-63). */
export async function listMembersPage(
  actor: Actor,
  db: Db,
  groupId: string,
  search: UserSearch,
  page: Page,
): Promise<{ readonly members: GroupMemberRow[]; readonly count: number }> {
  const query = memberQuery(actor, db).where('m.group_id', '=', groupId).where(userMatches(search))
  const { count } = await query
    .clearSelect()
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow()
  let rows = query.orderBy(sql`lower(u.username)`)
  if (page.afterId !== undefined)
    rows = rows.where(
      sql<boolean>`lower(u.username) > (select lower(c.username) from users c where c.id = ${page.afterId}::uuid)`,
    )
  if (page.limit !== undefined && page.limit > 0) rows = rows.limit(page.limit)
  if (page.offset !== undefined) rows = rows.offset(page.offset)
  return { members: await rows.execute(), count }
}

/** Ids of all who were put into a group, in order, before it changes or goes. @throws ApiError 403 without that right. */
export async function listMemberIds(
  actor: Actor,
  db: Db,
  group: Pick<GroupRow, 'id' | 'organization_id'>,
  action: 'update' | 'delete',
): Promise<string[]> {
  authorize(actor, action, groupObject(group))
  const rows = await db
    .selectFrom('group_members')
    .select('user_id')
    .where('group_id', '=', group.id)
    .orderBy('user_id')
    .execute()
  return rows.map((row) => row.user_id)
}

/**
 * Puts users into a group and takes others out of it; they stay members of the organization until the transaction
 * ends (WS-61).
 *
 * @throws ApiError 403 without `group:update`, 400 for who is not in the organization or in the group already.
 */
export async function changeMembers(
  actor: Actor,
  tx: Db,
  group: Pick<GroupRow, 'id' | 'organization_id' | 'organization_name'>,
  change: { readonly add: readonly string[]; readonly remove: readonly string[] },
): Promise<void> {
  authorize(actor, 'update', groupObject(group))
  // The owner of prebuilt workspaces is in groups without being in their organization (WS-61).
  const named = [...new Set([...change.add, ...change.remove])].filter((id) => id !== PREBUILDS_USER)
  const members = await tx
    .selectFrom('organization_members')
    .select('user_id')
    .where('organization_id', '=', group.organization_id)
    .where(sql<boolean>`user_id = any(${named}::uuid[])`)
    .orderBy('user_id')
    .forKeyShare()
    .execute()
  const known = new Set(members.map((row) => row.user_id))
  if (named.some((id) => !known.has(id)))
    throw badRequest(`User must be a member of organization ${JSON.stringify(group.organization_name)}`)
  if (change.add.length > 0)
    try {
      await tx
        .insertInto('group_members')
        .values(change.add.map((id) => ({ group_id: group.id, user_id: id })))
        .execute()
    } catch (error) {
      if (violatedUnique(error) !== 'group_members_pkey') throw error
      throw badRequest('Cannot add the same user to a group twice!')
    }
  if (change.remove.length > 0)
    await tx
      .deleteFrom('group_members')
      .where('group_id', '=', group.id)
      .where(sql<boolean>`user_id = any(${[...change.remove]}::uuid[])`)
      .execute()
}
