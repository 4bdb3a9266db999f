import { queryOptions, useMutation } from '@tanstack/react-query'

import {
  deletePortShare,
  getTemplate,
  listListeningPorts,
  listPortShares,
  upsertPortShare,
  type Workspace,
  type WorkspaceAgent,
  type WorkspaceAgentListeningPort,
  type WorkspaceAgentPortShare,
  type WorkspaceAgentPortShareLevel,
} from '@slipway/contract'
import { api, queries } from '../../api/client.ts'
import { pollEvery } from '../../api/polling.ts'
import { toasts } from '../../ui/toast.tsx'

const LISTENING_MS = 5000

/** Ports that programs in the workspace listen on; they come and go. */
export function listeningPortsQuery(agentId: string) {
  return queryOptions({
    queryKey: ['listening-ports', agentId],
    queryFn: ({ signal }) => api.call(listListeningPorts, { params: { workspaceagent: agentId }, signal }),
    refetchInterval: pollEvery(LISTENING_MS),
  })
}

export function portSharesQuery(workspaceId: string) {
  return queryOptions({
    queryKey: ['port-shares', workspaceId],
    queryFn: ({ signal }) => api.call(listPortShares, { params: { workspace: workspaceId }, signal }),
  })
}

/** What ports may be shared with, as the template says. */
export function mostSharedQuery(templateId: string) {
  return queryOptions({
    queryKey: ['template-by-id', templateId],
    queryFn: ({ signal }) => api.call(getTemplate, { params: { template: templateId }, signal }),
    staleTime: 60_000,
    select: (template) => template.max_port_share_level,
  })
}

/** From the narrowest to the widest (AC-201). */
export const LEVELS: readonly { readonly level: WorkspaceAgentPortShareLevel; readonly label: string }[] = [
  { level: 'owner', label: 'Only you' },
  { level: 'organization', label: 'Your organization' },
  { level: 'authenticated', label: 'Everybody who is signed in' },
  { level: 'public', label: 'Everybody with the link' },
]

/** A port that is listened on, shared, or both. */
export interface KnownPort {
  readonly port: number
  /** Empty while nothing listens. */
  readonly process: string
  readonly listening: boolean
  readonly share: WorkspaceAgentPortShare | undefined
}

/** Ports by their number, each once; shared ones stay while nothing listens on them. */
export function knownPorts(
  listening: readonly WorkspaceAgentListeningPort[],
  shares: readonly WorkspaceAgentPortShare[],
  agent: string,
): readonly KnownPort[] {
  const ours = new Map(shares.filter((one) => one.agent_name === agent).map((one) => [one.port, one]))
  const names = new Map(listening.map((one) => [one.port, one.process_name]))
  return [...new Set([...names.keys(), ...ours.keys()])]
    .sort((a, b) => a - b)
    .map((port) => ({
      port,
      process: names.get(port) ?? '',
      listening: names.has(port),
      share: ours.get(port),
    }))
}

/** Shares a port with more or fewer people; with the owner alone it is no longer shared (AC-202). */
export function useSharePort(workspace: Workspace, agent: WorkspaceAgent) {
  return useMutation({
    mutationFn: async ({
      port,
      level,
      tls,
    }: {
      port: number
      level: WorkspaceAgentPortShareLevel
      tls: boolean
    }) => {
      const params = { workspace: workspace.id }
      if (level === 'owner')
        await api.call(deletePortShare, { params, body: { agent_name: agent.name, port } })
      else
        await api.call(upsertPortShare, {
          params,
          body: { agent_name: agent.name, port, share_level: level, protocol: tls ? 'https' : 'http' },
        })
    },
    onError: (error, { port }) => toasts.failed(`Port ${port} is shared as before`, error),
    onSettled: () => queries.invalidateQueries({ queryKey: portSharesQuery(workspace.id).queryKey }),
  })
}
