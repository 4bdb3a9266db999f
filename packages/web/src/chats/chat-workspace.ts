import { queryOptions } from '@tanstack/react-query'

import { type Chat, getWorkspace, type Workspace, type WorkspaceAgent } from '@slipway/contract'
import { api } from '../api/client.ts'
import { pollEvery } from '../api/polling.ts'
import { agentsOf } from '../workspaces/workspace-look.ts'

const CALM_MS = 30_000
/** Until its agent is connected and its apps answer somebody waits for it. */
const WAITING_MS = 3_000

/** The workspace that a chat is bound to; looked at more often while it is not ready. */
export function chatWorkspaceQuery(id: string) {
  return queryOptions({
    queryKey: ['workspace-by-id', id],
    queryFn: ({ signal }) => api.call(getWorkspace, { params: { workspace: id }, signal }),
    staleTime: 2_000,
    refetchInterval: (query) => {
      const workspace = query.state.data
      const ready =
        workspace?.latest_build.status === 'running' &&
        agentsOf(workspace).some(({ status }) => status === 'connected') &&
        !agentsOf(workspace).some(({ apps }) => apps.some(({ health }) => health === 'initializing'))
      return pollEvery(ready ? CALM_MS : WAITING_MS)(query)
    },
  })
}

/** The agent that the chat works in, else the first one of its workspace. */
export function agentOfChat(workspace: Workspace, chat: Pick<Chat, 'agent_id'>): WorkspaceAgent | undefined {
  const agents = agentsOf(workspace)
  return agents.find(({ id }) => id === chat.agent_id) ?? agents[0]
}
