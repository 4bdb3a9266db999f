import { sql } from 'kysely'

import { type Actor, authorize, isAllowed, isOwner, type RolePermission } from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import { ApiError, conflict, forbidden, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'
import type { SiteRoleRow } from '../../identity/index.ts'

/** What is stored of a role of the deployment. */
export interface SiteRole {
  readonly name: string
  readonly displayName: string
  /** Undefined keeps what is stored. */
  readonly assignableBy?: readonly string[] | undefined
  readonly sitePermissions: readonly RolePermission[]
  readonly userPermissions: readonly RolePermission[]
}

const ROLES = { type: 'assign_role' } as const

/** Only owners make roles that count everywhere, with a credential that may hand roles out (RB-136). @throws ApiError 403. */
export function requireSiteRoleMaker(actor: Actor): void {
  authorize(actor, 'assign', ROLES)
  if (!isOwner(actor)) throw forbidden('Only an owner makes roles of the deployment.', { detail: undefined })
}

function roleNamed(db: Db, name: string) {
  return db
    .selectFrom('custom_roles')
    .selectAll()
    .$narrowType<{ organization_id: null }>()
    .where('organization_id', 'is', null)
    .where('is_system', '=', false)
    .where(sql<string>`lower(name)`, '=', name.toLowerCase())
}

/** A role of the deployment, whatever the case of its name. @throws ApiError 404. */
export async function getSiteRole(actor: Actor, db: Db, name: string): Promise<SiteRoleRow> {
  if (!isAllowed(actor, 'read', ROLES)) throw notFound()
  const row = await roleNamed(db, name).executeTakeFirst()
  if (row === undefined) throw new ApiError(404, `No custom role with the name ${name} found`)
  return row
}

/** Stores a new role. @throws ApiError 403 for all but owners, 409 on a taken name. */
export async function insertSiteRole(actor: Actor, tx: Db, role: SiteRole): Promise<SiteRoleRow> {
  requireSiteRoleMaker(actor)
  try {
    return await tx
      .insertInto('custom_roles')
      .values({ name: role.name, ...columnsOf(role) })
      .returningAll()
      .$narrowType<{ organization_id: null }>()
      .executeTakeFirstOrThrow()
  } catch (error) {
    if (violatedUnique(error) !== 'custom_roles_name') throw error
    throw conflict(`A custom role with the name ${JSON.stringify(role.name)} already exists.`, {
      validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
    })
  }
}

/** Replaces what a role grants; its name stays. @throws ApiError 403 for all but owners, 404. */
export async function updateSiteRole(actor: Actor, tx: Db, role: SiteRole): Promise<SiteRoleRow> {
  requireSiteRoleMaker(actor)
  const held = await roleNamed(tx, role.name).forUpdate().executeTakeFirst()
  if (held === undefined) throw new ApiError(404, `No custom role with the name ${role.name} found`)
  return tx
    .updateTable('custom_roles')
    .set({ ...columnsOf(role), updated_at: sql<Date>`now()` })
    .where('id', '=', held.id)
    .returningAll()
    .$narrowType<{ organization_id: null }>()
    .executeTakeFirstOrThrow()
}

/** Deletes a role and takes it from everybody who has it. @throws ApiError 403 for all but owners, 404. */
export async function deleteSiteRole(actor: Actor, tx: Db, name: string): Promise<void> {
  requireSiteRoleMaker(actor)
  // Whoever hands it out has locked the row as well, and is either done before this or finds it gone.
  const row = await roleNamed(tx, name).forUpdate().executeTakeFirst()
  if (row === undefined) throw new ApiError(404, `No custom role with the name ${name} found`)
  await tx.deleteFrom('custom_roles').where('id', '=', row.id).execute()
  await tx
    .updateTable('users')
    .set({ rbac_roles: sql<string[]>`array_remove(rbac_roles, ${row.name})`, updated_at: sql<Date>`now()` })
    .where(sql<boolean>`${row.name} = any(rbac_roles)`)
    .execute()
}

function columnsOf(role: SiteRole) {
  return {
    display_name: role.displayName,
    site_permissions: JSON.stringify(role.sitePermissions),
    user_permissions: JSON.stringify(role.userPermissions),
    ...(role.assignableBy === undefined ? {} : { assignable_by: [...role.assignableBy] }),
  }
}
