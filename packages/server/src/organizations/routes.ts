import * as contract from '@slipway/contract'
import { isAllowed, mayAssign, ORGANIZATION_ROLES, permissionsOf } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { getUser, type KeyValidator } from '../identity/index.ts'
import { SearchQuery } from '../search/index.ts'
import { presentMember, presentMemberWithUser, presentOrganization } from './present.ts'
import {
  addMember,
  getMember,
  getOrganization,
  listMembers,
  listMembersPage,
  listOrganizations,
  removeMember,
  setMemberRoles,
} from './store.ts'

/** Organizations and their members (WS §3). */
export function organizationRoutes(context: AppContext, keys: KeyValidator): BoundRoute[] {
  const db = context.database.db
  return [
    forSession(contract.listOrganizations, async ({ actor }) =>
      (await listOrganizations(actor, db)).map(presentOrganization),
    ),
    forSession(contract.getOrganization, async ({ actor, params }) =>
      presentOrganization(await getOrganization(actor, db, params.organization ?? '')),
    ),
    forSession(contract.listOrganizationsOfUser, async ({ actor, params }) => {
      const user = await getUser(actor, db, params.user ?? '')
      return (await listOrganizations(actor, db, { memberId: user.id })).map(presentOrganization)
    }),
    forSession(contract.getOrganizationOfUser, async ({ actor, params }) => {
      await getUser(actor, db, params.user ?? '')
      return presentOrganization(await getOrganization(actor, db, params.organizationname ?? ''))
    }),
    forSession(contract.listMembers, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const search = new SearchQuery(query.q ?? '')
      const wanted = { userId: search.uuid('user_id'), includeSystem: search.flag('include_system') }
      const faults = search.finish()
      if (faults.length > 0 || search.text !== undefined)
        throw badRequest('Invalid organization member search query.', { validations: faults })
      return (await listMembers(actor, db, organization.id, wanted)).map(presentMemberWithUser)
    }),
    forSession(contract.listMembersPaged, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const search = new SearchQuery(query.q ?? '')
      const faults = search.finish()
      if (faults.length > 0)
        throw badRequest('Invalid organization member search query.', { validations: faults })
      const { members, count } = await listMembersPage(actor, db, organization.id, {
        text: search.text,
        limit: query.limit,
        offset: query.offset,
      })
      return { members: members.map(presentMemberWithUser), count }
    }),
    forSession(contract.getMember, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      return presentMemberWithUser(await getMember(actor, db, organization.id, params.user ?? ''))
    }),
    forSession(contract.addMember, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const user = await getUser(actor, db, params.user ?? '')
      await addMember(actor, db, organization.id, user.id)
      keys.drop(user.id)
      return presentMember(await getMember(actor, db, organization.id, user.id))
    }),
    forSession(contract.removeMember, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const { user_id: userId } = await getMember(actor, db, organization.id, params.user ?? '')
      if (userId === actor.id) throw badRequest('cannot remove self from an organization')
      await removeMember(actor, db, organization.id, userId)
      keys.drop(userId)
      return undefined
    }),
    forSession(contract.listMemberRoles, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      if (!isAllowed(actor, 'read', { type: 'assign_org_role', organization: organization.id }))
        throw notFound()
      return Object.entries(ORGANIZATION_ROLES)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, definition]) => ({
          name,
          display_name: definition.displayName,
          organization_id: organization.id,
          built_in: true,
          assignable: mayAssign(actor, name, organization.id),
          ...permissionsOf(definition),
        }))
    }),
    forSession(contract.assignMemberRoles, async ({ actor, params, body }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const { user_id: userId } = await getMember(actor, db, organization.id, params.user ?? '')
      if (userId === actor.id) throw badRequest('You cannot change your own organization roles.')
      await context.database.transaction((tx) =>
        setMemberRoles(actor, tx, organization.id, userId, body.roles),
      )
      keys.drop(userId)
      return presentMember(await getMember(actor, db, organization.id, userId))
    }),
  ]
}
