import type { Action, ResourceType } from './resources.ts'

/** Actions by resource type; `*` stands for every action, and as a type for every type. */
export type PermissionMap = { readonly [Type in ResourceType | '*']?: readonly (Action | '*')[] }

/** Levels at which a role may grant or, with `negate`, refuse. */
export type Level = 'site' | 'user' | 'org' | 'member'

/** Permissions of a role by level. `org` and `member` count only inside the organization it is held in. */
export interface RoleDefinition {
  readonly displayName: string
  readonly site?: PermissionMap
  readonly user?: PermissionMap
  readonly org?: PermissionMap
  readonly member?: PermissionMap
  readonly negate?: { readonly [L in Level]?: PermissionMap }
}

/** A role as a subject holds it: site-wide, or in one organization. */
export interface HeldRole {
  readonly name: string
  readonly organizationId?: string | undefined
  readonly definition: RoleDefinition
}

/** Whether the map names the action on the type, wildcards included. */
export function mentions(map: PermissionMap | undefined, type: ResourceType, action: Action): boolean {
  if (map === undefined) return false
  return contains(map[type], action) || contains(map['*'], action)
}

function contains(actions: readonly (Action | '*')[] | undefined, action: Action): boolean {
  return actions !== undefined && (actions.includes('*') || actions.includes(action))
}
