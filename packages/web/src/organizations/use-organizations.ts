import { useQuery } from '@tanstack/react-query'

import type { Organization } from '@slipway/contract'
import { organizationsQuery } from '../session/queries.ts'
import { type OrganizationPermissions, organizationPermissionsQuery } from './queries.ts'

interface Organizations {
  readonly organizations: readonly Organization[] | undefined
  readonly permissions: ReadonlyMap<string, OrganizationPermissions> | undefined
  readonly error: unknown
  readonly retry: () => void
}

/** The organizations that the viewer may read, and what they may do in each (UI-311). */
export function useOrganizations(): Organizations {
  const organizations = useQuery(organizationsQuery)
  const permissions = useQuery({
    ...organizationPermissionsQuery((organizations.data ?? []).map(({ id }) => id)),
    enabled: organizations.data !== undefined,
  })
  return {
    organizations: organizations.data,
    permissions: permissions.data,
    error: organizations.error ?? permissions.error,
    retry: () => void (organizations.isError ? organizations : permissions).refetch(),
  }
}
