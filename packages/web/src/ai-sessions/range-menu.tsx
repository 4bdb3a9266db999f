import { useState } from 'react'

import { FilterButton } from '../ui/filter-menu.tsx'
import { filterValue, withFilterValue } from '../ui/filter-words.ts'
import { Menu } from '../ui/menu.tsx'
import { hasRange } from './session-words.ts'

const DAY_MS = 86_400_000
const RANGES = [
  { id: 'week', label: 'Last 7 days', days: 7 },
  { id: 'month', label: 'Last 30 days', days: 30 },
  { id: 'quarter', label: 'Last 90 days', days: 90 },
] as const

/** Days that sessions began in. The last 24 hours leave no trace in the address, so that they stay the last (UI-1301). */
export function RangeMenu({
  filter,
  onChange,
}: {
  readonly filter: string
  readonly onChange: (filter: string) => void
}) {
  const after = filterValue(filter, 'started_after')
  const before = filterValue(filter, 'started_before')
  const [asked, setAsked] = useState(false)
  const known = before === undefined ? RANGES.find(({ days }) => after === daysAgo(days)) : undefined
  const custom = asked || (hasRange(filter) && known === undefined)
  const set = (first: string | undefined, last: string | undefined) =>
    onChange(withFilterValue(withFilterValue(filter, 'started_after', first), 'started_before', last))
  return (
    <>
      <Menu
        label="Time"
        align="start"
        trigger={<FilterButton label="Time" value={custom ? 'Custom' : (known?.label ?? 'Last 24 hours')} />}
        groups={[
          [
            {
              id: 'day',
              label: 'Last 24 hours',
              checked: !hasRange(filter) && !asked,
              onSelect: () => {
                setAsked(false)
                set(undefined, undefined)
              },
            },
            ...RANGES.map(({ id, label, days }) => ({
              id,
              label,
              checked: known?.id === id && !asked,
              onSelect: () => {
                setAsked(false)
                set(daysAgo(days), undefined)
              },
            })),
          ],
          [{ id: 'custom', label: 'Custom', checked: custom, onSelect: () => setAsked(true) }],
        ]}
      />
      {custom ? (
        <span className="inline-flex flex-wrap items-center gap-1 text-xs text-ink-2">
          <input
            type="date"
            aria-label="First day, UTC"
            value={after?.slice(0, 10) ?? ''}
            onChange={(event) => set(atMidnight(event.target.value, 0), before)}
            className={DAY}
          />
          to
          <input
            type="date"
            aria-label="Last day, UTC"
            value={before === undefined ? '' : dayOf(Date.parse(before) - 1)}
            onChange={(event) => set(after, atMidnight(event.target.value, 1))}
            className={DAY}
          />
          UTC
        </span>
      ) : null}
    </>
  )
}

/** Midnight of a day in UTC, or of one after it; of no day nothing. */
function atMidnight(day: string, later: 0 | 1): string | undefined {
  const at = Date.parse(`${day}T00:00:00Z`)
  return Number.isNaN(at) ? undefined : `${dayOf(at + later * DAY_MS)}T00:00:00Z`
}

function dayOf(at: number): string {
  return Number.isNaN(at) ? '' : new Date(at).toISOString().slice(0, 10)
}

/** The beginning of the day that was so long ago. */
export function daysAgo(days: number): string {
  return `${dayOf(Date.now() - days * DAY_MS)}T00:00:00Z`
}

const DAY =
  'h-7 rounded-control border border-line-strong bg-surface px-2 text-xs text-ink hover:border-ink-3 focus-visible:outline-offset-0 pointer-coarse:h-9'
