import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'

import { listWorkspaces } from '@slipway/contract'
import { api } from '../api/client.ts'
import { paths } from '../paths.ts'

/**
 * A link that asks for a workspace is content with one that is there already: the first that its search finds, in
 * the grammar of the list, opens instead of the form (UI-738). `pending` until it is known that there is none.
 */
export function useMatch(search: string | undefined): { readonly pending: boolean; readonly error: unknown } {
  const router = useRouter()
  const { data, error } = useQuery({
    queryKey: ['workspace-match', search],
    queryFn: ({ signal }) =>
      api.call(listWorkspaces, { query: { q: search ?? '', limit: 1, offset: 0 }, signal }),
    enabled: search !== undefined,
    staleTime: 0,
  })
  const found = data?.workspaces[0]
  const href = found === undefined ? undefined : paths.workspace(found.owner_name, found.name)
  useEffect(() => {
    if (href !== undefined) void router.navigate({ href, replace: true })
  }, [href, router])
  return {
    pending: search !== undefined && error === null && (data === undefined || href !== undefined),
    error,
  }
}
