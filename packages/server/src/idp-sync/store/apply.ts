import { sql } from 'kysely'

import { type Actor, authorize, checkRoleChange } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Ends memberships; a trigger takes the groups along (WS-48). @throws ApiError 403. */
export async function leaveOrganizations(
  actor: Actor,
  tx: Db,
  userId: string,
  organizationIds: readonly string[],
): Promise<void> {
  for (const organization of organizationIds)
    authorize(actor, 'delete', { type: 'organization_member', id: userId, owner: userId, organization })
  await tx
    .deleteFrom('organization_members')
    .where('user_id', '=', userId)
    .where(sql<boolean>`organization_id = any(${[...organizationIds]}::uuid[])`)
    .execute()
}

/**
 * Makes the groups of an organization that are missing, as groups of the provider. @returns all with these names.
 *
 * @throws ApiError 403 without `group:create`.
 */
export async function ensureGroups(
  actor: Actor,
  tx: Db,
  organizationId: string,
  names: readonly string[],
): Promise<string[]> {
  authorize(actor, 'create', { type: 'group', organization: organizationId })
  await tx
    .insertInto('groups')
    .values(names.map((name) => ({ organization_id: organizationId, name, source: 'oidc' as const })))
    // Somebody else who signs in may have made one just now.
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const rows = await tx
    .selectFrom('groups')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where(sql<boolean>`name = any(${[...names]}::text[])`)
    .execute()
  return rows.map(({ id }) => id)
}

/** Puts a user into groups of an organization, and out of others. @throws ApiError 403 without `group:update`. */
export async function moveBetweenGroups(
  actor: Actor,
  tx: Db,
  userId: string,
  organizationId: string,
  groups: { readonly join: readonly string[]; readonly leave: readonly string[] },
): Promise<void> {
  authorize(actor, 'update', { type: 'group', organization: organizationId })
  await sql`
    delete from group_members gm using groups g
     where gm.group_id = g.id and g.organization_id = ${organizationId}::uuid and gm.user_id = ${userId}::uuid
       and g.id = any(${[...groups.leave]}::uuid[])`.execute(tx)
  await sql`
    insert into group_members (group_id, user_id)
    select g.id, ${userId}::uuid from groups g
     where g.organization_id = ${organizationId}::uuid and g.id = any(${[...groups.join]}::uuid[])
        on conflict do nothing`.execute(tx)
}

/**
 * Gives a member these roles in place of others (RB-41).
 *
 * @param change what the member has, without names that are no roles any more, and shall have.
 * @throws ApiError 403, 400 for a role that the actor may not hand out.
 */
export async function setMemberRoles(
  actor: Actor,
  tx: Db,
  userId: string,
  organizationId: string,
  change: {
    readonly before: readonly string[]
    readonly after: readonly string[]
    /** The organization's own roles, at least those that the change names. */
    readonly customRoles: readonly { readonly name: string; readonly assignable_by: readonly string[] }[]
  },
): Promise<void> {
  authorize(actor, 'assign', { type: 'assign_org_role', organization: organizationId })
  const roles = checkRoleChange(actor, { organizationId, implied: [], ...change })
  await tx
    .updateTable('organization_members')
    .set({ roles, updated_at: sql<Date>`now()` })
    .where('organization_id', '=', organizationId)
    .where('user_id', '=', userId)
    .execute()
}

/**
 * Gives a user these site roles in place of others (RB-41). The last active owner stays one, whatever a provider says
 * (RB-125): nobody could repair the settings.
 *
 * @returns the roles that are stored.
 * @throws ApiError 403, 400 for a role that the actor may not hand out.
 */
export async function setSiteRoles(
  actor: Actor,
  tx: Db,
  userId: string,
  change: {
    readonly before: readonly string[]
    readonly after: readonly string[]
    /** The deployment's own roles, at least those that the change names (RB-136). */
    readonly customRoles: readonly { readonly name: string; readonly assignable_by: readonly string[] }[]
  },
): Promise<string[]> {
  authorize(actor, 'assign', { type: 'assign_role' })
  const loses = change.before.includes('owner') && !change.after.includes('owner')
  const after = loses && (await isLastOwner(tx, userId)) ? [...change.after, 'owner'] : change.after
  const roles = checkRoleChange(actor, { ...change, after, implied: [] })
  await tx
    .updateTable('users')
    .set({ rbac_roles: roles, updated_at: sql<Date>`now()` })
    .where('id', '=', userId)
    .execute()
  return roles
}

async function isLastOwner(tx: Db, userId: string): Promise<boolean> {
  // The lock of all changes that may take the last owner away.
  await sql`select pg_advisory_xact_lock(2)`.execute(tx)
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
  return other === undefined
}
