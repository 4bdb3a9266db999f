export { explanationRoutes } from './authorization/explain-authorization.ts'
export { roleOptions } from './authorization/role-options.ts'
export { roleRoutes } from './authorization/role-routes.ts'
export { WatchingActor } from './authorization/watching-actor.ts'
export { newToken, parseToken, secretMatches } from './keys/api-key-token.ts'
export { AppConnectKeys } from './keys/app-connect-keys.ts'
export { KeyRows } from './keys/key-rows.ts'
export { KeyValidator } from './keys/validate-key.ts'
export { replacePassword } from './passwords/change-password.ts'
export { passwordMatches } from './passwords/password.ts'
export { requireStrongPassword } from './passwords/password-rules.ts'
export { identityRoutes } from './routes.ts'
export { auditedLogin } from './sessions/audited-login.ts'
export { requirePasswordSignIn } from './sessions/log-in.ts'
export { openSession, requireNotSuspended } from './sessions/open-session.ts'
export { sessionRoutes } from './sessions/session-routes.ts'
export { SignInDelay } from './sessions/sign-in-delay.ts'
export type { UpstreamRefresh, UpstreamRefreshOutcome } from './sessions/upstream-session.ts'
export { countAccounts } from './store/account-counts.ts'
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
export type { AccountChecks, Caller } from './users/account-checks.ts'
export type { AccountEvent, AnnounceAccount } from './users/account-events.ts'
export { countUsers } from './users/account-metrics.ts'
export { activateInTransaction, recordStatusChange } from './users/activate-dormant.ts'
export { activateOnUse } from './users/activate-on-use.ts'
export { createAdminUser } from './users/create-admin-user.ts'
export { dormancyJob } from './users/dormancy.ts'
export type { PrepareUserParts } from './users/new-user-parts.ts'
export { presentUser } from './users/present.ts'
export { parseUserSearch } from './users/search-users.ts'
export { userIdOf } from './users/user-id.ts'
