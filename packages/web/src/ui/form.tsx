import { ChevronDown, Eye, EyeOff } from 'lucide-react'
import { type ComponentProps, type FormEvent, type ReactNode, useEffect, useId, useState } from 'react'

import { classNames } from './class-names.ts'
import { type Constrained, constraintFault } from './constraint-fault.ts'

export { Checkbox, LabelledToggle, Switch } from './toggle.tsx'

/** What a control needs to be tied to its label, help and error. */
export interface FieldBinding {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': true | undefined
  readonly required: boolean | undefined
}

interface FieldProps {
  readonly label: ReactNode
  readonly help?: ReactNode
  readonly error?: string | undefined
  readonly required?: boolean
  /** Marks to the right of the label: "optional", "immutable", … */
  readonly marks?: ReactNode
  readonly children: (binding: FieldBinding) => ReactNode
}

/**
 * Label above, help below, error in the place of help. What the browser finds wrong when the form is sent is said here as
 * well, and not in a bubble of its own; it goes as soon as it is right (UI-504).
 */
export function Field({ label, help, error: given, required, marks, children }: FieldProps) {
  const id = useId()
  const note = `${id}-note`
  const [refused, setRefused] = useState<{ readonly control: Constrained; readonly text: string }>()
  const error = given ?? refused?.text
  // Values come from elsewhere, too: a name that follows from an address.
  useEffect(() => {
    if (refused?.control.validity.valid === true) setRefused(undefined)
  })
  // After its error stands there, so that it is read out with it.
  useEffect(() => {
    if (refused !== undefined && isFirstInvalid(refused.control)) refused.control.focus()
  }, [refused])
  const onInvalid = (event: FormEvent<HTMLDivElement>) => {
    const control = event.target
    if (!isConstrained(control) || control.id !== id) return
    event.preventDefault()
    setRefused({ control, text: constraintFault(control) })
  }
  const hasNote = error !== undefined || (help !== undefined && help !== '')
  return (
    <div
      className="flex min-w-0 flex-col gap-1.5"
      onInvalidCapture={onInvalid}
      onInput={() => (refused?.control.validity.valid === true ? setRefused(undefined) : undefined)}
    >
      <div className="flex flex-wrap items-center gap-2">
        <label id={`${id}-label`} htmlFor={id} className="text-sm font-medium">
          {label}
        </label>
        {marks}
      </div>
      {children({
        id,
        'aria-describedby': hasNote ? note : undefined,
        'aria-invalid': error === undefined ? undefined : true,
        required,
      })}
      {hasNote ? (
        <div
          id={note}
          className={classNames(
            'text-xs',
            error === undefined ? 'text-ink-2' : 'text-bad first-letter:uppercase',
          )}
        >
          {error ?? help}
        </div>
      ) : null}
    </div>
  )
}

function isConstrained(target: EventTarget): target is Constrained {
  return (
    target instanceof HTMLInputElement ||
    target instanceof HTMLSelectElement ||
    target instanceof HTMLTextAreaElement
  )
}

/** Of all fields of a form that are wrong, the topmost takes the focus. */
function isFirstInvalid(control: Constrained): boolean {
  const { form } = control
  if (form === null) return true
  return [...form.elements].find((one) => isConstrained(one) && !one.validity.valid) === control
}

/** A small word beside a label. */
export function Mark({ children }: { readonly children: ReactNode }) {
  return (
    <span className="max-w-full truncate rounded-sm border border-line px-1 py-px text-[11px] leading-4 text-ink-2">
      {children}
    </span>
  )
}

const CONTROL = classNames(
  'w-full min-w-0 rounded-control border border-line-strong bg-surface px-2.5 text-base text-ink sm:text-sm',
  'transition-colors duration-(--fast) hover:border-ink-3 disabled:bg-bg disabled:text-ink-2',
  'focus-visible:outline-offset-0 aria-invalid:border-bad [&[readonly]]:bg-bg',
)

export function TextInput({ className, ...rest }: ComponentProps<'input'>) {
  return <input type="text" {...rest} className={classNames(CONTROL, 'h-8 pointer-coarse:h-10', className)} />
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea rows={4} {...rest} className={classNames(CONTROL, 'py-1.5', className)} />
}

/** A password field whose value can be shown. */
export function PasswordInput({ className, ...rest }: ComponentProps<'input'>) {
  const [shown, setShown] = useState(false)
  return (
    <div className="relative">
      <TextInput
        spellCheck={false}
        data-private
        {...rest}
        type={shown ? 'text' : 'password'}
        className={classNames('pr-9', className)}
      />
      <button
        type="button"
        onClick={() => setShown(!shown)}
        aria-pressed={shown}
        aria-label={shown ? 'Hide the value' : 'Show the value'}
        className="absolute inset-y-0 right-0 inline-flex w-9 items-center justify-center text-ink-3 hover:text-ink"
      >
        {shown ? <EyeOff className="size-4" /> : <Eye className="size-4" />}
      </button>
    </div>
  )
}

interface SelectProps extends ComponentProps<'select'> {
  readonly options: readonly { readonly value: string; readonly label: string; readonly disabled?: boolean }[]
  /** First entry that stands for "nothing chosen yet". */
  readonly prompt?: string
}

/** The platform's own select: right on every device and with every assistive software. */
export function Select({ options, prompt, className, ...rest }: SelectProps) {
  return (
    <div className="relative min-w-0">
      <select
        {...rest}
        className={classNames(CONTROL, 'h-8 appearance-none truncate pr-8 pointer-coarse:h-10', className)}
      >
        {prompt === undefined ? null : (
          <option value="" disabled>
            {prompt}
          </option>
        )}
        {options.map((option) => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.label}
          </option>
        ))}
      </select>
      <ChevronDown
        className="pointer-events-none absolute right-2.5 top-1/2 size-4 -translate-y-1/2 text-ink-3"
        aria-hidden="true"
      />
    </div>
  )
}
