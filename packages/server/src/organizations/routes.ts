import * as contract from '@slipway/contract'
import { checkRoleChange, mayAssign, ORGANIZATION_ROLES, permissionsOf } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { getUser } from '../identity/index.ts'
import { SearchQuery } from '../search/index.ts'
import { presentMember, presentMemberWithUser, presentOrganization } from './present.ts'
import {
  addMember,
  getMember,
  getOrganization,
  listMembers,
  listOrganizations,
  removeMember,
  setMemberRoles,
} from './store.ts'

/** Organizations and their members (WS §3). */
export function organizationRoutes(context: AppContext): BoundRoute[] {
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
    forSession(contract.getOrganizationOfUser, async ({ actor, params }) =>
      presentOrganization(await getOrganization(actor, db, params.organizationname ?? '')),
    ),
    forSession(contract.listMembers, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const search = new SearchQuery(query.q ?? '')
      const wanted = { userId: search.uuid('user_id'), includeSystem: search.flag('include_system') }
      const faults = search.finish()
      if (faults.length > 0 || search.text !== undefined)
        throw badRequest('Invalid organization member search query.', { validations: faults })
      const { members } = await listMembers(actor, db, organization.id, wanted)
      return members.map(presentMemberWithUser)
    }),
    forSession(contract.listMembersPaged, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const search = new SearchQuery(query.q ?? '')
      const faults = search.finish()
      if (faults.length > 0)
        throw badRequest('Invalid organization member search query.', { validations: faults })
      const { members, count } = await listMembers(actor, db, organization.id, {
        text: search.text,
        limit: query.limit,
        offset: query.offset,
      })
      return { members: members.map(presentMemberWithUser), count }
    }),
    forSession(contract.getMember, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const user = await getUser(actor, db, params.user ?? '')
      return presentMemberWithUser(await getMember(actor, db, organization.id, user.id))
    }),
    forSession(contract.addMember, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const user = await getUser(actor, db, params.user ?? '')
      await addMember(actor, db, organization.id, user.id)
      return presentMember(await getMember(actor, db, organization.id, user.id))
    }),
    forSession(contract.removeMember, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const user = await getUser(actor, db, params.user ?? '')
      if (user.id === actor.id) throw badRequest('cannot remove self from an organization')
      await removeMember(actor, db, organization.id, user.id)
      return undefined
    }),
    forSession(contract.listMemberRoles, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      return Object.entries(ORGANIZATION_ROLES).map(([name, definition]) => ({
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
      const user = await getUser(actor, db, params.user ?? '')
      if (user.id === actor.id) throw badRequest('You cannot change your own organization roles.')
      const member = await getMember(actor, db, organization.id, user.id)
      checkRoleChange(actor, {
        organizationId: organization.id,
        before: member.roles,
        after: body.roles,
        implied: ['organization-member'],
        customRoles: new Set(),
      })
      await setMemberRoles(actor, db, organization.id, user.id, [...new Set(body.roles)])
      return presentMember(await getMember(actor, db, organization.id, user.id))
    }),
  ]
}
