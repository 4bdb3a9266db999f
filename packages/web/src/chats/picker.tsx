import { Check, ChevronDown, Search } from 'lucide-react'
import { Popover } from 'radix-ui'
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react'

import { classNames } from '../ui/class-names.ts'

interface PickerOption {
  readonly id: string
  readonly label: string
  readonly note?: string | undefined
  readonly icon?: ReactNode
  readonly disabled?: boolean
}

interface PickerProps {
  /** What is chosen: "Model". */
  readonly label: string
  readonly icon?: ReactNode
  /** What the chip says. */
  readonly text: string
  readonly groups: readonly { readonly title: string; readonly options: readonly PickerOption[] }[]
  readonly value: string
  readonly onChoose: (id: string) => void
  /** Shown when the list is long enough to be looked through. */
  readonly searchable?: boolean
  readonly disabled?: boolean
  readonly footer?: ReactNode
  readonly empty?: string
}

/** A quiet chip that opens a list to choose from; typing narrows it. */
export function Picker(props: PickerProps) {
  const { label, icon, text, value, onChoose, disabled = false, footer, searchable = false } = props
  const [open, setOpen] = useState(false)
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        disabled={disabled}
        aria-label={`${label}: ${text}`}
        className="inline-flex h-7 min-w-0 max-w-56 items-center gap-1.5 rounded-control px-2 text-xs font-medium text-ink-2 transition-colors duration-(--fast) hover:bg-hover hover:text-ink disabled:opacity-55 data-[state=open]:bg-hover pointer-coarse:h-10"
      >
        {icon}
        <span className="min-w-0 truncate">{text}</span>
        <ChevronDown className="size-3 shrink-0 opacity-70" aria-hidden="true" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          aria-label={label}
          className="z-50 flex max-h-[min(22rem,var(--radix-popover-content-available-height))] w-80 max-w-[calc(100vw-16px)] animate-fade flex-col overflow-hidden rounded-card border border-line bg-raised shadow-float"
        >
          <PickerList
            {...props}
            searchable={searchable}
            value={value}
            onChoose={(id) => {
              setOpen(false)
              onChoose(id)
            }}
          />
          {footer === undefined ? null : (
            <div className="border-t border-line px-3 py-2 text-xs text-ink-2">{footer}</div>
          )}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}

function PickerList({
  label,
  groups,
  value,
  onChoose,
  searchable,
  empty = 'Nothing is called that',
}: PickerProps) {
  const list = useId()
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const shown = groups
    .map(({ title, options }) => ({
      title,
      options: options.filter(({ label: name, note = '' }) =>
        `${name} ${note} ${title}`.toLowerCase().includes(wanted),
      ),
    }))
    .filter(({ options }) => options.length > 0)
  const flat = shown.flatMap(({ options }) => options)
  const [active, setActive] = useState(() =>
    Math.max(
      0,
      flat.findIndex(({ id }) => id === value),
    ),
  )
  const current = Math.min(active, flat.length - 1)
  const choose = (option: PickerOption | undefined) => {
    if (option !== undefined && option.disabled !== true) onChoose(option.id)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0 && flat.length > 0) setActive((current + step + flat.length) % flat.length)
    else if (event.key === 'Enter') choose(flat[current])
    else return
    event.preventDefault()
  }
  const combobox = {
    role: 'combobox',
    'aria-label': `Find: ${label}`,
    'aria-expanded': true,
    'aria-controls': list,
    'aria-activedescendant': flat.length > 0 ? `${list}-${current}` : undefined,
    onKeyDown,
  } as const
  return (
    <>
      <div className={searchable === true ? 'flex items-center gap-2 border-b border-line px-3' : 'sr-only'}>
        <Search className="size-4 shrink-0 text-ink-3" aria-hidden="true" />
        <input
          {...combobox}
          type="text"
          autoComplete="off"
          spellCheck={false}
          readOnly={searchable !== true}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setActive(0)
          }}
          placeholder="Search"
          className="h-9 w-full min-w-0 bg-transparent text-sm outline-none"
        />
      </div>
      <div id={list} role="listbox" aria-label={label} className="min-h-0 overflow-y-auto p-1">
        {flat.length === 0 ? (
          <p role="status" className="px-2 py-4 text-center text-sm text-ink-2">
            {empty}
          </p>
        ) : null}
        {shown.map(({ title, options }) => (
          // biome-ignore lint/a11y/useSemanticElements: a group of a listbox; a fieldset groups form fields.
          <div key={title} role="group" aria-label={title === '' ? label : title}>
            {title === '' ? null : (
              <div className="px-2 pb-0.5 pt-2 text-xs font-medium text-ink-3" aria-hidden="true">
                {title}
              </div>
            )}
            {options.map((option) => {
              const index = flat.indexOf(option)
              return (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard chooses in the text field (combobox pattern)
                <div
                  key={option.id}
                  id={`${list}-${index}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={index === current}
                  aria-disabled={option.disabled === true}
                  onMouseDown={(event) => event.preventDefault()}
                  onMouseMove={() => setActive(index)}
                  onClick={() => choose(option)}
                  className={classNames(
                    'flex min-h-8 cursor-default items-center gap-2 rounded-control px-2 py-1 text-sm aria-selected:bg-accent-wash pointer-coarse:min-h-11',
                    option.disabled === true && 'text-ink-2',
                  )}
                >
                  {option.icon}
                  <span className="min-w-0 flex-1 truncate">
                    <bdi>{option.label}</bdi>
                  </span>
                  {option.note === undefined ? null : (
                    <span className="max-w-[50%] truncate text-xs text-ink-2">{option.note}</span>
                  )}
                  <Check
                    className={classNames(
                      'size-3.5 shrink-0 text-accent',
                      option.id !== value && 'invisible',
                    )}
                    aria-hidden="true"
                  />
                </div>
              )
            })}
          </div>
        ))}
      </div>
    </>
  )
}
