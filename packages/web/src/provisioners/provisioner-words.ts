import { CircleCheck, CircleDashed, CircleOff } from 'lucide-react'

import type { ProvisionerDaemonStatus, ProvisionerJob, ProvisionerJobStatus } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

const DAEMONS: Record<ProvisionerDaemonStatus, StateLook> = {
  idle: { label: 'Idle', tone: 'ok', icon: CircleCheck },
  busy: { label: 'Busy', tone: 'run', icon: CircleDashed, moving: true },
  offline: { label: 'Offline', tone: 'off', icon: CircleOff },
}

/** Icon, word and colour of a daemon; one that was never seen is offline. */
export function daemonLook(status: ProvisionerDaemonStatus = 'offline'): StateLook {
  return DAEMONS[status]
}

/** What jobs are asked for by. */
export const JOB_STATES = [
  'pending',
  'running',
  'succeeded',
  'failed',
  'canceling',
  'canceled',
] as const satisfies readonly ProvisionerJobStatus[]

const BUILDS = { start: 'Start', stop: 'Stop', delete: 'Delete' } as const

/** What a job does: "Start flight", "Import docker v3". */
export function jobTitle({ type, metadata }: Pick<ProvisionerJob, 'type' | 'metadata'>): string {
  const version = [metadata?.template_name, metadata?.template_version_name].filter(Boolean).join(' ')
  switch (type) {
    case 'workspace_build':
      return [
        BUILDS[metadata?.workspace_build_transition ?? 'start'],
        metadata?.workspace_name ?? 'a workspace',
      ].join(' ')
    case 'template_version_import':
      return `Import ${version || 'a template'}`
    case 'template_version_dry_run':
      return `Try ${version || 'a template'}`
  }
}

/** Tags as they are asked for in addresses; `owner` without a value says nothing. */
export function tagEntries(tags: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(tags)
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => a.localeCompare(b))
}

/** The tags of an address; none where it cannot be read, which the server says. */
export function parseTags(text: string | undefined): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, String(entry)]))
      : {}
  } catch {
    return {}
  }
}
