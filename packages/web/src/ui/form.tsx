import { Check, ChevronDown, Eye, EyeOff } from 'lucide-react'
import { Checkbox as CheckboxPrimitive, Switch as SwitchPrimitive } from 'radix-ui'
import { type ComponentProps, type ReactNode, useId, useState } from 'react'

import { classNames } from './class-names.ts'

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

/** Label above, help below, error in the place of help. */
export function Field({ label, help, error, required, marks, children }: FieldProps) {
  const id = useId()
  const note = `${id}-note`
  const hasNote = error !== undefined || (help !== undefined && help !== '')
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
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

/** A small word beside a label. */
export function Mark({ children }: { readonly children: ReactNode }) {
  return (
    <span className="whitespace-nowrap rounded-sm border border-line px-1 py-px text-[11px] leading-4 text-ink-2">
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

interface ToggleProps {
  readonly id?: string
  readonly checked: boolean | 'indeterminate'
  readonly onChange: (checked: boolean) => void
  readonly disabled?: boolean
  readonly label?: string
}

/** A check mark for "one of several" or "I agree". Without a label beside it, `label` names it. */
export function Checkbox({ id, checked, onChange, disabled = false, label }: ToggleProps) {
  return (
    <CheckboxPrimitive.Root
      {...(id === undefined ? {} : { id })}
      {...(label === undefined ? {} : { 'aria-label': label })}
      checked={checked}
      disabled={disabled}
      onCheckedChange={(next) => onChange(next === true)}
      className="relative inline-flex size-4 shrink-0 items-center justify-center rounded-sm border border-ink-3 align-middle bg-surface before:absolute before:-inset-2 hover:border-ink-2 disabled:opacity-55 data-[state=checked]:border-accent data-[state=checked]:bg-accent data-[state=indeterminate]:border-accent data-[state=indeterminate]:bg-accent"
    >
      <CheckboxPrimitive.Indicator className="text-accent-ink">
        {checked === 'indeterminate' ? (
          <span className="block h-0.5 w-2 rounded-full bg-current" />
        ) : (
          <Check className="size-3" strokeWidth={3} />
        )}
      </CheckboxPrimitive.Indicator>
    </CheckboxPrimitive.Root>
  )
}

/** On or off, at once. */
export function Switch({ id, checked, onChange, disabled = false, label }: ToggleProps) {
  return (
    <SwitchPrimitive.Root
      {...(id === undefined ? {} : { id })}
      {...(label === undefined ? {} : { 'aria-label': label })}
      checked={checked === true}
      disabled={disabled}
      onCheckedChange={onChange}
      className="relative inline-flex h-[18px] w-8 shrink-0 items-center rounded-full border border-ink-3 bg-ink-3 transition-colors duration-(--fast) before:absolute before:-inset-2 disabled:opacity-55 data-[state=checked]:border-accent data-[state=checked]:bg-accent"
    >
      <SwitchPrimitive.Thumb className="block size-3.5 translate-x-px rounded-full bg-surface transition-transform duration-(--fast) data-[state=checked]:translate-x-[15px]" />
    </SwitchPrimitive.Root>
  )
}

/** A checkbox or switch with its sentence to the right. */
export function LabelledToggle({
  kind,
  label,
  help,
  ...toggle
}: Omit<ToggleProps, 'id' | 'label'> & {
  readonly kind: 'checkbox' | 'switch'
  readonly label: ReactNode
  readonly help?: ReactNode
}) {
  const id = useId()
  return (
    <div className="flex items-start gap-2.5">
      <span className="flex h-[21px] items-center">
        {kind === 'switch' ? <Switch id={id} {...toggle} /> : <Checkbox id={id} {...toggle} />}
      </span>
      <div className="min-w-0">
        <label htmlFor={id} className="text-sm font-medium">
          {label}
        </label>
        {help === undefined ? null : <p className="text-xs text-ink-2">{help}</p>}
      </div>
    </div>
  )
}
