import type { ReactNode } from 'react'

import { Button } from '../ui/button.tsx'
import { Field, Mark, PasswordInput, Select, TextInput } from '../ui/form.tsx'
import type { SecretDraft } from './gateway-draft.ts'

/** A whole number with its unit beside it. */
export function NumberField({
  label,
  help,
  unit,
  value,
  placeholder,
  error,
  onChange,
}: {
  readonly label: string
  readonly help?: ReactNode
  readonly unit?: string
  readonly value: string
  /** What an empty field means. */
  readonly placeholder?: string
  readonly error: string | undefined
  readonly onChange: (text: string) => void
}) {
  return (
    <Field label={label} help={help} error={error}>
      {(field) => (
        <div className="flex items-center gap-2">
          <div className="w-32 min-w-0">
            <TextInput
              {...field}
              inputMode="numeric"
              autoComplete="off"
              placeholder={placeholder}
              className="tabular-nums"
              value={value}
              onChange={(event) => onChange(event.target.value)}
            />
          </div>
          {unit === undefined ? null : <span className="text-sm text-ink-2">{unit}</span>}
        </div>
      )}
    </Field>
  )
}

/** An amount in dollars. */
export function AmountField({
  label,
  help,
  value,
  placeholder,
  error,
  autoFocus = false,
  onChange,
}: {
  readonly label: string
  readonly help?: ReactNode
  readonly value: string
  readonly placeholder?: string
  readonly error: string | undefined
  readonly autoFocus?: boolean
  readonly onChange: (text: string) => void
}) {
  return (
    <Field label={label} help={help} error={error}>
      {(field) => (
        <div className="relative w-40 max-w-full">
          <span
            className="pointer-events-none absolute left-2.5 top-1/2 -translate-y-1/2 text-sm text-ink-3"
            aria-hidden="true"
          >
            $
          </span>
          <TextInput
            {...field}
            autoFocus={autoFocus}
            inputMode="decimal"
            autoComplete="off"
            placeholder={placeholder}
            className="pl-6 tabular-nums"
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        </div>
      )}
    </Field>
  )
}

/** One of a few that each need a sentence. */
export function ChoiceField<Value extends string>({
  label,
  help,
  value,
  options,
  error,
  onChange,
}: {
  readonly label: string
  /** About what is chosen. */
  readonly help?: ReactNode
  readonly value: Value
  readonly options: readonly { readonly value: Value; readonly label: string }[]
  readonly error?: string | undefined
  readonly onChange: (value: Value) => void
}) {
  return (
    <Field label={label} help={help} error={error}>
      {(field) => (
        <div className="w-64 max-w-full">
          <Select
            {...field}
            value={value}
            options={options}
            onChange={(event) => {
              const chosen = options.find((option) => option.value === event.target.value)
              if (chosen !== undefined) onChange(chosen.value)
            }}
          />
        </div>
      )}
    </Field>
  )
}

/** A secret that nobody reads back: it is there or not, is replaced or removed. */
export function SecretField({
  label,
  help,
  value,
  error,
  onChange,
}: {
  readonly label: string
  readonly help: ReactNode
  readonly value: SecretDraft
  readonly error: string | undefined
  readonly onChange: (value: SecretDraft) => void
}) {
  if (value.change === 'replace')
    return (
      <Field label={label} help={help} error={error}>
        {(field) => (
          <div className="flex items-center gap-2">
            <div className="min-w-0 flex-1">
              <PasswordInput
                {...field}
                autoFocus
                autoComplete="off"
                className="font-mono"
                value={value.text}
                onChange={(event) => onChange({ ...value, text: event.target.value })}
              />
            </div>
            <Button onClick={() => onChange({ ...value, change: 'keep', text: '' })}>Cancel</Button>
          </div>
        )}
      </Field>
    )
  const there = value.set && value.change === 'keep'
  return (
    <div className="flex flex-col gap-1.5">
      <div className="flex flex-wrap items-center gap-2">
        <span className="text-sm font-medium">{label}</span>
        <Mark>{there ? 'Set' : value.change === 'remove' ? 'Goes when you save' : 'Not set'}</Mark>
      </div>
      <div className="flex flex-wrap gap-2">
        <Button size="dense" onClick={() => onChange({ ...value, change: 'replace', text: '' })}>
          {there ? 'Replace' : 'Set a secret'}
        </Button>
        {there ? (
          <Button size="dense" onClick={() => onChange({ ...value, change: 'remove' })}>
            Remove
          </Button>
        ) : value.change === 'remove' ? (
          <Button size="dense" onClick={() => onChange({ ...value, change: 'keep' })}>
            Keep it
          </Button>
        ) : null}
      </div>
      <div className="text-xs text-ink-2">{help}</div>
    </div>
  )
}
