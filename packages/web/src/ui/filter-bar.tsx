import { ListFilter, X } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'

import { classNames } from './class-names.ts'

const TYPING_MS = 500

interface FilterBarProps {
  readonly label: string
  readonly placeholder: string
  /** The filter that the page shows, from the address. */
  readonly value: string
  readonly onChange: (value: string) => void
  readonly presets: readonly { readonly label: string; readonly filter: string }[]
  /** What the server says about the text; the last result stays. */
  readonly error?: string | undefined
}

/**
 * One text in the server's `key:value` grammar, and chips that write it (UI-501). Typing counts after half a second,
 * Enter at once; `/` comes here from anywhere on the page.
 */
export function FilterBar({ label, placeholder, value, onChange, presets, error }: FilterBarProps) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => setText(value), [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.metaKey || event.ctrlKey || event.altKey) return
      if (
        event.target instanceof HTMLElement &&
        event.target.closest('input, textarea, select, [role="dialog"]') !== null
      )
        return
      event.preventDefault()
      input.current?.focus()
      input.current?.select()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [])

  const apply = (next: string) => {
    clearTimeout(timer.current)
    setText(next)
    if (next.trim() !== value) onChange(next.trim())
  }
  const type = (next: string) => {
    setText(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => apply(next), TYPING_MS)
  }
  return (
    <search className="mb-4 flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <div className="relative min-w-0 flex-1 basis-64">
          <ListFilter
            className="pointer-events-none absolute left-2.5 top-1/2 size-4 -translate-y-1/2 text-ink-3"
            aria-hidden="true"
          />
          <input
            ref={input}
            type="text"
            value={text}
            aria-label={label}
            aria-invalid={error === undefined ? undefined : true}
            aria-describedby={error === undefined ? undefined : id}
            placeholder={placeholder}
            spellCheck={false}
            autoCapitalize="off"
            onChange={(event) => type(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && !event.nativeEvent.isComposing) apply(text)
              if (event.key === 'Escape') apply('')
            }}
            className="h-8 w-full rounded-control border border-line-strong bg-surface pl-8 pr-8 text-base transition-colors duration-(--fast) hover:border-ink-3 focus-visible:outline-offset-0 aria-invalid:border-bad sm:text-sm pointer-coarse:h-10"
          />
          {text === '' ? null : (
            <button
              type="button"
              onClick={() => apply('')}
              aria-label="Clear the filter"
              className="absolute inset-y-0 right-0 inline-flex w-8 items-center justify-center text-ink-3 hover:text-ink"
            >
              <X className="size-3.5" />
            </button>
          )}
        </div>
        <div className="-mx-4 flex max-w-[100vw] gap-1 overflow-x-auto px-4 py-0.5 [scrollbar-width:none] sm:mx-0 sm:px-0">
          {presets.map((preset) => (
            <button
              key={preset.label}
              type="button"
              aria-pressed={value === preset.filter}
              onClick={() => apply(preset.filter)}
              className={classNames(
                'h-7 shrink-0 rounded-full border px-2.5 text-xs font-medium transition-colors duration-(--fast) pointer-coarse:h-9 pointer-coarse:px-3.5',
                value === preset.filter
                  ? 'border-transparent bg-accent-wash text-accent'
                  : 'border-line text-ink-2 hover:border-line-strong hover:text-ink',
              )}
            >
              {preset.label}
            </button>
          ))}
        </div>
      </div>
      {error === undefined ? null : (
        <p id={id} role="alert" className="text-xs text-bad">
          {error}
        </p>
      )}
    </search>
  )
}
