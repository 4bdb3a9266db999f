import { sql } from 'kysely'

import {
  type Actor,
  authorize,
  checkRoleChange,
  isAllowed,
  requireOwnerFor,
  sqlFilter,
} from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { ApiError, badRequest, conflict, notFound } from '../../errors/index.ts'
import { holdSiteCustomRoles, listSiteCustomRoles } from './custom-roles.ts'
import { readableUser, type UserRow, userObject } from './users.ts'

/**
 * The row of a live user, kept from changing until the transaction ends. One such change at a time: which owners there
 * are must hold until it is written (RB-125).
 */
async function lockUser(actor: Actor, tx: Db, userId: string): Promise<UserRow> {
  await sql`select pg_advisory_xact_lock(2)`.execute(tx)
  const row = await tx
    .selectFrom('users')
    .selectAll()
    .where('id', '=', userId)
    .where('deleted', '=', false)
    .forUpdate()
    .executeTakeFirst()
  return readableUser(actor, row)
}

/** RB-125: a deployment keeps an owner who can sign in. */
async function requireAnotherOwner(tx: Db, userId: string): Promise<void> {
  const other = await tx
    .selectFrom('users')
    .select('id')
    .where(sql<boolean>`rbac_roles @> array['owner']`)
    .where('status', '=', 'active')
    .where('deleted', '=', false)
    .where('is_system', '=', false)
    .where('id', '!=', userId)
    .limit(1)
    .executeTakeFirst()
  if (other === undefined)
    throw conflict('The last active owner must stay. Give another user the "owner" role first.')
}

/**
 * Sets the status (ID-20).
 *
 * @throws ApiError 404, 403 without `user:update` or for an owner by who is none, 400 when an owner is to be suspended.
 */
export async function updateStatus(
  actor: Actor,
  tx: Db,
  userId: string,
  status: UserRow['status'],
): Promise<void> {
  const user = await lockUser(actor, tx, userId)
  authorize(actor, 'update', userObject(userId))
  if (status === 'suspended' && user.rbac_roles.includes('owner'))
    throw badRequest('You cannot suspend a user with the "owner" role. You must remove the role first.')
  requireOwnerFor(actor, user.rbac_roles)
  await tx
    .updateTable('users')
    .set({ status, updated_at: sql<Date>`now()` })
    .where('id', '=', userId)
    .execute()
}

/**
 * Replaces the site roles (RB-41…RB-44).
 *
 * @throws ApiError 404, 403 without the right to assign, 400 for a role that the actor may not hand out or take away,
 * 409 when the last active owner would lose the role.
 */
export async function updateSiteRoles(
  actor: Actor,
  tx: Db,
  userId: string,
  roles: readonly string[],
): Promise<void> {
  const asked = await holdSiteCustomRoles(actor, tx, roles)
  const user = await lockUser(actor, tx, userId)
  // What is taken away needs no lock: it may as well be gone.
  const removed = (await listSiteCustomRoles(actor, tx)).filter(({ name }) => user.rbac_roles.includes(name))
  const stored = checkRoleChange(actor, {
    before: user.rbac_roles,
    after: roles,
    implied: ['member'],
    customRoles: [...asked, ...removed],
  })
  if (user.rbac_roles.includes('owner') && !roles.includes('owner')) await requireAnotherOwner(tx, userId)
  await tx
    .updateTable('users')
    .set({ rbac_roles: stored, updated_at: sql<Date>`now()` })
    .where('id', '=', userId)
    .execute()
}

/**
 * The roles that are stored for a user, by organization for those whose members the actor may see; implied ones are
 * not among them (RB §5).
 *
 * @throws ApiError 404 without `user:read_personal`.
 */
export async function getRoles(
  actor: Actor,
  db: Db,
  userId: string,
): Promise<{ readonly site: string[]; readonly organizations: Readonly<Record<string, string[]>> }> {
  if (!isAllowed(actor, 'read_personal', userObject(userId))) throw notFound()
  const user = await db.selectFrom('users').select('rbac_roles').where('id', '=', userId).executeTakeFirst()
  if (user === undefined) throw notFound()
  const memberships = await db
    .selectFrom('organization_members as m')
    .select(['m.organization_id', 'm.roles'])
    .where('m.user_id', '=', userId)
    .where(
      sqlFilter(actor, 'read', 'organization_member', {
        id: sql.ref('m.user_id'),
        owner: sql.ref('m.user_id'),
        organization: sql.ref<string>('m.organization_id'),
      }),
    )
    .execute()
  return {
    site: user.rbac_roles,
    organizations: Object.fromEntries(memberships.map((row) => [row.organization_id, row.roles])),
  }
}

/**
 * Marks a user deleted and takes away what lets them act: keys, login links, memberships (ID-19).
 *
 * @throws ApiError 404, 403 when refused or for an owner by who is none, 409 for the last active owner, 417 while the
 * user owns a workspace that the caller may not even see.
 */
export async function deleteUser(actor: Actor, tx: Db, userId: string): Promise<void> {
  const user = await lockUser(actor, tx, userId)
  authorize(actor, 'delete', userObject(userId))
  requireOwnerFor(actor, user.rbac_roles)
  if (user.rbac_roles.includes('owner')) await requireAnotherOwner(tx, userId)
  const owned = await tx
    .selectFrom('workspaces')
    .select('id')
    .where('owner_id', '=', userId)
    .where('deleted', '=', false)
    .limit(1)
    .executeTakeFirst()
  if (owned !== undefined)
    throw new ApiError(
      417,
      'You cannot delete a user that has workspaces. Delete their workspaces and try again!',
    )
  await tx.deleteFrom('api_keys').where('user_id', '=', userId).execute()
  await tx.deleteFrom('user_links').where('user_id', '=', userId).execute()
  await tx.deleteFrom('organization_members').where('user_id', '=', userId).execute()
  await tx.deleteFrom('git_ssh_keys').where('user_id', '=', userId).execute()
  await tx
    .updateTable('users')
    .set({ deleted: true, updated_at: sql<Date>`now()` })
    .where('id', '=', userId)
    .execute()
}
