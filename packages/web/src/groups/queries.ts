import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import {
  getGroupByName,
  listGroupMembersByName,
  listGroupsPaged,
  listOrganizationGroups,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { PAGE_SIZE } from '../ui/pagination.tsx'

interface PageQuestion {
  readonly filter: string
  /** From 1. */
  readonly page: number
}

/** One page of the groups of an organization. */
export function groupsQuery(organizationId: string, { filter, page }: PageQuestion) {
  return queryOptions({
    queryKey: ['groups', organizationId, filter, page],
    queryFn: ({ signal }) =>
      api.call(listGroupsPaged, {
        params: { organization: organizationId },
        query: { q: filter, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

/** All groups of an organization that the viewer may read, to choose among. */
export function groupChoicesQuery(organizationId: string) {
  return queryOptions({
    queryKey: ['groups', organizationId, 'all'],
    queryFn: ({ signal }) =>
      api.call(listOrganizationGroups, { params: { organization: organizationId }, signal }),
    staleTime: 30_000,
  })
}

/** A group by its name, without its members. */
export function groupQuery(organizationId: string, name: string) {
  return queryOptions({
    queryKey: ['group', organizationId, name],
    queryFn: ({ signal }) =>
      api.call(getGroupByName, {
        params: { organization: organizationId, groupName: name },
        query: { exclude_members: true },
        signal,
      }),
  })
}

/** One page of the members of a group. */
export function groupMembersQuery(organizationId: string, name: string, { filter, page }: PageQuestion) {
  return queryOptions({
    queryKey: ['group', organizationId, name, 'members', filter, page],
    queryFn: ({ signal }) =>
      api.call(listGroupMembersByName, {
        params: { organization: organizationId, groupName: name },
        query: { q: filter, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

/** Everything that shows groups of an organization is read again. */
export async function refreshGroups(organizationId: string): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: ['groups', organizationId] }),
    queries.invalidateQueries({ queryKey: ['group', organizationId] }),
  ])
}
