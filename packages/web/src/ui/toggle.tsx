import { Check } from 'lucide-react'
import { Checkbox as CheckboxPrimitive, Switch as SwitchPrimitive } from 'radix-ui'
import { type ReactNode, useId } from 'react'

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
