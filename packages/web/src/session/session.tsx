import { useQuery } from '@tanstack/react-query'
import { useContext } from 'react'

import type { User } from '@slipway/contract'
import { NO_PERMISSIONS, organizationsQuery, type Permissions, permissionsQuery } from './queries.ts'
import { UserContext } from './user-context.ts'

/** The signed-in user. Only below {@link UserContext}'s provider, where there always is one. */
export function useUser(): User {
  const user = useContext(UserContext)
  if (user === undefined) throw new Error('useUser() outside of the signed-in part of the dashboard')
  return user
}

/** What the viewer may do; `undefined` while that is being asked. A failed question means "nothing" (UI-304). */
export function usePermissions(): Permissions | undefined {
  const { data, isError } = useQuery(permissionsQuery)
  return data ?? (isError ? NO_PERMISSIONS : undefined)
}

/** Whether links and lists have to name organizations. */
export function useSeveralOrganizations(): boolean {
  return (useQuery(organizationsQuery).data?.length ?? 0) > 1
}
