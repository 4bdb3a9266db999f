import { Plus, X } from 'lucide-react'
import { type FormEvent, type ReactNode, useRef, useState } from 'react'

import { ScopePicker } from '../account/scope-picker.tsx'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, TextInput } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'
import { Section } from '../ui/page.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { type AppDraft, uriFault } from './app-draft.ts'

/** As many as the server takes, with the callback URL. */
const MAX_URIS = 33

interface AppFormProps {
  readonly draft: AppDraft
  readonly onChange: (draft: AppDraft) => void
  /** "Create app". */
  readonly verb: string
  /** "The app was not created". */
  readonly failure: string
  readonly busy: boolean
  readonly error: unknown
  readonly autoFocus: boolean
  readonly cancel: ReactNode
  readonly onSubmit: () => void
}

/** What an administrator says about an app (OA-15, OA-B9). */
export function AppForm(props: AppFormProps) {
  const { draft, onChange, verb, failure, busy, error, autoFocus, cancel, onSubmit } = props
  const online = useOnline()
  const form = useInvalidFocus(error)
  const [attempted, setAttempted] = useState(false)
  const missing = {
    name: draft.name.trim() === '',
    uri: draft.redirectUris.every(({ uri }) => uri.trim() === ''),
    // Without any it could ask for all of them.
    scopes: draft.scopes.length === 0,
  }
  const count = Object.values(missing).filter(Boolean).length
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (count > 0)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else if (!busy) onSubmit()
  }
  const faultOfName = attempted && missing.name ? 'The app needs a name.' : fieldError(error, 'name')
  const faultOfScopes =
    attempted && missing.scopes ? 'Choose at least one, or full access.' : fieldError(error, 'scope')
  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <ErrorNotice error={error} title={failure} />
      {attempted && count > 0 ? (
        <p role="alert" className="text-sm text-bad">
          {count === 1 ? 'One field needs a value.' : `${count} fields need a value.`}
        </p>
      ) : null}
      <Section title="App">
        <div className="flex flex-col gap-5">
          <Field
            label="Name"
            required
            error={faultOfName}
            help="Shown when people are asked for consent. At most 32 letters, digits and single hyphens."
          >
            {(field) => (
              <TextInput
                {...field}
                autoFocus={autoFocus}
                autoComplete="off"
                spellCheck={false}
                maxLength={32}
                placeholder="developer-portal"
                value={draft.name}
                onChange={(event) => onChange({ ...draft, name: event.target.value })}
              />
            )}
          </Field>
          <IconField
            label="Icon"
            value={draft.icon}
            error={fieldError(error, 'icon')}
            onChange={(icon) => onChange({ ...draft, icon })}
          />
        </div>
      </Section>
      <Section
        title="Redirect URIs"
        help="Where people may be sent back to. They must match exactly. The first one is used when the app names none."
      >
        <RedirectUris
          draft={draft}
          error={error}
          missing={attempted && missing.uri}
          onChange={(redirectUris) => onChange({ ...draft, redirectUris })}
        />
      </Section>
      <Section
        title="Scopes"
        help="What the app may ask people for. If it asks for nothing, it gets all of these."
      >
        <ScopePicker
          value={draft.scopes}
          onChange={(scopes) => onChange({ ...draft, scopes })}
          full={
            <p className="text-sm text-ink-2">
              The app may ask for everything that a person can do. If it needs less, choose presets or single
              actions.
            </p>
          }
        />
        {faultOfScopes === undefined ? null : (
          <p className="mt-3 text-xs text-bad first-letter:uppercase">{faultOfScopes}</p>
        )}
      </Section>
      <Section title="Consent">
        <div className="flex flex-col gap-5">
          <LabelledToggle
            kind="switch"
            label="Remember consent"
            help="People who have agreed to the same scopes before are not asked again."
            checked={draft.rememberConsent}
            onChange={(rememberConsent) => onChange({ ...draft, rememberConsent })}
          />
          <LabelledToggle
            kind="switch"
            label="Require pushed authorization requests"
            help="The app must send its requests to the server first (RFC 9126)."
            checked={draft.requirePushed}
            onChange={(requirePushed) => onChange({ ...draft, requirePushed })}
          />
        </div>
      </Section>
      <div className="flex justify-end gap-2">
        {cancel}
        <Button type="submit" tone="primary" busy={busy} disabled={!online}>
          {verb}
        </Button>
      </div>
    </form>
  )
}

function RedirectUris({
  draft,
  error,
  missing,
  onChange,
}: {
  readonly draft: AppDraft
  readonly error: unknown
  readonly missing: boolean
  readonly onChange: (uris: AppDraft['redirectUris']) => void
}) {
  const { redirectUris } = draft
  const list = useRef<HTMLUListElement>(null)
  const focusLast = () =>
    requestAnimationFrame(() => [...(list.current?.querySelectorAll('input') ?? [])].at(-1)?.focus())
  return (
    <div className="flex flex-col gap-3">
      <ul ref={list} className="flex flex-col gap-3">
        {redirectUris.map(({ key, uri }, index) => (
          <li key={key} className="flex items-end gap-1">
            <div className="min-w-0 flex-1">
              <Field
                label={index === 0 ? 'Callback URL' : `Redirect URI ${index + 1}`}
                required={index === 0}
                error={
                  index === 0 && missing ? 'The app needs at least one address.' : uriFault(draft, key, error)
                }
              >
                {(field) => (
                  <TextInput
                    {...field}
                    inputMode="url"
                    autoComplete="off"
                    autoCapitalize="off"
                    spellCheck={false}
                    className="font-mono"
                    placeholder={index === 0 ? 'https://portal.example.com/callback' : 'myapp://callback'}
                    value={uri}
                    onChange={(event) =>
                      onChange(
                        redirectUris.map((one) => (one.key === key ? { key, uri: event.target.value } : one)),
                      )
                    }
                  />
                )}
              </Field>
            </div>
            {redirectUris.length === 1 ? null : (
              <Button
                tone="quiet"
                size="icon"
                aria-label={index === 0 ? 'Remove the callback URL' : `Remove redirect URI ${index + 1}`}
                title="Remove"
                className="self-start translate-y-[25px] pointer-coarse:translate-y-[25px]"
                onClick={() => {
                  onChange(redirectUris.filter((one) => one.key !== key))
                  focusLast()
                }}
                icon={<X className="size-4" strokeWidth={1.75} />}
              />
            )}
          </li>
        ))}
      </ul>
      <div>
        <Button
          size="dense"
          disabled={redirectUris.length >= MAX_URIS}
          onClick={() => {
            const key = Math.max(...redirectUris.map((one) => one.key)) + 1
            onChange([...redirectUris, { key, uri: '' }])
            focusLast()
          }}
          icon={<Plus className="size-3.5" aria-hidden="true" />}
        >
          Add another
        </Button>
      </div>
      <p className="text-xs text-ink-2">
        https, http to this machine (localhost, 127.0.0.1, [::1]), or a scheme of the app's own.
      </p>
    </div>
  )
}
