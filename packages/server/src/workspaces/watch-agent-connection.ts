import type { WebSocket } from 'ws'

import type { ConnectionWatchEvent, Workspace, WorkspaceAgent } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { closeSoon } from '../edge/index.ts'
import { followWorkspace } from './watch-workspace.ts'

/** Why a client waits no longer (AC-246). */
const CODE = { tooManyAgents: 1, unknownAgent: 2, noAgents: 3, internal: 6 } as const

/**
 * Tells a client that waits for an agent how its build and then the agent itself come along, each change once, until it
 * leaves or there is nothing to wait for (AC-246).
 *
 * @param agentName the agent that it means; empty where the workspace has one.
 */
export async function watchAgentConnection(
  context: AppContext,
  actor: Actor,
  target: { readonly workspaceId: string; readonly agentName: string },
  socket: WebSocket,
): Promise<void> {
  const gone = new AbortController()
  socket.on('close', () => gone.abort())
  const told = new Map<string, string>()
  const tell = (event: ConnectionWatchEvent): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(event))
  }
  const tellOnce = (kind: string, event: ConnectionWatchEvent): void => {
    const text = JSON.stringify(event)
    if (told.get(kind) === text) return
    told.set(kind, text)
    tell(event)
  }
  let problem = ''
  const end = (code: number, message: string): void => {
    tell({ error: { code, retryable: false, message, details: '' } })
    closeSoon(socket, 1000, '')
    gone.abort()
  }
  const look = ({ latest_build }: Workspace): void => {
    const { status } = latest_build.job
    tellOnce('build', { build_update: { transition: latest_build.transition, job_status: status } })
    // Agents of a build are known when it is done.
    if (latest_build.transition !== 'start' || status !== 'succeeded') return
    const roots = latest_build.resources
      .flatMap(({ agents }) => agents ?? [])
      .filter(({ parent_id }) => parent_id === null)
    const agent = agentOf(roots, target.agentName)
    if (typeof agent === 'number') end(agent, reasonOf(agent, roots, target.agentName))
    else tellOnce('agent', { agent_update: { lifecycle: agent.lifecycle_state, id: agent.id } })
  }
  await followWorkspace(context, actor, target.workspaceId, {
    closed: gone.signal,
    tell: look,
    // Who has lost the right to look is told that, and nothing is tried again.
    fail: ({ message }) => {
      problem = message
    },
    close: () => end(CODE.internal, problem),
  })
}

/** The agent that a client means, or the code of why there is none. */
function agentOf(agents: readonly WorkspaceAgent[], name: string): WorkspaceAgent | number {
  const [first, ...others] = agents
  if (first === undefined) return CODE.noAgents
  if (name !== '')
    return agents.find((agent) => agent.name.toLowerCase() === name.toLowerCase()) ?? CODE.unknownAgent
  return others.length === 0 ? first : CODE.tooManyAgents
}

function reasonOf(code: number, agents: readonly WorkspaceAgent[], name: string): string {
  const names = agents.map((agent) => agent.name).join(', ')
  if (code === CODE.noAgents) return 'The workspace has no agents.'
  if (code === CODE.unknownAgent) return `The workspace has no agent "${name}": it has ${names}.`
  return `The workspace has several agents; name one of ${names}.`
}
