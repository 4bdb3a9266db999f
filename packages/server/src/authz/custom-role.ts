import { isAllowed } from './decide.ts'
import type { PermissionMap, RoleDefinition } from './permissions.ts'
import { type Action, isActionOf, isResourceType, RESOURCES, type ResourceType } from './resources.ts'
import type { Actor } from './subject.ts'

/** A permission of a stored role. */
export interface RolePermission {
  readonly resource_type: ResourceType
  readonly action: Action
  readonly negate: boolean
}

/**
 * Reads the stored permissions of one level of a role. What is no permission of this release is left out, so that a
 * role outlives changes of what there is (RB-38).
 */
export function rolePermissionsOf(stored: unknown): RolePermission[] {
  if (!Array.isArray(stored)) return []
  return stored.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return []
    if (!('resource_type' in entry && 'action' in entry)) return []
    const { resource_type, action } = entry
    if (typeof resource_type !== 'string' || typeof action !== 'string') return []
    if (!isResourceType(resource_type) || !isActionOf(resource_type, action)) return []
    return [{ resource_type, action, negate: 'negate' in entry && entry.negate === true }]
  })
}

/** The definition of an organization's own role from what is stored of it; wider levels than the organization's do not count. */
export function customRole(
  displayName: string,
  stored: { readonly org: unknown; readonly member: unknown },
): RoleDefinition {
  const org = rolePermissionsOf(stored.org)
  const member = rolePermissionsOf(stored.member)
  return {
    displayName,
    org: mapOf(org, false),
    member: mapOf(member, false),
    negate: { org: mapOf(org, true), member: mapOf(member, true) },
  }
}

/** The definition of a role that the deployment has made for itself (RB-136); what is stored for organizations does not count. */
export function customSiteRole(
  displayName: string,
  stored: { readonly site: unknown; readonly user: unknown },
): RoleDefinition {
  const site = rolePermissionsOf(stored.site)
  return {
    displayName,
    site: mapOf(site, false),
    user: mapOf(rolePermissionsOf(stored.user), false),
    negate: { site: mapOf(site, true) },
  }
}

function mapOf(permissions: readonly RolePermission[], negate: boolean): PermissionMap {
  const map: { [Type in ResourceType]?: Action[] } = {}
  for (const permission of permissions) {
    if (permission.negate !== negate) continue
    const actions = map[permission.resource_type]
    if (actions === undefined) map[permission.resource_type] = [permission.action]
    else actions.push(permission.action)
  }
  return map
}

/**
 * Every type of resource with its actions, and those of them that the actor may put into a role of an organization, or of
 * the deployment where none is given (RB-37).
 */
export function grantablePermissions(
  actor: Actor,
  organizationId: string | undefined,
): {
  readonly type: ResourceType
  readonly actions: readonly Action[]
  readonly grantable: readonly Action[]
}[] {
  return Object.entries(RESOURCES).flatMap(([type, actions]) => {
    if (!isResourceType(type)) return []
    const grantable = actions.filter((action) =>
      isAllowed(actor, action, { type, organization: organizationId }),
    )
    return [{ type, actions, grantable }]
  })
}

/**
 * The first permission that the actor does not hold itself for everything of the organization, or of the deployment
 * where none is given, whoever owns it: what
 * it may do to its own does not count (RB-37). Undefined when it holds them all.
 */
export function permissionBeyond(
  actor: Actor,
  organizationId: string | undefined,
  permissions: readonly RolePermission[],
): RolePermission | undefined {
  return permissions.find(
    ({ resource_type: type, action, negate }) =>
      !negate && !isAllowed(actor, action, { type, organization: organizationId }),
  )
}
