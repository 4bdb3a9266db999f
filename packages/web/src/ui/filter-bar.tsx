import { ListFilter, X } from 'lucide-react'
import {
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'

import { classNames } from './class-names.ts'
import { complete, type FilterKey, type Suggestion, suggestions } from './filter-completion.ts'
import { withQuotedTimes } from './filter-words.ts'

const TYPING_MS = 500

interface FilterBarProps {
  readonly label: string
  readonly placeholder: string
  /** The filter that the page shows, from the address. */
  readonly value: string
  readonly onChange: (value: string) => void
  readonly presets: readonly { readonly label: string; readonly filter: string }[]
  /** The keys that the server knows for this list. */
  readonly keys: readonly FilterKey[]
  /** Somebody is about to type: values that have to be fetched are worth it now. */
  readonly onFocus?: () => void
  /** What the server says about the text; the last result stays. */
  readonly error?: string | undefined
  /** Menus that write the same text, under it. */
  readonly menus?: ReactNode
}

/**
 * One text in the server's `key:value` grammar, with completion, and chips that write it (UI-501). Typing counts after
 * half a second, Enter at once; `/` comes here from anywhere on the page.
 */
export function FilterBar({
  label,
  placeholder,
  value,
  onChange,
  presets,
  keys,
  onFocus,
  error,
  menus,
}: FilterBarProps) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [text, setText] = useState(value)
  const [caret, setCaret] = useState(value.length)
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  /** What was applied from here and is not in the address yet: when it comes, the text may be further already. */
  const sent = useRef<string[]>([])
  const seen = useRef(value)
  useEffect(() => {
    const at = sent.current.lastIndexOf(value)
    if (at >= 0) sent.current.splice(0, at + 1)
    else if (value !== seen.current) {
      clearTimeout(timer.current)
      setText(value)
    }
    seen.current = value
  })
  /** Where the caret goes with a text that was not typed; before the next key, which would end up elsewhere. */
  const placed = useRef<number>(undefined)
  useLayoutEffect(() => {
    if (placed.current === undefined) return
    input.current?.focus()
    input.current?.setSelectionRange(placed.current, placed.current)
    placed.current = undefined
  })
  useEffect(() => () => clearTimeout(timer.current), [])
  useEffect(() => {
    const onKeyDown = (event: globalThis.KeyboardEvent) => {
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

  const offers = open ? suggestions(text, caret, keys) : []
  const close = () => {
    setOpen(false)
    setActive(-1)
  }
  const apply = (next: string) => {
    clearTimeout(timer.current)
    setText(next)
    const wanted = withQuotedTimes(next.trim())
    if (wanted === (sent.current.at(-1) ?? value)) return
    sent.current.push(wanted)
    onChange(wanted)
  }
  const type = (next: string, at: number) => {
    setText(next)
    setCaret(at)
    setOpen(true)
    setActive(-1)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      // A key without its value is not a filter yet.
      if (!/:$/.test(next.trim())) apply(next)
    }, TYPING_MS)
  }
  const take = (offer: Suggestion) => {
    const next = complete(text, caret, offer)
    placed.current = next.caret
    type(next.text, next.caret)
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return
    const chosen = offers[active]
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp':
        if (open && offers.length > 0) {
          const step = event.key === 'ArrowDown' ? 1 : -1
          // One place is the text itself, so that Enter applies it again.
          const places = offers.length + 1
          setActive(((active + 1 + step + places) % places) - 1)
        } else {
          setCaret(event.currentTarget.selectionStart ?? text.length)
          setOpen(true)
        }
        break
      case 'Enter':
        if (chosen === undefined) {
          close()
          apply(text)
        } else take(chosen)
        break
      case 'Escape':
        if (open && offers.length > 0) close()
        else apply('')
        break
      default:
        return
    }
    event.preventDefault()
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
            role="combobox"
            value={text}
            aria-label={label}
            aria-autocomplete="list"
            aria-expanded={offers.length > 0}
            aria-controls={`${id}-list`}
            aria-activedescendant={active >= 0 && active < offers.length ? `${id}-${active}` : undefined}
            aria-invalid={error === undefined ? undefined : true}
            aria-describedby={error === undefined ? undefined : id}
            placeholder={placeholder}
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            onFocus={onFocus}
            onClick={(event) => {
              setCaret(event.currentTarget.selectionStart ?? text.length)
              setOpen(true)
            }}
            onBlur={close}
            onChange={(event) =>
              type(event.target.value, event.target.selectionStart ?? event.target.value.length)
            }
            onKeyDown={onKeyDown}
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
          <div
            id={`${id}-list`}
            role="listbox"
            aria-label="Suggestions"
            className={classNames(
              'absolute inset-x-0 top-full z-20 mt-1 max-h-80 max-w-md overflow-y-auto rounded-card border border-line bg-raised p-1 shadow-float',
              offers.length === 0 && 'hidden',
            )}
          >
            {offers.map((offer, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard chooses in the text field (combobox pattern)
              <div
                key={offer.insert}
                id={`${id}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === active}
                // The field keeps the focus.
                onMouseDown={(event) => event.preventDefault()}
                onMouseMove={() => setActive(index)}
                onClick={() => take(offer)}
                className="flex min-h-8 cursor-default items-center justify-between gap-4 rounded-control px-2 text-sm aria-selected:bg-accent-wash pointer-coarse:min-h-10"
              >
                <code className="text-ink">{offer.insert}</code>
                <span className="truncate text-xs text-ink-2">{offer.about}</span>
              </div>
            ))}
          </div>
        </div>
        <div className="-mx-4 flex max-w-[100vw] gap-1 overflow-x-auto px-4 py-0.5 [scrollbar-width:none] empty:hidden sm:mx-0 sm:px-0">
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
      {menus === undefined ? null : <div className="flex flex-wrap items-center gap-1">{menus}</div>}
      {error === undefined ? null : (
        <p id={id} role="alert" className="text-xs text-bad">
          {error}
        </p>
      )}
    </search>
  )
}
