import {
  CircleCheck,
  CircleDashed,
  CirclePause,
  CircleSlash,
  CircleX,
  Clock,
  Moon,
  Trash2,
  TriangleAlert,
} from 'lucide-react'

import type { ProvisionerJobStatus, Workspace, WorkspaceAgent, WorkspaceStatus } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

const LOOKS: Record<WorkspaceStatus, StateLook> = {
  pending: { label: 'Pending', tone: 'run', icon: Clock, moving: true },
  starting: { label: 'Starting', tone: 'run', icon: CircleDashed, moving: true },
  running: { label: 'Running', tone: 'ok', icon: CircleCheck },
  stopping: { label: 'Stopping', tone: 'run', icon: CircleDashed, moving: true },
  stopped: { label: 'Stopped', tone: 'off', icon: CirclePause },
  failed: { label: 'Failed', tone: 'bad', icon: CircleX },
  canceling: { label: 'Canceling', tone: 'warn', icon: CircleDashed, moving: true },
  canceled: { label: 'Canceled', tone: 'warn', icon: CircleSlash },
  deleting: { label: 'Deleting', tone: 'bad', icon: CircleDashed, moving: true },
  deleted: { label: 'Deleted', tone: 'off', icon: Trash2 },
}

/** Icon, word and colour of a workspace's state. A running one says how its agents are. */
export function workspaceLook(workspace: Workspace): StateLook {
  const { status } = workspace.latest_build
  if (workspace.dormant_at !== null && status !== 'deleted')
    return { label: 'Dormant', tone: 'warn', icon: Moon }
  if (status !== 'running') return LOOKS[status]
  const agents = agentsOf(workspace)
  if (agents.some(({ status: agent }) => agent === 'disconnected' || agent === 'timeout'))
    return { label: 'Agent lost', tone: 'warn', icon: TriangleAlert }
  if (agents.some(({ status: agent }) => agent === 'connecting'))
    return { label: 'Connecting', tone: 'run', icon: CircleDashed, moving: true }
  if (!workspace.health.healthy) return { label: 'Unhealthy', tone: 'warn', icon: TriangleAlert }
  return LOOKS.running
}

/** The look of a state by its name, of builds. */
export function statusLook(status: WorkspaceStatus): StateLook {
  return LOOKS[status]
}

/** Whether a state ends by itself. */
export function isMoving(status: WorkspaceStatus): boolean {
  return LOOKS[status].moving === true
}

/** The agents of the latest build that are not inside another one. */
export function agentsOf(workspace: Workspace): readonly WorkspaceAgent[] {
  return workspace.latest_build.resources
    .flatMap((resource) => resource.agents ?? [])
    .filter((agent) => agent.parent_id === null || !agent.parent_id.valid)
}

const JOBS: Record<ProvisionerJobStatus, StateLook> = {
  pending: { label: 'Pending', tone: 'run', icon: Clock, moving: true },
  running: { label: 'Running', tone: 'run', icon: CircleDashed, moving: true },
  succeeded: { label: 'Succeeded', tone: 'ok', icon: CircleCheck },
  canceling: { label: 'Canceling', tone: 'warn', icon: CircleDashed, moving: true },
  canceled: { label: 'Canceled', tone: 'warn', icon: CircleSlash },
  failed: { label: 'Failed', tone: 'bad', icon: CircleX },
  unknown: { label: 'Unknown', tone: 'off', icon: CircleSlash },
}

/** Icon, word and colour of a job: a build or the import of a template. */
export function jobLook(status: ProvisionerJobStatus): StateLook {
  return JOBS[status]
}
