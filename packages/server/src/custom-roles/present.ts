import type { AssignableRoles, Role, SiteRole } from '@slipway/contract'
import {
  type Actor,
  customRole,
  customSiteRole,
  mayAssign,
  ORGANIZATION_ROLES,
  permissionsOf,
  rolePermissionsOf,
} from '../authz/index.ts'
import type { CustomRoleRow, SiteRoleRow } from '../identity/index.ts'

/** A role as the API shows it. */
export function presentRole(row: CustomRoleRow): Role {
  return {
    name: row.name,
    display_name: row.display_name,
    organization_id: row.organization_id,
    assignable_by: row.assignable_by,
    ...permissionsOf(
      customRole(row.display_name, { org: row.org_permissions, member: row.member_permissions }),
    ),
  }
}

/** A role of the deployment as the API shows it. */
export function presentSiteRole(row: SiteRoleRow): SiteRole {
  const { site_permissions, user_permissions } = permissionsOf(
    customSiteRole(row.display_name, { site: row.site_permissions, user: row.user_permissions }),
  )
  return {
    name: row.name,
    display_name: row.display_name,
    assignable_by: row.assignable_by,
    site_permissions,
    user_permissions,
  }
}

/** The roles of an organization that can be held, its own among them, by name (RB-29). */
export function presentAssignable(
  actor: Actor,
  organizationId: string,
  customRoles: readonly CustomRoleRow[],
): AssignableRoles[] {
  const builtIn = Object.entries(ORGANIZATION_ROLES).map(([name, definition]) => ({
    name,
    display_name: definition.displayName,
    organization_id: organizationId,
    built_in: true,
    assignable: mayAssign(actor, name, organizationId),
    ...permissionsOf(definition),
  }))
  const custom = customRoles.map((row) => ({
    ...presentRole(row),
    built_in: false,
    assignable: mayAssign(actor, row.name, organizationId, row.assignable_by),
  }))
  return [...builtIn, ...custom].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** A row as entries of the audit log compare it: permissions in one word each (RB-99). */
export function auditedRole(row: CustomRoleRow | SiteRoleRow) {
  const words = (stored: unknown): string[] =>
    rolePermissionsOf(stored)
      .map(({ resource_type, action, negate }) => `${negate ? '-' : ''}${resource_type}.${action}`)
      .sort()
  return {
    ...row,
    site_permissions: words(row.site_permissions),
    user_permissions: words(row.user_permissions),
    org_permissions: words(row.org_permissions),
    member_permissions: words(row.member_permissions),
  }
}
