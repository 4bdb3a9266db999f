export type { AccountChecks, Caller } from './account-checks.ts'
export type { AccountEvent, AnnounceAccount } from './account-events.ts'
export { countUsers } from './account-metrics.ts'
export { activateInTransaction, recordStatusChange } from './activate-dormant.ts'
export { activateOnUse } from './activate-on-use.ts'
export { newToken, parseToken, secretMatches } from './api-key-token.ts'
export { AppConnectKeys } from './app-connect-keys.ts'
export { auditedLogin } from './audited-login.ts'
export { replacePassword } from './change-password.ts'
export { createAdminUser } from './create-admin-user.ts'
export { dormancyJob } from './dormancy.ts'
export { explanationRoutes } from './explain-authorization.ts'
export { KeyRows } from './key-rows.ts'
export { requirePasswordSignIn } from './log-in.ts'
export type { PrepareUserParts } from './new-user-parts.ts'
export { openSession, requireNotSuspended } from './open-session.ts'
export { passwordMatches } from './password.ts'
export { requireStrongPassword } from './password-rules.ts'
export { presentUser } from './present.ts'
export { roleOptions } from './role-options.ts'
export { roleRoutes } from './role-routes.ts'
export { identityRoutes } from './routes.ts'
export { parseUserSearch } from './search-users.ts'
export { sessionRoutes } from './session-routes.ts'
export { SignInDelay } from './sign-in-delay.ts'
export {
  type CustomRoleRow,
  holdCustomRoles,
  holdSiteCustomRoles,
  listCustomRoles,
  listSiteCustomRoles,
  type SiteRoleRow,
} from './store/custom-roles.ts'
export { type ApiKeyRow, deleteKeysOfUser, getKey } from './store/keys.ts'
export { defaultOrganization, ensureDefaultOrganization, insertMember } from './store/organizations.ts'
export { actorOf, findStanding, STANDING, type Standing } from './store/standing.ts'
export { updateStatus } from './store/user-changes.ts'
export { type UserSearch, userMatches } from './store/user-search.ts'
export {
  anyUserExists,
  findUserByEmail,
  findUserById,
  getUser,
  insertUser,
  lockFirstUser,
  siteRoleNames,
  type UserRow,
} from './store/users.ts'
export type { UpstreamRefresh, UpstreamRefreshOutcome } from './upstream-session.ts'
export { userIdOf } from './user-id.ts'
export { KeyValidator } from './validate-key.ts'
export { WatchingActor } from './watching-actor.ts'
