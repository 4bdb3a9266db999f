import { type Selectable, sql } from 'kysely'

import { type Actor, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { CustomRolesTable } from '../../database/tables.ts'

/** A stored role of an organization. */
export type CustomRoleRow = Selectable<CustomRolesTable> & { readonly organization_id: string }

/**
 * The roles that an organization has made for itself, by name, without those that the system keeps there (RB-32);
 * nothing for who may not read them.
 */
export async function listCustomRoles(
  actor: Actor,
  db: Db,
  organizationId: string,
): Promise<CustomRoleRow[]> {
  if (!isAllowed(actor, 'read', { type: 'assign_org_role', organization: organizationId })) return []
  return db
    .selectFrom('custom_roles')
    .selectAll()
    .$narrowType<{ organization_id: string }>()
    .where('organization_id', '=', organizationId)
    .where('is_system', '=', false)
    .orderBy(sql`lower(name)`)
    .execute()
}

/** What handing out a role asks of it. */
export type HeldCustomRole = Pick<
  CustomRoleRow,
  'name' | 'assignable_by' | 'org_permissions' | 'member_permissions'
>

/**
 * Keeps these roles of an organization as they are until the transaction ends, so that no name of one that is gone is
 * handed out (RB-39), and none that has become greater meanwhile. Take it before the rows that are to name them.
 *
 * @returns those of the names that are roles which the organization has made for itself.
 */
export async function holdCustomRoles(
  actor: Actor,
  tx: Db,
  organizationId: string,
  names: readonly string[],
): Promise<HeldCustomRole[]> {
  if (!isAllowed(actor, 'read', { type: 'assign_org_role', organization: organizationId })) return []
  return tx
    .selectFrom('custom_roles')
    .select(['name', 'assignable_by', 'org_permissions', 'member_permissions'])
    .where('organization_id', '=', organizationId)
    .where('is_system', '=', false)
    .where(sql<boolean>`name = any(${[...names]}::text[])`)
    .orderBy('id')
    .forShare()
    .execute()
}

/** A role that the deployment has made for itself (RB-136). */
export type SiteRoleRow = Selectable<CustomRolesTable> & { readonly organization_id: null }

/** The roles that the deployment has made for itself, by name; nothing for who may not read them. */
export async function listSiteCustomRoles(actor: Actor, db: Db): Promise<SiteRoleRow[]> {
  if (!isAllowed(actor, 'read', { type: 'assign_role' })) return []
  return db
    .selectFrom('custom_roles')
    .selectAll()
    .$narrowType<{ organization_id: null }>()
    .where('organization_id', 'is', null)
    .where('is_system', '=', false)
    .orderBy(sql`lower(name)`)
    .execute()
}

/**
 * Keeps these roles of the deployment as they are until the transaction ends, so that no name of one that is gone is
 * handed out. Take it before the rows that are to name them.
 *
 * @returns those of the names that are such roles.
 */
export async function holdSiteCustomRoles(
  actor: Actor,
  tx: Db,
  names: readonly string[],
): Promise<Pick<SiteRoleRow, 'name' | 'assignable_by'>[]> {
  if (names.length === 0 || !isAllowed(actor, 'read', { type: 'assign_role' })) return []
  return tx
    .selectFrom('custom_roles')
    .select(['name', 'assignable_by'])
    .where('organization_id', 'is', null)
    .where('is_system', '=', false)
    .where(sql<boolean>`name = any(${[...names]}::text[])`)
    .orderBy('id')
    .forShare()
    .execute()
}
