export { accessListOf } from './access-list.ts'
export { ACL_ROLES, aclRoleOf } from './acl-roles.ts'
export {
  ALLOW_ALL,
  type AllowListEntry,
  containsAllowList,
  formatAllowListEntry,
  intersectAllowLists,
  normalizeAllowList,
  parseAllowListEntry,
} from './allow-list.ts'
export {
  ORGANIZATION_ROLES,
  type ShareableWorkspaceOwners,
  SITE_ROLES,
  SYSTEM_ROLES,
} from './built-in-roles.ts'
export {
  customRole,
  customSiteRole,
  grantablePermissions,
  permissionBeyond,
  type RolePermission,
  rolePermissionsOf,
} from './custom-role.ts'
export { type AccessList, authorize, isAllowed, type ResourceObject, watchDecisions } from './decide.ts'
export { renderDecisionTimes } from './decision-times.ts'
export { explain } from './explain.ts'
export type { RoleDefinition } from './permissions.ts'
export { permissionsOf } from './present-permissions.ts'
export { PUBLIC_SCOPES } from './public-scopes.ts'
export { type Action, isActionOf, isResourceType, type ResourceType } from './resources.ts'
export {
  type AssignableCustomRole,
  checkRoleChange,
  mayAssign,
  requireOwnerFor,
} from './role-assignment.ts'
export {
  agentScope,
  canonicalScope,
  covers,
  expandScope,
  legacyScope,
  requestedScopes,
  SCOPE_ALL,
  type Scope,
  scopeOf,
} from './scopes.ts'
export { type FilterColumns, sqlFilter } from './sql-filter.ts'
export {
  type Actor,
  actorForUser,
  isOwner,
  PREBUILDS_USER,
  type RoleOptions,
  siteRole,
  systemActor,
  type UserStanding,
  userActor,
} from './subject.ts'
