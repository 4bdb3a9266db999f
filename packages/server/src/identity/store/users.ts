import { type Selectable, sql } from 'kysely'

import type { UserGroup } from '@slipway/contract'
import {
  type Actor,
  authorize,
  checkRoleChange,
  isAllowed,
  type ResourceObject,
  requireOwnerFor,
  sqlFilter,
} from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type { UsersTable } from '../../database/tables.ts'
import { conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'
import { isUuid } from '../../search/index.ts'
import { holdSiteCustomRoles } from './custom-roles.ts'
import { type UserSearch, userMatches } from './user-search.ts'

/** Groups that a list shows of one user. */
const MAX_GROUPS = 100

/** A stored user. */
export type UserRow = Selectable<UsersTable>

/** A user with the organizations they belong to, and what the deployment's own roles among theirs are called. */
export type UserWithOrganizations = UserRow & {
  readonly organization_ids: string[]
  readonly site_role_names: Readonly<Record<string, string>>
}

/** What permissions speak of. */
export function userObject(id?: string): ResourceObject {
  return { type: 'user', id, owner: id }
}

const organizationIds = sql<
  string[]
>`array(select m.organization_id::text from organization_members m where m.user_id = u.id order by m.created_at)`.as(
  'organization_ids',
)

/** What the deployment's own roles among those of the user that a query calls `u` are called (RB-136), by name. */
export const siteRoleNames = sql<Readonly<Record<string, string>>>`coalesce((
  select jsonb_object_agg(c.name, c.display_name) from custom_roles c
   where c.organization_id is null and c.name = any(u.rbac_roles)), '{}')`.as('site_role_names')

/** A user of a list, with their groups where those were asked for. */
export type ListedUserRow = UserWithOrganizations & { readonly groups?: UserGroup[] }

/**
 * The groups of the user that a query calls `u`, but not those of all members, as far as the actor may read both the
 * group and that the user is in it (RB-70); one's own are no secret.
 */
function groupsOf(actor: Actor) {
  return sql<UserGroup[]>`coalesce((
    select jsonb_agg(of_user) from (
      select g.id, g.name, g.display_name, g.avatar_url, g.organization_id, o.name as organization_name
        from group_members m
        join groups g on g.id = m.group_id
        join organizations o on o.id = g.organization_id and not o.deleted
       where m.user_id = u.id
         and ${sqlFilter(actor, 'read', 'group', {
           id: sql.ref<string>('g.id'),
           organization: sql.ref<string>('g.organization_id'),
           groupAcl: sql`jsonb_build_object(g.id::text, '["read"]'::jsonb)`,
         })}
         and (u.id = ${actor.id}::uuid or ${sqlFilter(actor, 'read', 'group_member', {
           id: sql.ref<string>('u.id'),
           owner: sql.ref<string>('u.id'),
           organization: sql.ref<string>('g.organization_id'),
         })})
       order by lower(g.name), g.id
       limit ${MAX_GROUPS}) as of_user), '[]')`.as('groups')
}

/** Whether anybody but system users exists (ID-11). @throws ApiError 403. */
export async function anyUserExists(actor: Actor, db: Db): Promise<boolean> {
  authorize(actor, 'read', { type: 'user' })
  const row = await db
    .selectFrom('users')
    .select('id')
    .where('is_system', '=', false)
    .where('deleted', '=', false)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Serialises set-up: of several first users at once exactly one finds nobody there (ID-203). @throws ApiError 403. */
export async function lockFirstUser(actor: Actor, db: Db): Promise<void> {
  authorize(actor, 'create', { type: 'user' })
  await sql`select pg_advisory_xact_lock(1)`.execute(db)
}

/** What a new user is made of. */
export interface NewUser {
  readonly username: string
  readonly email: string
  readonly name: string
  readonly hashedPassword: string
  readonly loginType: UserRow['login_type']
  readonly status: UserRow['status']
  readonly siteRoles: readonly string[]
  readonly isServiceAccount: boolean
}

/**
 * Stores a user.
 *
 * @throws ApiError 403 without `user:create`, 403 or 400 for roles that the actor may not hand out (RB-43), 409 when
 * name or e-mail is taken.
 */
export async function insertUser(actor: Actor, db: Db, user: NewUser): Promise<UserRow> {
  authorize(actor, 'create', { type: 'user' })
  const roles = checkRoleChange(actor, {
    before: [],
    after: user.siteRoles,
    implied: ['member'],
    customRoles: await holdSiteCustomRoles(actor, db, user.siteRoles),
  })
  try {
    return await db
      .insertInto('users')
      .values({
        username: user.username,
        email: user.email,
        name: user.name,
        hashed_password: user.hashedPassword,
        login_type: user.loginType,
        status: user.status,
        rbac_roles: roles,
        is_service_account: user.isServiceAccount,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (error) {
    if (violatedUnique(error)?.startsWith('users_') !== true) throw error
    throw conflict('User already exists.')
  }
}

/** The user, by UUID (deleted ones only when they are asked for), by name, or `me` (ID-143). @throws ApiError 404. */
export async function getUser(
  actor: Actor,
  db: Db,
  reference: string,
  options: { readonly deletedToo?: boolean } = {},
): Promise<UserWithOrganizations> {
  const row = await findUser(db, reference === 'me' ? actor.id : reference)
  return readableUser(actor, row?.deleted === true && options.deletedToo !== true ? undefined : row)
}

/** A row that was read before, for another reader. @throws ApiError 404 when absent or not readable. */
export function readableUser<R extends Pick<UserRow, 'id'>>(actor: Actor, row: R | undefined): R {
  if (row === undefined || !isAllowed(actor, 'read', userObject(row.id))) throw notFound()
  return row
}

async function findUser(db: Db, reference: string): Promise<UserWithOrganizations | undefined> {
  const query = db.selectFrom('users as u').selectAll('u').select([organizationIds, siteRoleNames])
  return isUuid(reference)
    ? query.where('u.id', '=', reference).executeTakeFirst()
    : query
        .where(sql<string>`lower(u.username)`, '=', reference.toLowerCase())
        .where('u.deleted', '=', false)
        .executeTakeFirst()
}

/** The live user with this e-mail address, for sign-in. @throws ApiError 403 for all but system actors. */
export async function findUserByEmail(actor: Actor, db: Db, email: string): Promise<UserRow | undefined> {
  authorize(actor, 'read_personal', { type: 'user' })
  if (email === '') return undefined
  return db
    .selectFrom('users')
    .selectAll()
    .where(sql<string>`lower(email)`, '=', email.toLowerCase())
    .where('deleted', '=', false)
    .executeTakeFirst()
}

/** The live user with this id, for sign-in. @throws ApiError 403 for all but system actors. */
export async function findUserById(actor: Actor, db: Db, id: string): Promise<UserRow | undefined> {
  authorize(actor, 'read_personal', { type: 'user' })
  return db
    .selectFrom('users')
    .selectAll()
    .where('id', '=', id)
    .where('deleted', '=', false)
    .executeTakeFirst()
}

/** A page of users that the actor may read, by name, with the number of all matches (ID-14). */
export async function listUsers(
  actor: Actor,
  db: Db,
  search: UserSearch,
  page: {
    readonly limit?: number | undefined
    readonly offset?: number | undefined
    readonly afterId?: string | undefined
    readonly withGroups?: boolean | undefined
  },
): Promise<{ readonly users: ListedUserRow[]; readonly count: number }> {
  const query = db
    .selectFrom('users as u')
    .where('u.deleted', '=', false)
    .where('u.is_system', '=', false)
    .where(sqlFilter(actor, 'read', 'user', { id: sql.ref('u.id'), owner: sql.ref('u.id') }))
    .where(userMatches(search))
  const { count } = await query.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow()
  let rows = query
    .selectAll('u')
    .select([organizationIds, siteRoleNames])
    .$if(page.withGroups === true, (listed) => listed.select(groupsOf(actor)))
    .orderBy(sql`lower(u.username)`)
  if (page.afterId !== undefined)
    rows = rows.where(
      sql<boolean>`lower(u.username) > (select lower(c.username) from users c where c.id = ${page.afterId}::uuid)`,
    )
  if (page.limit !== undefined && page.limit > 0) rows = rows.limit(page.limit)
  if (page.offset !== undefined) rows = rows.offset(page.offset)
  return { users: await rows.execute(), count }
}

/**
 * Changes name, username and avatar (ID-18).
 *
 * @throws ApiError 404 when refused, 403 for an owner by who is none (RB-125), 409 on a taken name.
 */
export async function updateProfile(
  actor: Actor,
  db: Db,
  user: UserRow,
  change: { readonly username: string; readonly name: string; readonly avatarUrl: string },
): Promise<void> {
  authorize(actor, 'update_personal', userObject(user.id))
  if (change.username !== user.username && !isAllowed(actor, 'update', userObject(user.id))) throw notFound()
  if (user.id !== actor.id) requireOwnerFor(actor, user.rbac_roles)
  try {
    await db
      .updateTable('users')
      .set({
        username: change.username,
        name: change.name,
        avatar_url: change.avatarUrl,
        updated_at: sql<Date>`now()`,
      })
      .where('id', '=', user.id)
      .execute()
  } catch (error) {
    if (violatedUnique(error) !== 'users_username_key') throw error
    throw conflict('A user with this username already exists.', {
      validations: [{ field: 'username', detail: UNIQUE_DETAIL }],
    })
  }
}

/**
 * Activates a dormant user who has shown up (ID-68); resolves to the user as they are now, to nothing when they were not
 * dormant any more, so that of several requests at once one has done it.
 *
 * @throws ApiError 403.
 */
export async function activateDormantUser(
  actor: Actor,
  db: Db,
  userId: string,
  now: Date,
): Promise<UserRow | undefined> {
  authorize(actor, 'update', userObject(userId))
  return db
    .updateTable('users')
    .set({ status: 'active', last_seen_at: now, updated_at: now })
    .where('id', '=', userId)
    .where('status', '=', 'dormant')
    .returningAll()
    .executeTakeFirst()
}

/** Stores a new password hash and forgets any passcode (ID-30). @throws ApiError 404 when refused. */
export async function updatePasswordHash(actor: Actor, db: Db, userId: string, hash: string): Promise<void> {
  if (!isAllowed(actor, 'update_personal', userObject(userId))) throw notFound()
  await db
    .updateTable('users')
    .set({
      hashed_password: hash,
      hashed_one_time_passcode: null,
      one_time_passcode_expires_at: null,
      one_time_passcode_attempts: 0,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', userId)
    .execute()
}
