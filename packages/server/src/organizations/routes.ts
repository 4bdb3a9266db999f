import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { isAllowed, mayAssign, ORGANIZATION_ROLES, permissionsOf } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { getUser, type KeyValidator, parseUserSearch } from '../identity/index.ts'
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
      const wanted = {
        userId: search.uuid('user_id'),
        githubId: search.count('github_user_id'),
        includeSystem: search.flag('include_system'),
      }
      const faults = search.finish()
      if (faults.length > 0 || search.text !== undefined)
        throw badRequest('Invalid organization member search query.', { validations: faults })
      return (await listMembers(actor, db, organization.id, wanted)).map(presentMemberWithUser)
    }),
    forSession(contract.listMembersPaged, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const search = parseUserSearch(query.q ?? '')
      const { members, count } = await listMembersPage(actor, db, organization.id, search, {
        limit: query.limit,
        offset: query.offset,
        afterId: query.after_id,
      })
      return { members: members.map(presentMemberWithUser), count }
    }),
    forSession(contract.getMember, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      return presentMemberWithUser(await getMember(actor, db, organization.id, params.user ?? ''))
    }),
    forSession(contract.addMember, (incoming) =>
      audited(context, incoming, { type: 'organization_member', action: 'create' }, async (draft) => {
        const { actor, params } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        const user = await getUser(actor, db, params.user ?? '')
        await addMember(actor, db, organization.id, user.id)
        keys.drop(user.id)
        const member = await getMember(actor, db, organization.id, user.id)
        draft.after = member
        return presentMember(member)
      }),
    ),
    forSession(contract.removeMember, (incoming) =>
      audited(context, incoming, { type: 'organization_member', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        const member = await getMember(actor, db, organization.id, params.user ?? '')
        draft.before = member
        if (member.user_id === actor.id) throw badRequest('cannot remove self from an organization')
        await removeMember(actor, db, organization.id, member.user_id)
        keys.drop(member.user_id)
        return undefined
      }),
    ),
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
    forSession(contract.assignMemberRoles, (incoming) =>
      audited(context, incoming, { type: 'organization_member', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        const member = await getMember(actor, db, organization.id, params.user ?? '')
        const userId = member.user_id
        draft.before = member
        if (userId === actor.id) throw badRequest('You cannot change your own organization roles.')
        await context.database.transaction((tx) =>
          setMemberRoles(actor, tx, organization.id, userId, body.roles),
        )
        keys.drop(userId)
        const after = await getMember(actor, db, organization.id, userId)
        draft.after = after
        return presentMember(after)
      }),
    ),
  ]
}
