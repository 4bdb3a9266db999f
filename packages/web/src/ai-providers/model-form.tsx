import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'

import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, Select, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { fromKnown, knownModels, type ModelDraft, modelFaults } from './model-draft.ts'
import { ModelOptions } from './model-options.tsx'
import { providerKind } from './provider-types.ts'
import { providersQuery } from './queries.ts'

interface ModelFormProps {
  readonly draft: ModelDraft
  readonly onChange: (patch: Partial<ModelDraft>) => void
  /** It is there already. */
  readonly stored: boolean
  /** The one there is stays the default until another one is made it. */
  readonly isDefault: boolean
  readonly verb: string
  readonly failure: string
  readonly busy: boolean
  readonly error: unknown
  readonly cancel: ReactNode
  readonly onSubmit: () => void
}

/** What agents have to know about a model (UI-1303). */
export function ModelForm(props: ModelFormProps) {
  const { draft, onChange, stored, isDefault, verb, failure, busy, error, cancel, onSubmit } = props
  const online = useOnline()
  const form = useInvalidFocus(error)
  const [attempted, setAttempted] = useState(false)
  const providers = useQuery(providersQuery).data ?? []
  const provider = providers.find(({ id }) => id === draft.provider)
  const known = knownModels(provider?.type)
  const faults = modelFaults(draft)
  const count = Object.keys(faults).length
  const fault = (name: string) => (attempted ? faults[name] : undefined) ?? fieldError(error, name)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (count > 0)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else if (!busy) onSubmit()
  }
  const text = (
    name: 'model' | 'display_name' | 'context_limit' | 'compression_threshold',
    label: string,
    help: string,
    more: { readonly mono?: boolean; readonly number?: boolean; readonly optional?: boolean } = {},
  ) => (
    <Field label={label} required={more.optional !== true} error={fault(name)} help={help}>
      {(field) => (
        <TextInput
          {...field}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          inputMode={more.number === true ? 'numeric' : 'text'}
          className={more.mono === true ? 'font-mono' : more.number === true ? 'tabular-nums' : ''}
          value={draft[name]}
          onChange={(event) => onChange({ [name]: event.target.value })}
        />
      )}
    </Field>
  )
  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <ErrorNotice error={error} title={failure} />
      {attempted && count > 0 ? (
        <p role="alert" className="text-sm text-bad">
          {count === 1 ? 'One field needs another value.' : `${count} fields need another value.`}
        </p>
      ) : null}
      <Section title="Model">
        <div className="flex flex-col gap-5">
          <Field label="Provider" required error={fault('ai_provider_id')}>
            {(field) => (
              <Select
                {...field}
                prompt="Choose a provider"
                value={draft.provider}
                options={providers
                  .filter(({ type, id }) => providerKind(type).forAgents || id === draft.provider)
                  .map(({ id, display_name: name, enabled }) => ({
                    value: id,
                    label: enabled ? name : `${name} (off)`,
                    disabled: !enabled && id !== draft.provider,
                  }))}
                onChange={(event) => onChange({ provider: event.target.value })}
              />
            )}
          </Field>
          {known.length === 0 || stored ? null : (
            <div>
              <div className="mb-1.5 text-xs text-ink-2" id="known-models">
                Start from a known model
              </div>
              <ul aria-labelledby="known-models" className="flex flex-wrap gap-1.5">
                {known.map((one) => (
                  <li key={one.model}>
                    <button
                      type="button"
                      aria-pressed={draft.model === one.model}
                      onClick={() => onChange(fromKnown(draft, one))}
                      className="inline-flex h-7 items-center rounded-control border border-line-strong px-2 text-xs font-medium text-ink-2 hover:bg-hover hover:text-ink aria-pressed:border-accent aria-pressed:bg-accent-wash aria-pressed:text-accent pointer-coarse:h-10"
                    >
                      {one.name}
                    </button>
                  </li>
                ))}
              </ul>
            </div>
          )}
          <div className="grid gap-5 sm:grid-cols-2">
            {text('model', 'Model id', 'As the provider calls it.', { mono: true })}
            {text('display_name', 'Display name', 'Shown to people. Leave empty to use the id.', {
              optional: true,
            })}
          </div>
          <div className="grid gap-5 sm:grid-cols-2">
            {text('context_limit', 'Context window', 'In tokens, input and answer together.', {
              number: true,
            })}
            {text(
              'compression_threshold',
              'Compact at',
              'Percent of the context window at which a chat is summarized; 100 means never.',
              { number: true },
            )}
          </div>
          <LabelledToggle
            kind="switch"
            label="On"
            help="While it is off, nobody can choose it."
            checked={draft.enabled}
            onChange={(enabled) => onChange({ enabled })}
          />
          <LabelledToggle
            kind="switch"
            label="Default"
            help={
              isDefault
                ? 'This is the default. To change that, make another model the default.'
                : 'New chats use it unless another one is chosen.'
            }
            checked={draft.is_default}
            disabled={isDefault}
            onChange={(is_default) => onChange({ is_default })}
          />
        </div>
      </Section>
      <ModelOptions draft={draft} onChange={onChange} fault={fault} type={provider?.type} />
      <div className="flex justify-end gap-2">
        {cancel}
        <Button type="submit" tone="primary" busy={busy} disabled={!online}>
          {verb}
        </Button>
      </div>
    </form>
  )
}
