import type { KeyboardEvent } from 'react'

import { classNames } from './class-names.ts'

interface SegmentedProps<Id extends string> {
  readonly label: string
  readonly options: readonly { readonly id: Id; readonly label: string; readonly count?: number }[]
  readonly value: Id
  readonly onChange: (id: Id) => void
}

/** One of a few, all in sight: arrows move and choose, as in every group of radios. Rows that break are filled. */
export function Segmented<Id extends string>({ label, options, value, onChange }: SegmentedProps<Id>) {
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const at = options.findIndex(({ id }) => id === value)
    const next = (at + step + options.length) % options.length
    const chosen = options[next]
    if (chosen !== undefined) onChange(chosen.id)
    const button = event.currentTarget.children[next]
    if (button instanceof HTMLElement) button.focus()
  }
  return (
    <div
      role="radiogroup"
      aria-label={label}
      onKeyDown={onKeyDown}
      className="inline-flex w-fit max-w-full flex-wrap rounded-control border border-line-strong p-0.5"
    >
      {options.map((option) => (
        // biome-ignore lint/a11y/useSemanticElements: a segmented control; the browser's radio cannot look like one.
        <button
          key={option.id}
          type="button"
          role="radio"
          aria-checked={value === option.id}
          tabIndex={value === option.id ? 0 : -1}
          onClick={() => onChange(option.id)}
          className={classNames(
            'inline-flex h-[26px] grow items-center justify-center gap-1.5 whitespace-nowrap rounded-sm px-2.5 text-sm pointer-coarse:h-9',
            value === option.id ? 'bg-accent-wash font-medium text-accent' : 'text-ink-2 hover:text-ink',
          )}
        >
          {option.label}
          {option.count === undefined || option.count === 0 ? null : (
            <span className="text-xs tabular-nums opacity-80">{option.count}</span>
          )}
        </button>
      ))}
    </div>
  )
}
