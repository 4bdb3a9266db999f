import { useQuery } from '@tanstack/react-query'

import { getWorkspace } from '@slipway/contract'
import { api } from '../api/client.ts'
import { buildParametersQuery } from './queries.ts'

/** The values of the workspace that a new one is copied from; empty without one, or when it cannot be read. */
export function useDuplicateValues(workspaceId: string | undefined): {
  readonly pending: boolean
  readonly values: Readonly<Record<string, string>>
} {
  const original = useQuery({
    queryKey: ['workspace-by-id', workspaceId],
    queryFn: ({ signal }) => api.call(getWorkspace, { params: { workspace: workspaceId ?? '' }, signal }),
    enabled: workspaceId !== undefined,
  })
  const buildId = original.data?.latest_build.id
  const parameters = useQuery({ ...buildParametersQuery(buildId ?? ''), enabled: buildId !== undefined })
  const pending =
    workspaceId !== undefined && !original.isError && !parameters.isError && parameters.data === undefined
  return {
    pending,
    values: Object.fromEntries((parameters.data ?? []).map(({ name, value }) => [name, value])),
  }
}
