import type { CustomRoleRequest, RequestedPermission } from '@slipway/contract'
import type { Actor, RolePermission } from '../authz/index.ts'
import { badRequest } from '../errors/index.ts'
import { grantable, readAssigners, readName, refusedPermission } from './role-rules.ts'
import type { SiteRole } from './store/site-roles.ts'

/** What opens everything else to whoever holds it, and is for owners and for the server itself. */
const NEVER: Readonly<Record<string, readonly string[]>> = {
  api_key: ['create', 'update'],
  assign_role: ['assign', 'unassign'],
  crypto_key: ['create', 'read', 'update', 'delete'],
  system: ['create', 'read', 'update', 'delete'],
}

/**
 * Reads a role of the deployment that is to be made or replaced (RB-136): permissions on everything, and on what its
 * holders own themselves. The rules are those of an organization's roles (RB-35, RB-37, RB-38), and some permissions are
 * never part of one.
 *
 * @throws ApiError 400.
 */
export function readSiteRole(actor: Actor, request: CustomRoleRequest, unknown: 'refuse' | 'drop'): SiteRole {
  const { name, displayName } = readName(request)
  for (const field of ['organization_permissions', 'organization_member_permissions'] as const)
    if ((request[field] ?? []).length > 0)
      throw badRequest(
        `Invalid request, not allowed to assign ${field.replaceAll('_', ' ')} to a role of the deployment.`,
        {
          detail: 'A role of the deployment holds site and user permissions only.',
          validations: [{ field, detail: 'must be empty' }],
        },
      )
  const read = (permissions: readonly RequestedPermission[] = []): RolePermission[] => {
    const forbidden = permissions.find(
      ({ resource_type: type, action }) => Object.hasOwn(NEVER, type) && NEVER[type]?.includes(action),
    )
    if (forbidden !== undefined)
      throw refusedPermission(
        `${forbidden.resource_type}:${forbidden.action}: a role of the deployment cannot hold this permission`,
      )
    return grantable(actor, undefined, permissions, unknown)
  }
  const refusing = (request.user_permissions ?? []).find(({ negate }) => negate === true)
  if (refusing !== undefined)
    throw refusedPermission(
      `${refusing.resource_type}:${refusing.action}: refuse it among the site permissions`,
    )
  return {
    name,
    displayName,
    assignableBy: readAssigners(actor, undefined, name, request.assignable_by),
    sitePermissions: read(request.site_permissions),
    userPermissions: read(request.user_permissions),
  }
}
