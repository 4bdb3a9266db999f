import { queryOptions } from '@tanstack/react-query'

import { listGrantablePermissions, listMemberRoles } from '@slipway/contract'
import { api } from '../api/client.ts'

/** The roles of an organization, and which of them the viewer may give. */
export function rolesQuery(organizationId: string) {
  return queryOptions({
    queryKey: ['organization-roles', organizationId],
    queryFn: ({ signal }) => api.call(listMemberRoles, { params: { organization: organizationId }, signal }),
    staleTime: 30_000,
  })
}

/** Every permission that there is, and those that the viewer may put into a role. */
export function grantableQuery(organizationId: string) {
  return queryOptions({
    queryKey: ['grantable-permissions', organizationId],
    queryFn: ({ signal }) =>
      api.call(listGrantablePermissions, { params: { organization: organizationId }, signal }),
    staleTime: 60_000,
  })
}
