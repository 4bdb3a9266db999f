import type { WorkspaceAgent } from '@slipway/contract'
import { classNames } from '../ui/class-names.ts'
import { exactTime } from '../ui/time-ago.tsx'
import { useAgentFigures } from './agent-figures.tsx'

const EVERY_AGE = 3

/** The values that an agent measures (UI-723). */
export function AgentMetadata({ agent }: { readonly agent: WorkspaceAgent }) {
  const { values, up } = useAgentFigures(agent) ?? { values: agent.metadata ?? [], up: false }
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
