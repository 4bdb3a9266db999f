import { type FormEvent, useRef, useState } from 'react'

import { describeError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, Mark, TextArea, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import {
  byteLength,
  MAX_VALUE_BYTES,
  type SecretDraft,
  type SecretField,
  secretFaults,
} from './secret-rules.ts'

/** What a form of a secret holds. */
export interface SecretValues {
  readonly name: string
  readonly value: string
  readonly description: string
  readonly envName: string
  readonly filePath: string
  readonly enabled: boolean
}

interface SecretFormProps {
  readonly title: string
  readonly initial: SecretValues
  /** An existing secret: its name stays, and so does its value unless a new one is given (ID-198). */
  readonly existing: boolean
  readonly verb: string
  readonly busy: boolean
  readonly error: unknown
  readonly onSubmit: (values: SecretValues) => void
}

/** The fields of a secret; the rules of ID-195 and ID-196 show as they are broken. */
export function SecretForm({ title, initial, existing, verb, busy, error, onSubmit }: SecretFormProps) {
  const online = useOnline()
  const form = useRef<HTMLFormElement>(null)
  const [values, setValues] = useState(initial)
  const [attempted, setAttempted] = useState(false)
  const [edited, setEdited] = useState<ReadonlySet<SecretField>>(new Set())
  const change = (patch: Partial<SecretValues>, ...fields: readonly SecretField[]) => {
    setValues({ ...values, ...patch })
    setEdited(new Set([...edited, ...fields]))
  }
  const draft: SecretDraft = {
    name: values.name.trim(),
    value: existing && values.value === '' ? undefined : values.value,
    envName: values.envName.trim(),
    filePath: values.filePath.trim(),
    enabled: values.enabled,
  }
  const faults = secretFaults(draft)
  const refused = describeError(error ?? undefined).validations
  const fault = (field: SecretField) => {
    // Rules show as soon as they are broken; that something is missing, only once it was tried.
    const own = attempted || (edited.has(field) && !isMissing(field, draft)) ? faults[field] : undefined
    return own ?? refused.find((one) => one.field === field)?.detail
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (Object.keys(faults).length === 0) {
      if (!busy) onSubmit({ ...values, ...draft, value: values.value })
    } else
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  }
  const count = Object.keys(faults).length
  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <ErrorNotice error={error} title="The secret was not saved" />
      {attempted && count > 0 ? (
        <p role="alert" className="text-sm text-bad">
          {count === 1 ? 'One field needs another value.' : `${count} fields need another value.`}
        </p>
      ) : null}
      <Section title={title}>
        <div className="flex flex-col gap-5">
          {existing ? null : (
            <Field
              label="Name"
              error={fault('name')}
              help="So that you recognize it here. It cannot be changed later."
            >
              {(field) => (
                <TextInput
                  {...field}
                  autoFocus
                  autoComplete="off"
                  spellCheck={false}
                  placeholder="npm-token"
                  value={values.name}
                  onChange={(event) => change({ name: event.target.value }, 'name')}
                />
              )}
            </Field>
          )}
          <Field
            label={existing ? 'New value' : 'Value'}
            marks={existing ? <Mark>optional</Mark> : null}
            error={fault('value')}
            help={valueHelp(values.value, existing)}
          >
            {(field) => (
              <TextArea
                {...field}
                data-private
                rows={4}
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                className="font-mono [-webkit-text-security:disc] focus:[-webkit-text-security:none]"
                value={values.value}
                onChange={(event) => change({ value: event.target.value }, 'value')}
              />
            )}
          </Field>
          <Field label="Description" marks={<Mark>optional</Mark>}>
            {(field) => (
              <TextInput
                {...field}
                autoComplete="off"
                maxLength={4096}
                value={values.description}
                onChange={(event) => change({ description: event.target.value })}
              />
            )}
          </Field>
        </div>
      </Section>
      <Section title="In workspaces" help="As a variable, a file, or both.">
        <div className="flex flex-col gap-5">
          <Field label="Variable" error={fault('env_name')} help="An environment variable such as NPM_TOKEN.">
            {(field) => (
              <TextInput
                {...field}
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                className="font-mono"
                placeholder="NPM_TOKEN"
                value={values.envName}
                onChange={(event) => change({ envName: event.target.value }, 'env_name', 'enabled')}
              />
            )}
          </Field>
          <Field
            label="File"
            error={fault('file_path')}
            help="A path that starts with ~/ or /, such as ~/.npmrc."
          >
            {(field) => (
              <TextInput
                {...field}
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                className="font-mono"
                placeholder="~/.npmrc"
                value={values.filePath}
                onChange={(event) => change({ filePath: event.target.value }, 'file_path', 'enabled')}
              />
            )}
          </Field>
          <div className="flex flex-col gap-1">
            <LabelledToggle
              kind="switch"
              label="On"
              help="Workspaces get it the next time they start."
              checked={values.enabled}
              onChange={(enabled) => change({ enabled }, 'enabled')}
            />
            {fault('enabled') === undefined ? null : (
              <p className="pl-10.5 text-xs text-bad first-letter:uppercase">{fault('enabled')}</p>
            )}
          </div>
        </div>
      </Section>
      <div className="flex justify-end gap-2">
        <AppLink href={paths.settings('secrets')} className={buttonClass({})}>
          Cancel
        </AppLink>
        <Button type="submit" tone="primary" busy={busy} disabled={!online}>
          {verb}
        </Button>
      </div>
    </form>
  )
}

function isMissing(field: SecretField, draft: SecretDraft): boolean {
  return (
    (field === 'name' && draft.name === '') ||
    (field === 'value' && (draft.value ?? '') === '') ||
    field === 'enabled'
  )
}

function valueHelp(value: string, existing: boolean): string {
  if (value === '')
    return existing
      ? 'Leave empty to keep the current value, which cannot be shown.'
      : 'Encrypted if the deployment has encryption keys. It cannot be shown again.'
  return `${byteLength(value).toLocaleString('en')} of ${MAX_VALUE_BYTES.toLocaleString('en')} bytes`
}
