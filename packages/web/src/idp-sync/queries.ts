import { queryOptions } from '@tanstack/react-query'

import {
  getGroupSync,
  getOrganizationSync,
  getRoleSync,
  listClaimFields,
  listClaimFieldValues,
  listOrganizationClaimFields,
  listOrganizationClaimFieldValues,
} from '@slipway/contract'
import { api } from '../api/client.ts'

export function groupSyncQuery(organizationId: string) {
  return queryOptions({
    queryKey: ['idp-sync', 'groups', organizationId],
    queryFn: ({ signal }) => api.call(getGroupSync, { params: { organization: organizationId }, signal }),
  })
}

export function roleSyncQuery(organizationId: string) {
  return queryOptions({
    queryKey: ['idp-sync', 'roles', organizationId],
    queryFn: ({ signal }) => api.call(getRoleSync, { params: { organization: organizationId }, signal }),
  })
}

export const organizationSyncQuery = queryOptions({
  queryKey: ['idp-sync', 'organizations'],
  queryFn: ({ signal }) => api.call(getOrganizationSync, { signal }),
})

/** Names of claims that sign-ins have brought, of members of an organization or of everybody. */
export function claimFieldsQuery(organizationId?: string) {
  return queryOptions({
    queryKey: ['claim-fields', organizationId],
    queryFn: ({ signal }) =>
      organizationId === undefined
        ? api.call(listClaimFields, { signal })
        : api.call(listOrganizationClaimFields, { params: { organization: organizationId }, signal }),
    staleTime: 60_000,
  })
}

/** Values that a claim has had. */
export function claimValuesQuery(field: string, organizationId?: string) {
  const query = { claimField: field }
  return queryOptions({
    queryKey: ['claim-values', organizationId, field],
    queryFn: ({ signal }) =>
      organizationId === undefined
        ? api.call(listClaimFieldValues, { query, signal })
        : api.call(listOrganizationClaimFieldValues, {
            params: { organization: organizationId },
            query,
            signal,
          }),
    enabled: field !== '',
    staleTime: 60_000,
  })
}
