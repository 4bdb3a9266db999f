import * as contract from '@slipway/contract'
import { auditedWrite } from '../../audit/index.ts'
import {
  authorize,
  customSiteRole,
  mayAssign,
  permissionsOf,
  SITE_ROLES,
  siteRole,
} from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { type BoundRoute, forSession } from '../../edge/index.ts'
import { badRequest } from '../../errors/index.ts'
import type { KeyValidator } from '../keys/validate-key.ts'
import { listSiteCustomRoles } from '../store/custom-roles.ts'
import { getRoles, updateSiteRoles } from '../store/user-changes.ts'
import { getUser, type UserRow } from '../store/users.ts'
import { presentUser } from '../users/present.ts'
import { roleOptions } from './role-options.ts'

/** Whether claims of an identity provider decide about a user's site roles, so that nobody else may (RB §5). */
export interface SiteRolesByClaims {
  siteRolesAreSynced(user: UserRow): boolean
}

/** Site roles: which there are, who holds them, and who may change that (RB-40…RB-46). */
export function roleRoutes(context: AppContext, keys: KeyValidator, claims: SiteRolesByClaims): BoundRoute[] {
  const db = context.database.db
  const options = roleOptions(context)
  return [
    forSession(contract.listSiteRoles, async ({ actor }) => {
      authorize(actor, 'read', { type: 'assign_role' })
      const builtIn = Object.entries(SITE_ROLES)
        .filter(([name]) => name !== 'member')
        .map(([name, definition]) => ({
          name,
          display_name: definition.displayName,
          built_in: true,
          assignable: mayAssign(actor, name, undefined),
          ...permissionsOf(siteRole(name, options) ?? definition),
        }))
      const own = (await listSiteCustomRoles(actor, db)).map((row) => ({
        name: row.name,
        display_name: row.display_name,
        built_in: false,
        assignable: mayAssign(actor, row.name, undefined, row.assignable_by),
        assignable_by: row.assignable_by,
        ...permissionsOf(
          customSiteRole(row.display_name, { site: row.site_permissions, user: row.user_permissions }),
        ),
      }))
      return [...builtIn, ...own].sort((a, b) => (a.name < b.name ? -1 : 1))
    }),
    forSession(contract.getUserRoles, async ({ actor, params }) => {
      const user = await getUser(actor, db, params.user ?? '')
      const roles = await getRoles(actor, db, user.id)
      return { roles: roles.site, organization_roles: roles.organizations }
    }),
    forSession(contract.updateUserRoles, async (incoming) => {
      const { actor, params, body } = incoming
      const load = (id = params.user ?? '') => getUser(actor, db, id)
      const after = await auditedWrite(context, incoming, 'user', load, async (user) => {
        if (claims.siteRolesAreSynced(user))
          throw badRequest('Cannot modify roles for OIDC users when role sync is enabled.', {
            detail: 'Site roles of this user come from claims of the identity provider.',
          })
        if (user.id === actor.id) throw badRequest('You cannot change your own roles.')
        await context.database.transaction((tx) => updateSiteRoles(actor, tx, user.id, body.roles))
        keys.drop(user.id)
      })
      return presentUser(after)
    }),
  ]
}
