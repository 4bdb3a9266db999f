import * as contract from '@slipway/contract'
import { checkRoleChange, mayAssign, permissionsOf, SITE_ROLES } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { presentUser } from './present.ts'
import { getUser, updateSiteRoles } from './store/users.ts'
import type { KeyValidator } from './validate-key.ts'

/** Site roles: which there are, who holds them, and who may change that (RB-40…RB-46). */
export function roleRoutes(context: AppContext, keys: KeyValidator): BoundRoute[] {
  const db = context.database.db
  return [
    forSession(contract.listSiteRoles, async ({ actor }) =>
      Object.entries(SITE_ROLES)
        .filter(([name]) => name !== 'member')
        .map(([name, definition]) => ({
          name,
          display_name: definition.displayName,
          built_in: true,
          assignable: mayAssign(actor, name, undefined),
          ...permissionsOf(definition),
        })),
    ),
    forSession(contract.getUserRoles, async ({ actor, params }) => {
      const user = await getUser(actor, db, params.user ?? '')
      return { roles: user.rbac_roles, organization_roles: {} }
    }),
    forSession(contract.updateUserRoles, async ({ actor, params, body }) => {
      const user = await getUser(actor, db, params.user ?? '')
      if (user.id === actor.id) throw badRequest('You cannot change your own roles.')
      checkRoleChange(actor, {
        before: user.rbac_roles,
        after: body.roles,
        implied: ['member'],
        customRoles: new Set(),
      })
      await updateSiteRoles(actor, db, user.id, [...new Set(body.roles)])
      keys.drop(user.id)
      return presentUser(await getUser(actor, db, user.id))
    }),
  ]
}
