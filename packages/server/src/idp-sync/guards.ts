import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { findOrganizationSyncField, findRoleSyncField } from './store/settings.ts'

/** A user as far as it says whether claims decide about them. */
interface SyncedUser {
  readonly login_type: string
}

/** Whether claims decide about somebody, so that nobody else may (RB §5, WS-47, WS-49). */
interface SyncGuards {
  siteRolesAreSynced(user: SyncedUser): boolean
  /** @throws ApiError 403 for an organization that the actor may not read. */
  organizationRolesAreSynced(actor: Actor, user: SyncedUser, organizationId: string): Promise<boolean>
  /** @throws ApiError 403 for an organization that the actor may not read. */
  organizationsAreSynced(actor: Actor, user: SyncedUser, organizationId: string): Promise<boolean>
}

/** Answers whether claims decide about somebody, by the settings in force. */
export function syncGuards({ config, database }: AppContext): SyncGuards {
  return {
    siteRolesAreSynced: (user) => user.login_type === 'oidc' && config.oidcUserRoleField !== '',
    organizationRolesAreSynced: async (actor, user, organizationId) =>
      user.login_type === 'oidc' && (await findRoleSyncField(actor, database.db, organizationId)) !== '',
    organizationsAreSynced: async (actor, user, organizationId) =>
      user.login_type === 'oidc' &&
      ((await findOrganizationSyncField(actor, database.db, organizationId)) ??
        config.oidcOrganizationField) !== '',
  }
}
