import { ChevronDown } from 'lucide-react'

import { classNames } from './class-names.ts'
import { filterValue, withFilterValue } from './filter-words.ts'
import { Menu } from './menu.tsx'

interface FilterMenuProps {
  readonly label: string
  /** The key of the filter's grammar that it writes. */
  readonly filterKey: string
  readonly options: readonly { readonly value: string; readonly label: string }[]
  readonly filter: string
  readonly onChange: (filter: string) => void
}

/** A menu that writes one key of the page's filter (UI-501). */
export function FilterMenu({ label, filterKey, options, filter, onChange }: FilterMenuProps) {
  const value = filterValue(filter, filterKey)
  const chosen = options.find((option) => option.value === value)
  const choose = (next: string | undefined) => onChange(withFilterValue(filter, filterKey, next))
  return (
    <Menu
      label={label}
      align="start"
      trigger={
        <FilterButton label={label} value={value === undefined ? undefined : (chosen?.label ?? value)} />
      }
      groups={[
        [{ id: '', label: 'Any', checked: value === undefined, onSelect: () => choose(undefined) }],
        options.map((option) => ({
          id: option.value,
          label: option.label,
          checked: option.value === value,
          onSelect: () => choose(option.value),
        })),
      ]}
    />
  )
}

/** What opens a menu of the filter: its name, and what it has been set to. */
export function FilterButton({
  label,
  value,
  ...trigger
}: { readonly label: string; readonly value: string | undefined } & Omit<
  React.ComponentProps<'button'>,
  'value'
>) {
  return (
    <button
      type="button"
      {...trigger}
      className={classNames(
        'inline-flex h-7 max-w-64 shrink-0 items-center gap-1 rounded-full border pl-2.5 pr-2 text-xs font-medium transition-colors duration-(--fast) pointer-coarse:h-9 pointer-coarse:px-3.5',
        value === undefined
          ? 'border-line text-ink-2 hover:border-line-strong hover:text-ink'
          : 'border-transparent bg-accent-wash text-accent',
      )}
    >
      <span className="truncate">{value === undefined ? label : `${label}: ${value}`}</span>
      <ChevronDown className="size-3 shrink-0 opacity-70" aria-hidden="true" />
    </button>
  )
}
