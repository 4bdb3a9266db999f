import { type Permission, RBACAction, RBACResource } from '@slipway/contract'
import type { PermissionMap, RoleDefinition } from './permissions.ts'
import { RESOURCES } from './resources.ts'

/** What a role grants and refuses, by level, as the API lists it; wildcards are written out (RB-45). */
export function permissionsOf(role: RoleDefinition): {
  site_permissions: Permission[]
  user_permissions: Permission[]
  organization_permissions: Permission[]
  organization_member_permissions: Permission[]
} {
  const level = (granted: PermissionMap | undefined, refused: PermissionMap | undefined): Permission[] => [
    ...expand(granted, false),
    ...expand(refused, true),
  ]
  return {
    site_permissions: level(role.site, role.negate?.site),
    user_permissions: level(role.user, role.negate?.user),
    organization_permissions: level(role.org, role.negate?.org),
    organization_member_permissions: level(role.member, role.negate?.member),
  }
}

function expand(map: PermissionMap | undefined, negate: boolean): Permission[] {
  const all: Readonly<Record<string, readonly string[]>> = RESOURCES
  return Object.entries(map ?? {}).flatMap(([type, actions]) => {
    const resource = RBACResource.enum.find((known) => known === type)
    if (resource === undefined) return []
    return actions
      .flatMap((action) => (action === '*' ? (all[type] ?? []) : [action]))
      .flatMap((action) => RBACAction.enum.filter((known) => known === action))
      .map((action) => ({ resource_type: resource, action, negate }))
  })
}
