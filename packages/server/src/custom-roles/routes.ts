import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { grantablePermissions, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError, notFound } from '../errors/index.ts'
import { type KeyValidator, listCustomRoles } from '../identity/index.ts'
import { getOrganization } from '../organizations/index.ts'
import { auditedRole, presentAssignable, presentRole } from './present.ts'
import { readRole } from './role-rules.ts'
import {
  deleteCustomRole,
  getCustomRole,
  insertCustomRole,
  updateCustomRole,
} from './store/organization-roles.ts'

/** Roles of an organization: which there are, and those that it makes for itself (RB-34…RB-39). */
export function customRoleRoutes(context: AppContext, keys: KeyValidator): BoundRoute[] {
  const { db } = context.database
  return [
    forSession(contract.listMemberRoles, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      if (!isAllowed(actor, 'read', { type: 'assign_org_role', organization: organization.id }))
        throw notFound()
      return presentAssignable(actor, organization.id, await listCustomRoles(actor, db, organization.id))
    }),
    forSession(contract.listGrantablePermissions, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      if (!isAllowed(actor, 'read', { type: 'assign_org_role', organization: organization.id }))
        throw notFound()
      return grantablePermissions(actor, organization.id).map(({ type, actions, grantable }) => ({
        resource_type: type,
        actions: [...actions],
        grantable: [...grantable],
      }))
    }),
    forSession(contract.createCustomRole, (incoming) =>
      audited(context, incoming, { type: 'custom_role', action: 'create' }, async (draft) => {
        const { actor, params, body } = incoming
        const { id } = await getOrganization(actor, db, params.organization ?? '')
        if (!isAllowed(actor, 'create', { type: 'assign_org_role', organization: id })) throw notFound()
        const made = await insertCustomRole(actor, db, id, readRole(actor, id, body, 'refuse'))
        draft.after = auditedRole(made)
        return presentRole(made)
      }),
    ),
    forSession(contract.updateCustomRole, (incoming) =>
      audited(context, incoming, { type: 'custom_role', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const { id } = await getOrganization(actor, db, params.organization ?? '')
        if (!isAllowed(actor, 'update', { type: 'assign_org_role', organization: id })) throw notFound()
        const wanted = readRole(actor, id, body, 'drop')
        draft.before = auditedRole(await getCustomRole(actor, db, id, wanted.name))
        const changed = await context.database.transaction((tx) => updateCustomRole(actor, tx, id, wanted))
        draft.after = auditedRole(changed)
        keys.dropAll()
        return presentRole(changed)
      }),
    ),
    forSession(contract.deleteCustomRole, (incoming) =>
      audited(context, incoming, { type: 'custom_role', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const name = params.roleName ?? ''
        const { id } = await getOrganization(actor, db, params.organization ?? '')
        const found = await getCustomRole(actor, db, id, name).catch((error: unknown) => {
          // Who may not see it is refused below, as who may not delete is.
          if (error instanceof ApiError && error.status === 404) return undefined
          throw error
        })
        if (found !== undefined) draft.before = auditedRole(found)
        await context.database.transaction((tx) => deleteCustomRole(actor, tx, id, name))
        keys.dropAll()
        return undefined
      }),
    ),
  ]
}
