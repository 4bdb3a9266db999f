import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { type KeyValidator, parseUserSearch } from '../identity/index.ts'
import { getOrganization } from '../organizations/index.ts'
import { SearchQuery } from '../search/index.ts'
import { readGroupFilter } from './find-groups.ts'
import { requireGroupNames } from './names.ts'
import { presentGroup, presentGroupAlone, presentReducedUser } from './present.ts'
import {
  deleteGroup,
  type GroupRow,
  type GroupSearch,
  getGroup,
  getGroupByName,
  insertGroup,
  listGroups,
  listGroupsPage,
} from './store/groups.ts'
import { listMemberIds, listMembersPage } from './store/members.ts'
import { auditedGroup, changeGroup } from './update-group.ts'
import { withMembers } from './with-members.ts'

/** Groups of organizations and who is in them (WS §4). */
export function groupRoutes(context: AppContext, keys: KeyValidator): BoundRoute[] {
  const db = context.database.db
  const one = async (actor: Actor, row: GroupRow, withoutMembers = false): Promise<contract.Group> => {
    if (withoutMembers) return presentGroup(row, [])
    const [group] = await withMembers(context, actor, [row])
    if (group === undefined) throw new Error('a loaded group was not presented')
    return group
  }
  const named = async (actor: Actor, params: Readonly<Record<string, string>>): Promise<GroupRow> => {
    const organization = await getOrganization(actor, db, params.organization ?? '')
    return getGroupByName(actor, db, organization.id, params.groupName ?? '')
  }
  const members = async (
    actor: Actor,
    group: GroupRow,
    query: contract.QueryOf<typeof contract.listGroupMembers>,
  ) => {
    const search = parseUserSearch(query.q ?? '')
    const page = await listMembersPage(actor, db, group.id, search, pageOf(query))
    return {
      count: page.count,
      users: page.members.length === 0 ? null : page.members.map(presentReducedUser),
    }
  }
  return [
    forSession(contract.listGroups, async ({ actor, query, raw }) =>
      withMembers(
        context,
        actor,
        await listGroups(actor, db, await readGroupFilter(context, actor, raw.url, query)),
      ),
    ),
    forSession(contract.listOrganizationGroups, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      return withMembers(context, actor, await listGroups(actor, db, { organizationId: organization.id }))
    }),
    forSession(contract.listGroupsPaged, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const search = parseGroupSearch(query.q ?? '')
      const { groups, count } = await listGroupsPage(actor, db, organization.id, search, pageOf(query))
      return { groups: groups.map(presentGroupAlone), count }
    }),
    forSession(contract.createGroup, (incoming) =>
      audited(context, incoming, { type: 'group', action: 'create' }, async (draft) => {
        const { actor, params, body, reply } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        requireGroupNames(body.name, body.display_name)
        const group = await insertGroup(actor, db, organization.id, {
          name: body.name,
          displayName: body.display_name ?? '',
          avatarUrl: body.avatar_url ?? '',
          quotaAllowance: body.quota_allowance ?? 0,
        })
        draft.after = auditedGroup(group, [])
        reply.code(201)
        return presentGroup(group, [])
      }),
    ),
    forSession(contract.getGroup, async ({ actor, params, query }) =>
      one(actor, await getGroup(actor, db, params.group ?? ''), query.exclude_members),
    ),
    forSession(contract.getGroupByName, async ({ actor, params, query }) =>
      one(actor, await named(actor, params), query.exclude_members),
    ),
    forSession(contract.listGroupMembers, async ({ actor, params, query }) =>
      members(actor, await getGroup(actor, db, params.group ?? ''), query),
    ),
    forSession(contract.listGroupMembersByName, async ({ actor, params, query }) =>
      members(actor, await named(actor, params), query),
    ),
    forSession(contract.updateGroup, (incoming) =>
      audited(context, incoming, { type: 'group', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const found = await getGroup(actor, db, params.group ?? '')
        draft.before = auditedGroup(found, [])
        const change = await changeGroup(context, actor, found.id, body)
        for (const userId of change.concerned) keys.drop(userId)
        draft.before = change.before
        draft.after = change.after
        return one(actor, change.group)
      }),
    ),
    forSession(contract.deleteGroup, (incoming) =>
      audited(context, incoming, { type: 'group', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const group = await getGroup(actor, db, params.group ?? '')
        draft.before = auditedGroup(group, [])
        const concerned = await context.database.transaction(async (tx) => {
          const ids = await listMemberIds(actor, tx, group, 'delete')
          await deleteGroup(actor, tx, group)
          return ids
        })
        for (const userId of concerned) keys.drop(userId)
        draft.before = auditedGroup(group, concerned)
        return { message: 'Successfully deleted group!' }
      }),
    ),
  ]
}

function pageOf(query: contract.QueryOf<typeof contract.listGroupsPaged>) {
  return { limit: query.limit, offset: query.offset, afterId: query.after_id }
}

/** @throws ApiError 400 with one validation for each fault. */
function parseGroupSearch(text: string): GroupSearch {
  const query = new SearchQuery(text)
  const search = {
    text: query.text,
    name: query.one('name'),
    displayName: query.one('display_name'),
  }
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid group search query.', { validations: faults })
  return search
}
