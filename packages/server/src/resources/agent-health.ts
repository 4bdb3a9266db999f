import type { WorkspaceAgentHealth } from '@slipway/contract'
import type { AgentRecord } from './store/record.ts'

/** Whether an agent is well, and if not, why (AC-23, WS-143). */
export function agentHealth(agent: Pick<AgentRecord, 'status' | 'lifecycle_state'>): WorkspaceAgentHealth {
  const { status } = agent
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
