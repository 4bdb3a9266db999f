import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import {
  getSecondFactors,
  getSignInDelay,
  getUser,
  listGroups,
  listSessions,
  listSiteRoles,
  listUsers,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { PAGE_SIZE } from '../ui/pagination.tsx'

/** One page of users, by a filter in the server's grammar. */
export function usersQuery({ filter, page }: { readonly filter: string; readonly page: number }) {
  return queryOptions({
    queryKey: ['users', filter, page],
    queryFn: ({ signal }) =>
      api.call(listUsers, {
        query: { q: filter, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE, include_groups: true },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

/** The roles of the deployment, and which of them the viewer may give. */
export const siteRolesQuery = queryOptions({
  queryKey: ['site-roles'],
  queryFn: ({ signal }) => api.call(listSiteRoles, { signal }),
  staleTime: 60_000,
})

/** One account, by name or id. */
export function userQuery(user: string) {
  return queryOptions({
    queryKey: ['users', 'one', user],
    queryFn: ({ signal }) => api.call(getUser, { params: { user }, signal }),
  })
}

/** What protects an account beside its password. */
export function factorsQuery(userId: string) {
  return queryOptions({
    queryKey: ['users', 'factors', userId],
    queryFn: ({ signal }) => api.call(getSecondFactors, { params: { user: userId }, signal }),
  })
}

/** What wrong passwords have led to. */
export function signInDelayQuery(userId: string) {
  return queryOptions({
    queryKey: ['users', 'sign-in-delay', userId],
    queryFn: ({ signal }) => api.call(getSignInDelay, { params: { user: userId }, signal }),
  })
}

/** Browsers and command lines that are signed in as somebody. */
export function userSessionsQuery(userId: string) {
  return queryOptions({
    queryKey: ['users', 'sessions', userId],
    queryFn: ({ signal }) => api.call(listSessions, { params: { user: userId }, signal }),
  })
}

/** Groups that somebody is in, of those that the viewer may read. */
export function groupsOfUserQuery(userId: string) {
  return queryOptions({
    queryKey: ['groups', 'of', userId],
    queryFn: ({ signal }) => api.call(listGroups, { query: { has_member: userId }, signal }),
  })
}
