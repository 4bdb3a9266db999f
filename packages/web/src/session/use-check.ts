import { useQuery } from '@tanstack/react-query'

import { type AuthorizationCheck, checkAuthorization } from '@slipway/contract'
import { api } from '../api/client.ts'

/**
 * One question about the viewer's rights; `undefined` while it is being asked, or while nobody knows about what. A
 * failed question means "no" (UI-304).
 */
export function useCheck(
  action: string,
  object: AuthorizationCheck['object'] | undefined,
): boolean | undefined {
  const { data, isError } = useQuery({
    queryKey: ['check', action, object],
    queryFn: async ({ signal }) => {
      const { it = false } = await api.call(checkAuthorization, {
        body: { checks: object === undefined ? {} : { it: { action, object } } },
        signal,
      })
      return it
    },
    enabled: object !== undefined,
    staleTime: 60_000,
  })
  return data ?? (isError ? false : undefined)
}
