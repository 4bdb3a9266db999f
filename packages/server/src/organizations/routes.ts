import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import { type Actor, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { getUser, type KeyValidator, parseUserSearch, type UserRow } from '../identity/index.ts'
import { SearchQuery } from '../search/index.ts'
import { manageOrganizationRoutes } from './manage-routes.ts'
import { presentMember, presentMemberWithUser, presentOrganization } from './present.ts'
import {
  addMember,
  getMember,
  listMembers,
  listMembersPage,
  type MemberRow,
  removeMember,
  setMemberRoles,
} from './store/members.ts'
import { getOrganization, listOrganizations } from './store/organizations.ts'

/** Whether claims of an identity provider decide about a user, so that nobody else may (WS-47, WS-49). */
export interface MembersByClaims {
  organizationsAreSynced(actor: Actor, user: UserRow, organizationId: string): Promise<boolean>
  organizationRolesAreSynced(actor: Actor, member: MemberRow, organizationId: string): Promise<boolean>
}

/** Organizations and their members (WS §3). */
export function organizationRoutes(
  context: AppContext,
  keys: KeyValidator,
  claims: MembersByClaims,
): BoundRoute[] {
  const db = context.database.db
  return [
    ...manageOrganizationRoutes(context, keys),
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
      if (search.text !== undefined)
        search.faults.push({ field: 'q', detail: 'words without a key are not searched for' })
      const faults = search.finish()
      if (faults.length > 0)
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
        // Who may not add members at all is told by what follows.
        if (
          isAllowed(actor, 'create', { type: 'organization_member', organization: organization.id }) &&
          (await claims.organizationsAreSynced(actor, user, organization.id))
        )
          throw badRequest(
            'Organization sync is enabled for OIDC users, so that they cannot be added by hand.',
            {
              detail: 'Organizations of this user come from claims of the identity provider.',
            },
          )
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
    forSession(contract.assignMemberRoles, (incoming) =>
      audited(context, incoming, { type: 'organization_member', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        const member = await getMember(actor, db, organization.id, params.user ?? '')
        const userId = member.user_id
        draft.before = member
        if (await claims.organizationRolesAreSynced(actor, member, organization.id))
          throw badRequest('Cannot modify roles for OIDC users when role sync is enabled.', {
            detail: 'Roles of this user in this organization come from claims of the identity provider.',
          })
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
