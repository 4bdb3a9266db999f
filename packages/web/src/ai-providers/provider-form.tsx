import { type FormEvent, type ReactNode, useState } from 'react'

import type { AIProvider } from '@slipway/contract'
import { fieldError, statusOf } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, TextInput } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'
import { Section } from '../ui/page.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { AwsFields } from './aws-fields.tsx'
import { KeyFields } from './key-fields.tsx'
import { type ProviderDraft, providerFaults } from './provider-draft.ts'
import { providerKind } from './provider-types.ts'

interface ProviderFormProps {
  readonly draft: ProviderDraft
  readonly onChange: (patch: Partial<ProviderDraft>) => void
  readonly stored: AIProvider | undefined
  readonly verb: string
  readonly failure: string
  readonly busy: boolean
  readonly error: unknown
  readonly notice?: ReactNode
  readonly cancel: ReactNode
  readonly onSubmit: () => void
}

/** What an administrator says about a provider; the fields are those that its type needs (UI-1303). */
export function ProviderForm(props: ProviderFormProps) {
  const { draft, onChange, stored, verb, failure, busy, error, notice, cancel, onSubmit } = props
  const online = useOnline()
  const form = useInvalidFocus(error)
  const [attempted, setAttempted] = useState(false)
  const kind = providerKind(draft.type)
  const faults = providerFaults(draft)
  const count = Object.keys(faults).length
  const taken =
    stored === undefined && statusOf(error) === 409 ? 'Another provider has this name.' : undefined
  const fault = (name: string) =>
    (attempted ? faults[name] : undefined) ?? fieldError(error, name) ?? (name === 'name' ? taken : undefined)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (count > 0)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else if (!busy) onSubmit()
  }
  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <ErrorNotice error={error} title={failure} />
      {attempted && count > 0 ? (
        <p role="alert" className="text-sm text-bad">
          {count === 1 ? 'One field needs a value.' : `${count} fields need a value.`}
        </p>
      ) : null}
      {kind.credentials === 'keys' ? (
        <KeyFields draft={draft} onChange={onChange} error={error} />
      ) : kind.credentials === 'aws' ? (
        <AwsFields
          aws={draft.aws}
          onChange={(patch) => onChange({ aws: { ...draft.aws, ...patch } })}
          stored={stored}
          fault={fault}
        />
      ) : null}
      <Section title="Provider">
        <div className="flex flex-col gap-5">
          <Field label="Base URL" required error={fault('base_url')} help={kind.baseHelp}>
            {(field) => (
              <TextInput
                {...field}
                inputMode="url"
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                className="font-mono"
                placeholder={kind.basePlaceholder}
                value={draft.base_url}
                onChange={(event) => onChange({ base_url: event.target.value })}
              />
            )}
          </Field>
          <div className="grid gap-5 sm:grid-cols-2">
            <Field
              label="Name"
              required
              error={fault('name')}
              help={
                stored === undefined
                  ? 'Part of its address at the gateway. It cannot be changed later.'
                  : 'Part of its address at the gateway, so it cannot be changed.'
              }
            >
              {(field) => (
                <TextInput
                  {...field}
                  autoComplete="off"
                  autoCapitalize="off"
                  spellCheck={false}
                  readOnly={stored !== undefined}
                  className="font-mono"
                  value={draft.name}
                  onChange={(event) => onChange({ name: event.target.value })}
                />
              )}
            </Field>
            <Field
              label="Display name"
              error={fault('display_name')}
              help="Shown to people. Leave empty to use the name."
            >
              {(field) => (
                <TextInput
                  {...field}
                  autoComplete="off"
                  value={draft.display_name}
                  onChange={(event) => onChange({ display_name: event.target.value })}
                />
              )}
            </Field>
          </div>
          <IconField
            label="Icon"
            value={draft.icon}
            error={fault('icon')}
            onChange={(icon) => onChange({ icon })}
          />
          {stored === undefined ? (
            <LabelledToggle
              kind="switch"
              label="On"
              help="While it is off, nobody can use it."
              checked={draft.enabled}
              onChange={(enabled) => onChange({ enabled })}
            />
          ) : null}
        </div>
      </Section>
      {notice}
      <div className="flex justify-end gap-2">
        {cancel}
        <Button type="submit" tone="primary" busy={busy} disabled={!online}>
          {verb}
        </Button>
      </div>
    </form>
  )
}
