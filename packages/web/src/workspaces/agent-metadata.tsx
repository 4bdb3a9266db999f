import { useState } from 'react'

import type { WorkspaceAgent, WorkspaceAgentMetadata } from '@slipway/contract'
import { eventData, useLive } from '../api/use-live.ts'
import { classNames } from '../ui/class-names.ts'
import { exactTime } from '../ui/time-ago.tsx'

const EVERY_AGE = 3

/** The values that an agent measures, live while they are on screen (UI-723). */
export function AgentMetadata({ agent }: { readonly agent: WorkspaceAgent }) {
  const [values, setValues] = useState<readonly WorkspaceAgentMetadata[]>(agent.metadata ?? [])
  const up = useLive(agent.id, {
    path: () => `/api/v2/workspaceagents/${agent.id}/watch-metadata-ws`,
    onMessage: (frame) => {
      const data = eventData(frame)
      if (Array.isArray(data)) setValues(data.filter(isMetadata))
    },
  })
  if (values.length === 0) return null
  return (
    <dl className="grid grid-cols-[repeat(auto-fill,minmax(128px,1fr))] gap-x-4 gap-y-3 border-t border-line px-4 py-3">
      {values.map(({ description, result }) => {
        const waiting = result.collected_at.startsWith('0001')
        const old = !up || result.age > Math.max(description.interval, 10) * EVERY_AGE
        return (
          <div key={description.key} className="min-w-0">
            <dt className="truncate text-xs text-ink-3" title={description.display_name}>
              {description.display_name === '' ? description.key : description.display_name}
            </dt>
            <dd
              title={
                result.error !== '' ? result.error : waiting ? undefined : exactTime(result.collected_at)
              }
              className={classNames(
                'truncate font-mono text-sm tabular-nums',
                result.error !== '' ? 'text-bad' : waiting || old ? 'text-ink-3' : 'text-ink',
              )}
            >
              {result.error !== '' ? 'failed' : waiting ? '…' : result.value}
            </dd>
          </div>
        )
      })}
    </dl>
  )
}

function isMetadata(value: unknown): value is WorkspaceAgentMetadata {
  return typeof value === 'object' && value !== null && 'description' in value && 'result' in value
}
