import { Search, X } from 'lucide-react'
import { Popover } from 'radix-ui'
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react'

import { classNames } from './class-names.ts'
import type { FieldBinding } from './form.tsx'

/** One thing that can be chosen. A disabled one says why in `note`. */
export interface ComboboxOption {
  readonly id: string
  readonly label: string
  readonly note?: string | undefined
  readonly icon?: ReactNode
  readonly disabled?: boolean
}

interface ComboboxProps {
  /** Ties it to a label of a form; without one `label` names it. */
  readonly field?: FieldBinding
  readonly label?: string
  readonly placeholder: string
  readonly text: string
  readonly onText: (text: string) => void
  /** What matches the text; `undefined` while it is looked for. */
  readonly options: readonly ComboboxOption[] | undefined
  /** What is said when nothing matches, or when looking failed. */
  readonly empty: string
  readonly onChoose: (option: ComboboxOption) => void
  /** Stands before the text: what was chosen. */
  readonly icon?: ReactNode
  /** Takes back what was chosen. */
  readonly onClear?: () => void
  /** Focus went elsewhere without a choice. */
  readonly onLeave?: () => void
  readonly disabled?: boolean
  readonly autoFocus?: boolean
}

/** A text that finds things, and the list of what it finds: arrows, Enter and Esc as in every combobox (UI-1803). */
export function Combobox({
  field,
  label,
  placeholder,
  text,
  onText,
  options,
  empty,
  onChoose,
  icon,
  onClear,
  onLeave,
  disabled = false,
  autoFocus = false,
}: ComboboxProps) {
  const list = useId()
  const box = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(0)
  const offers = options ?? []
  const current = Math.min(active, offers.length - 1)
  const choose = (option: ComboboxOption | undefined) => {
    if (option === undefined || option.disabled === true) return
    setOpen(false)
    setActive(0)
    onChoose(option)
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (open && offers.length > 0)
        setActive((current + (event.key === 'ArrowDown' ? 1 : -1) + offers.length) % offers.length)
      setOpen(true)
    } else if (event.key === 'Enter' && open && offers.length > 0) choose(offers[current])
    else if (event.key === 'Escape' && open) setOpen(false)
    else if (event.key === 'Enter' && text !== '') setOpen(true)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <Popover.Root open={open && !disabled} onOpenChange={setOpen}>
      <Popover.Anchor asChild>
        <div ref={box} className="relative min-w-0">
          <span className="pointer-events-none absolute left-2.5 top-1/2 -translate-y-1/2 text-ink-3">
            {icon ?? <Search className="size-4" aria-hidden="true" />}
          </span>
          <input
            {...field}
            type="text"
            role="combobox"
            aria-label={label}
            aria-autocomplete="list"
            aria-expanded={open && offers.length > 0}
            aria-controls={open && offers.length > 0 ? list : undefined}
            aria-activedescendant={open && offers.length > 0 ? `${list}-${current}` : undefined}
            placeholder={placeholder}
            disabled={disabled}
            // biome-ignore lint/a11y/noAutofocus: the one field of a dialog that was opened to search
            autoFocus={autoFocus}
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            value={text}
            onClick={() => setOpen(true)}
            onBlur={() => {
              setOpen(false)
              onLeave?.()
            }}
            onChange={(event) => {
              onText(event.target.value)
              setOpen(true)
              setActive(0)
            }}
            onKeyDown={onKeyDown}
            className="h-8 w-full min-w-0 rounded-control border border-line-strong bg-surface pl-8 pr-8 text-base text-ink transition-colors duration-(--fast) hover:border-ink-3 focus-visible:outline-offset-0 disabled:bg-bg disabled:text-ink-2 aria-invalid:border-bad sm:text-sm pointer-coarse:h-10"
          />
          {onClear === undefined || disabled ? null : (
            <button
              type="button"
              aria-label="Clear the choice"
              onClick={onClear}
              className="absolute inset-y-0 right-0 inline-flex w-8 items-center justify-center text-ink-3 hover:text-ink"
            >
              <X className="size-3.5" />
            </button>
          )}
        </div>
      </Popover.Anchor>
      <Popover.Portal>
        <Popover.Content
          role="presentation"
          align="start"
          sideOffset={4}
          collisionPadding={8}
          onOpenAutoFocus={(event) => event.preventDefault()}
          onCloseAutoFocus={(event) => event.preventDefault()}
          onInteractOutside={(event) => {
            if (event.target instanceof Node && box.current?.contains(event.target) === true)
              event.preventDefault()
          }}
          className="z-50 max-h-[min(20rem,var(--radix-popover-content-available-height))] w-(--radix-popover-trigger-width) min-w-56 animate-fade overflow-y-auto rounded-card border border-line bg-raised p-1 shadow-float"
        >
          {offers.length === 0 ? (
            <p role="status" className="px-2 py-3 text-center text-sm text-ink-2">
              {options === undefined ? 'Searching' : empty}
            </p>
          ) : (
            <div id={list} role="listbox" aria-label="Matches">
              {offers.map((option, index) => (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard chooses in the text field (combobox pattern)
                <div
                  key={option.id}
                  id={`${list}-${index}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={index === current}
                  aria-disabled={option.disabled === true}
                  // The field keeps the focus.
                  onMouseDown={(event) => event.preventDefault()}
                  onMouseMove={() => setActive(index)}
                  onClick={() => choose(option)}
                  className={classNames(
                    'flex min-h-9 cursor-default items-center gap-2.5 rounded-control px-2 py-1 text-sm aria-selected:bg-accent-wash pointer-coarse:min-h-11',
                    option.disabled === true && 'text-ink-2',
                  )}
                >
                  {option.icon}
                  <span className="min-w-0 flex-1 truncate">
                    <bdi>{option.label}</bdi>
                  </span>
                  {option.note === undefined ? null : (
                    <span className="max-w-[55%] truncate text-xs text-ink-2">{option.note}</span>
                  )}
                </div>
              ))}
            </div>
          )}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}
