import { useState } from 'react'

import { FilterButton } from '../ui/filter-menu.tsx'
import { filterValue, withFilterValue } from '../ui/filter-words.ts'
import { Menu } from '../ui/menu.tsx'
import { dayBefore } from './audit-words.ts'

const RANGES = [
  { id: 'today', label: 'Today', days: 0 },
  { id: 'week', label: 'Last 7 days', days: 7 },
  { id: 'month', label: 'Last 30 days', days: 30 },
  { id: 'quarter', label: 'Last 90 days', days: 90 },
] as const

/** Days that the log is searched in: a range that is often wanted, or any two days. */
export function DateMenu({
  filter,
  onChange,
}: {
  readonly filter: string
  readonly onChange: (filter: string) => void
}) {
  const from = filterValue(filter, 'date_from')
  const to = filterValue(filter, 'date_to')
  const [asked, setAsked] = useState(false)
  const known = to === undefined ? RANGES.find(({ days }) => dayBefore(days, Date.now()) === from) : undefined
  const set = (first: string | undefined, last: string | undefined) =>
    onChange(withFilterValue(withFilterValue(filter, 'date_from', first), 'date_to', last))
  const custom = asked || (known === undefined && (from !== undefined || to !== undefined))
  return (
    <>
      <Menu
        label="Date"
        align="start"
        trigger={<FilterButton label="Date" value={known?.label ?? (custom ? 'Custom' : undefined)} />}
        groups={[
          [
            {
              id: 'any',
              label: 'Any',
              checked: from === undefined && to === undefined && !asked,
              onSelect: () => {
                setAsked(false)
                set(undefined, undefined)
              },
            },
          ],
          RANGES.map(({ id, label, days }) => ({
            id,
            label,
            checked: known?.id === id && !asked,
            onSelect: () => {
              setAsked(false)
              set(dayBefore(days, Date.now()), undefined)
            },
          })),
          [{ id: 'custom', label: 'Custom', checked: custom, onSelect: () => setAsked(true) }],
        ]}
      />
      {custom ? (
        <span className="inline-flex flex-wrap items-center gap-1 text-xs text-ink-2">
          <input
            type="date"
            aria-label="First day, UTC"
            value={from ?? ''}
            onChange={(event) => set(event.target.value || undefined, to)}
            className={DAY}
          />
          to
          <input
            type="date"
            aria-label="Last day, UTC"
            value={to ?? ''}
            onChange={(event) => set(from, event.target.value || undefined)}
            className={DAY}
          />
          UTC
        </span>
      ) : null}
    </>
  )
}

const DAY =
  'h-7 rounded-control border border-line-strong bg-surface px-2 text-xs text-ink hover:border-ink-3 focus-visible:outline-offset-0 pointer-coarse:h-9'
