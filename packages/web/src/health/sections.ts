import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react'

import type { HealthcheckReport, HealthMessage, HealthSection, HealthSeverity } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

/** A section of the report: its address, its name for people, and the one under which it is dismissed. */
export interface SectionPlace {
  readonly path: string
  readonly label: string
  readonly about: string
  readonly name: HealthSection
  readonly of: (report: HealthcheckReport) => {
    readonly severity: HealthSeverity
    readonly error?: string
    readonly warnings: readonly HealthMessage[]
    readonly dismissed: boolean
  }
}

export const SECTIONS: readonly SectionPlace[] = [
  {
    path: 'access-url',
    label: 'Access URL',
    about: 'Whether the server can be reached where clients look for it',
    name: 'AccessURL',
    of: (report) => report.access_url,
  },
  {
    path: 'database',
    label: 'Database',
    about: 'Whether the database answers, and how fast',
    name: 'Database',
    of: (report) => report.database,
  },
  {
    path: 'derp',
    label: 'DERP',
    about: 'Relays between clients and agents',
    name: 'DERP',
    of: (report) => report.derp,
  },
  {
    path: 'websocket',
    label: 'WebSocket',
    about: 'Whether WebSockets, which terminals and agents need, get through to the server',
    name: 'Websocket',
    of: (report) => report.websocket,
  },
  {
    path: 'workspace-proxy',
    label: 'Workspace proxies',
    about: 'Servers that bring workspaces closer to their users',
    name: 'WorkspaceProxy',
    of: (report) => report.workspace_proxy,
  },
  {
    path: 'provisioner-daemons',
    label: 'Provisioner daemons',
    about: 'The processes that build workspaces',
    name: 'ProvisionerDaemons',
    of: (report) => report.provisioner_daemons,
  },
  {
    path: 'ai-gateway',
    label: 'AI gateway',
    about: 'Model providers and request records, as seen by the replica that answers',
    name: 'AIGateway',
    of: (report) => report.ai_gateway,
  },
]

/** How a severity looks; what is dismissed is muted, and keeps its word. */
export function severityLook(severity: HealthSeverity, dismissed: boolean): StateLook {
  switch (severity) {
    case 'ok':
      return { label: 'Healthy', tone: dismissed ? 'off' : 'ok', icon: CircleCheck }
    case 'warning':
      return { label: 'Warning', tone: dismissed ? 'off' : 'warn', icon: TriangleAlert }
    case 'error':
      return { label: 'Error', tone: dismissed ? 'off' : 'bad', icon: CircleAlert }
  }
}
