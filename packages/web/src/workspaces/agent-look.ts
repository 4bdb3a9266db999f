import { CircleCheck, CircleDashed, CircleX, TriangleAlert, Unplug } from 'lucide-react'

import type { WorkspaceAgent } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

/** How the connection to an agent stands; what its scripts did is told apart from it (UI-723). */
export function connectionLook(agent: Pick<WorkspaceAgent, 'status'>): StateLook {
  switch (agent.status) {
    case 'connecting':
      return { label: 'Connecting', tone: 'run', icon: CircleDashed, moving: true }
    case 'connected':
      return { label: 'Connected', tone: 'ok', icon: CircleCheck }
    case 'disconnected':
      return { label: 'Disconnected', tone: 'warn', icon: Unplug }
    case 'timeout':
      return { label: 'Did not connect', tone: 'bad', icon: TriangleAlert }
  }
}

/**
 * Whether there is something to open in an agent, or was and will be again: what is shown of it stays where it is while a
 * server restarts or a network blinks (UI-1902).
 */
export function hasBeenConnected(agent: Pick<WorkspaceAgent, 'status' | 'first_connected_at'>): boolean {
  return agent.status === 'connected' || agent.first_connected_at !== undefined
}

/** How long an agent may be away before its card says more than that it is, in milliseconds. */
const AWAY_MS = 15_000

/** When more is to be said about a lost connection, in milliseconds of the epoch; undefined while there is none. */
export function lostAt(agent: Pick<WorkspaceAgent, 'status' | 'disconnected_at'>): number | undefined {
  if (agent.status !== 'disconnected') return undefined
  return agent.disconnected_at === undefined ? 0 : Date.parse(agent.disconnected_at) + AWAY_MS
}

/** What the scripts of an agent are at; undefined when there is nothing to say. */
export function lifecycleLook(agent: Pick<WorkspaceAgent, 'lifecycle_state'>): StateLook | undefined {
  switch (agent.lifecycle_state) {
    case 'starting':
      return { label: 'Running startup scripts', tone: 'run', icon: CircleDashed, moving: true }
    case 'start_timeout':
      return { label: 'Startup scripts take long', tone: 'warn', icon: TriangleAlert, moving: true }
    case 'start_error':
      return { label: 'A startup script failed', tone: 'warn', icon: CircleX }
    case 'shutting_down':
      return { label: 'Shutting down', tone: 'run', icon: CircleDashed, moving: true }
    case 'shutdown_timeout':
      return { label: 'Shutdown scripts take long', tone: 'warn', icon: TriangleAlert, moving: true }
    case 'shutdown_error':
      return { label: 'A shutdown script failed', tone: 'warn', icon: CircleX }
    case 'created':
    case 'ready':
    case 'off':
      return undefined
  }
}
