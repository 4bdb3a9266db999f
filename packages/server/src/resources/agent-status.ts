import type { WorkspaceAgentHealth, WorkspaceAgentStatus } from '@slipway/contract'
import type { AgentRecord } from './store/record.ts'

/** An agent that has not been heard of for this long counts as disconnected (AC-20). */
const INACTIVE_MS = 30_000

type Connection = Pick<
  AgentRecord,
  'created_at' | 'connection_timeout_seconds' | 'first_connected_at' | 'last_connected_at' | 'disconnected_at'
>

/** Where the connection of an agent stands; derived, never stored (AC §2.1). */
export function agentStatus(agent: Connection, now: Date): WorkspaceAgentStatus {
  if (agent.first_connected_at === null || agent.last_connected_at === null) {
    const age = now.getTime() - Date.parse(agent.created_at)
    return agent.connection_timeout_seconds > 0 && age > agent.connection_timeout_seconds * 1000
      ? 'timeout'
      : 'connecting'
  }
  const last = Date.parse(agent.last_connected_at)
  if (agent.disconnected_at !== null && Date.parse(agent.disconnected_at) >= last) return 'disconnected'
  return now.getTime() - last > INACTIVE_MS ? 'disconnected' : 'connected'
}

/** Whether an agent is well, and if not, why (AC-23, WS-143). */
export function agentHealth(
  agent: Connection & Pick<AgentRecord, 'lifecycle_state'>,
  now: Date,
): WorkspaceAgentHealth {
  const status = agentStatus(agent, now)
  if (status !== 'connected' && agent.lifecycle_state === 'off') return unwell('agent is not running')
  switch (status) {
    case 'connecting':
      return unwell('agent has not yet connected')
    case 'timeout':
      return unwell('agent is taking too long to connect')
    case 'disconnected':
      return unwell('agent has lost connection')
    case 'connected':
      break
  }
  switch (agent.lifecycle_state) {
    case 'start_error':
      return unwell('agent startup script exited with an error')
    case 'shutting_down':
    case 'shutdown_timeout':
    case 'shutdown_error':
      return unwell('agent is shutting down')
    case 'created':
    case 'starting':
    case 'start_timeout':
    case 'ready':
    case 'off':
      return { healthy: true, reason: '' }
  }
}

function unwell(reason: string): WorkspaceAgentHealth {
  return { healthy: false, reason }
}
