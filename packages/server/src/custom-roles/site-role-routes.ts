import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { authorize, grantablePermissions } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import type { KeyValidator } from '../identity/index.ts'
import { auditedRole, presentSiteRole } from './present.ts'
import { readSiteRole } from './site-role-rules.ts'
import {
  deleteSiteRole,
  getSiteRole,
  insertSiteRole,
  requireSiteRoleMaker,
  updateSiteRole,
} from './store/site-roles.ts'

/** Roles that the deployment makes for itself, which count in every organization (RB-136). */
export function siteRoleRoutes(context: AppContext, keys: KeyValidator): BoundRoute[] {
  const { database } = context
  const { db } = database
  return [
    forSession(contract.listGrantableSitePermissions, async ({ actor }) => {
      authorize(actor, 'read', { type: 'assign_role' })
      return grantablePermissions(actor, undefined).map(({ type, actions, grantable }) => ({
        resource_type: type,
        actions: [...actions],
        grantable: [...grantable],
      }))
    }),
    forSession(contract.createSiteRole, (incoming) =>
      audited(context, incoming, { type: 'custom_role', action: 'create' }, async (draft) => {
        const { actor, body } = incoming
        requireSiteRoleMaker(actor)
        const made = await insertSiteRole(actor, db, readSiteRole(actor, body, 'refuse'))
        draft.after = auditedRole(made)
        return presentSiteRole(made)
      }),
    ),
    forSession(contract.updateSiteRole, (incoming) =>
      audited(context, incoming, { type: 'custom_role', action: 'write' }, async (draft) => {
        const { actor, body } = incoming
        requireSiteRoleMaker(actor)
        const wanted = readSiteRole(actor, body, 'drop')
        draft.before = auditedRole(await getSiteRole(actor, db, wanted.name))
        const changed = await database.transaction((tx) => updateSiteRole(actor, tx, wanted))
        draft.after = auditedRole(changed)
        keys.dropAll()
        return presentSiteRole(changed)
      }),
    ),
    forSession(contract.deleteSiteRole, (incoming) =>
      audited(context, incoming, { type: 'custom_role', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const name = params.roleName ?? ''
        draft.before = auditedRole(await getSiteRole(actor, db, name))
        requireSiteRoleMaker(actor)
        await database.transaction((tx) => deleteSiteRole(actor, tx, name))
        keys.dropAll()
        return undefined
      }),
    ),
  ]
}
