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
