import { keepPreviousData, queryOptions } from '@tanstack/react-query'

import { listSiteRoles, listUsers } from '@slipway/contract'
import { api } from '../api/client.ts'
import { PAGE_SIZE } from '../ui/pagination.tsx'

/** One page of users, by a filter in the server's grammar. */
export function usersQuery({ filter, page }: { readonly filter: string; readonly page: number }) {
  return queryOptions({
    queryKey: ['users', filter, page],
    queryFn: ({ signal }) =>
      api.call(listUsers, { query: { q: filter, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }, signal }),
    placeholderData: keepPreviousData,
  })
}

/** The roles of the deployment, and which of them the viewer may give. */
export const siteRolesQuery = queryOptions({
  queryKey: ['site-roles'],
  queryFn: ({ signal }) => api.call(listSiteRoles, { signal }),
  staleTime: 60_000,
})
