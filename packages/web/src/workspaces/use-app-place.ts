import { useQuery } from '@tanstack/react-query'

import { getAppHost, type Workspace, type WorkspaceAgent } from '@slipway/contract'
import { api } from '../api/client.ts'
import type { AppPlace } from './app-target.ts'

/** Where apps and ports of an agent are; the host for apps is only asked for where something needs one. */
export function useAppPlace(workspace: Workspace, agent: WorkspaceAgent, needsHost: boolean) {
  const host = useQuery({
    queryKey: ['app-host'],
    queryFn: ({ signal }) => api.call(getAppHost, { signal }),
    enabled: needsHost,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const place: AppPlace = {
    owner: workspace.owner_name,
    workspace: workspace.name,
    agent: agent.name,
    appHost: host.data?.host ?? '',
    protocol: location.protocol,
  }
  return { place, host }
}
