import { sql } from 'kysely'

import {
  type Actor,
  isAllowed,
  isOwner,
  type ResourceObject,
  type RolePermission,
  rolePermissionsOf,
} from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import { ApiError, conflict, forbidden, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'
import type { CustomRoleRow } from '../../identity/index.ts'

/** What is stored of a role. */
export interface CustomRole {
  readonly name: string
  readonly displayName: string
  /** Undefined keeps what is stored. */
  readonly assignableBy?: readonly string[] | undefined
  readonly organizationPermissions: readonly RolePermission[]
  readonly memberPermissions: readonly RolePermission[]
}

function roleObject(organizationId: string): ResourceObject {
  return { type: 'assign_org_role', organization: organizationId }
}

/** Roles that the system keeps in organizations are not among them (RB-32). */
function roleNamed(db: Db, organizationId: string, name: string) {
  return db
    .selectFrom('custom_roles')
    .selectAll()
    .$narrowType<{ organization_id: string }>()
    .where('organization_id', '=', organizationId)
    .where('is_system', '=', false)
    .where(sql<string>`lower(name)`, '=', name.toLowerCase())
}

/** A role of the organization, whatever the case of its name. @throws ApiError 404. */
export async function getCustomRole(
  actor: Actor,
  db: Db,
  organizationId: string,
  name: string,
): Promise<CustomRoleRow> {
  const row = await roleNamed(db, organizationId, name).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', roleObject(organizationId))) throw notFound()
  return row
}

/** Stores a new role. @throws ApiError 404 without `assign_org_role:create` (RB-36), 409 on a taken name (RB-39). */
export async function insertCustomRole(
  actor: Actor,
  tx: Db,
  organizationId: string,
  role: CustomRole,
): Promise<CustomRoleRow> {
  if (!isAllowed(actor, 'create', roleObject(organizationId))) throw notFound()
  try {
    return await tx
      .insertInto('custom_roles')
      .values({
        organization_id: organizationId,
        name: role.name,
        display_name: role.displayName,
        assignable_by: [...(role.assignableBy ?? [])],
        org_permissions: JSON.stringify(role.organizationPermissions),
        member_permissions: JSON.stringify(role.memberPermissions),
      })
      .returningAll()
      .$narrowType<{ organization_id: string }>()
      .executeTakeFirstOrThrow()
  } catch (error) {
    if (violatedUnique(error) !== 'custom_roles_name') throw error
    throw conflict(`A custom role with the name ${JSON.stringify(role.name)} already exists.`, {
      validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
    })
  }
}

/**
 * Nobody frees themselves of what a role refuses them, as nobody takes roles from themselves (RB-136).
 *
 * @throws ApiError 403 for who holds the role, unless they are an owner of the deployment.
 */
function requireFreeOf(actor: Actor, role: CustomRoleRow): void {
  const holds = actor.roles.some(
    ({ name, organizationId }) => name === role.name && organizationId === role.organization_id,
  )
  const refuses = [role.org_permissions, role.member_permissions].some((stored) =>
    rolePermissionsOf(stored).some(({ negate }) => negate),
  )
  if (holds && refuses && !isOwner(actor))
    throw forbidden('You cannot change or delete a role that refuses you something.')
}

/**
 * Replaces what a role grants; its name stays.
 *
 * @throws ApiError 404, also without `assign_org_role:update` (RB-36), 403 for a role that refuses the actor something.
 */
export async function updateCustomRole(
  actor: Actor,
  tx: Db,
  organizationId: string,
  role: CustomRole,
): Promise<CustomRoleRow> {
  if (!isAllowed(actor, 'update', roleObject(organizationId))) throw notFound()
  const held = await roleNamed(tx, organizationId, role.name).forUpdate().executeTakeFirst()
  if (held === undefined) throw notFound()
  requireFreeOf(actor, held)
  return tx
    .updateTable('custom_roles')
    .set({
      display_name: role.displayName,
      org_permissions: JSON.stringify(role.organizationPermissions),
      member_permissions: JSON.stringify(role.memberPermissions),
      ...(role.assignableBy === undefined ? {} : { assignable_by: [...role.assignableBy] }),
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', held.id)
    .returningAll()
    .$narrowType<{ organization_id: string }>()
    .executeTakeFirstOrThrow()
}

/**
 * Deletes a role and takes it from everybody who has it, and from what all members have (RB-39).
 *
 * @throws ApiError 403 without `assign_org_role:delete` (RB-36) and for a role that refuses the actor something, 404
 * naming the role that does not exist.
 */
export async function deleteCustomRole(
  actor: Actor,
  tx: Db,
  organizationId: string,
  name: string,
): Promise<void> {
  if (!isAllowed(actor, 'delete', roleObject(organizationId))) throw forbidden()
  // Whoever hands it out has locked the row as well, and is either done before this or finds it gone.
  const row = await roleNamed(tx, organizationId, name).forUpdate().executeTakeFirst()
  if (row === undefined) throw new ApiError(404, `No custom role with the name ${name} found`)
  requireFreeOf(actor, row)
  await tx.deleteFrom('custom_roles').where('id', '=', row.id).execute()
  await tx
    .updateTable('organizations')
    .set({
      default_org_member_roles: sql<string[]>`array_remove(default_org_member_roles, ${row.name})`,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', organizationId)
    .where(sql<boolean>`${row.name} = any(default_org_member_roles)`)
    .execute()
  await tx
    .updateTable('organization_members')
    .set({ roles: sql<string[]>`array_remove(roles, ${row.name})`, updated_at: sql<Date>`now()` })
    .where('organization_id', '=', organizationId)
    .where(sql<boolean>`${row.name} = any(roles)`)
    .execute()
}
