import { type FormEvent, type ReactNode, useState } from 'react'

import type { TestMCPServerConfigResponse } from '@slipway/contract'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, Mark, Select, TextInput } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'
import { Section } from '../ui/page.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import type { ServerDraft } from './server-draft.ts'
import { AVAILABILITIES, TRANSPORTS } from './server-words.ts'
import { SignInFields, type StoredSecrets } from './sign-in-fields.tsx'
import { ToolFields } from './tool-fields.tsx'

interface ServerFormProps {
  readonly draft: ServerDraft
  readonly onChange: (patch: Partial<ServerDraft>) => void
  readonly stored: StoredSecrets | undefined
  /** What the server offered when it was last tested. */
  readonly tools: TestMCPServerConfigResponse['tools'] | undefined
  readonly verb: string
  readonly failure: string
  readonly busy: boolean
  readonly error: unknown
  /** Stands above the buttons: what saving brings about. */
  readonly notice?: ReactNode
  readonly cancel: ReactNode
  readonly onSubmit: () => void
}

/** Fields without which there is no server. */
const NEEDED = {
  display_name: 'The server needs a name.',
  slug: 'Its tools need a prefix.',
  url: 'The server needs an address.',
} as const

/** What an administrator says about an MCP server (OA-103). */
export function ServerForm(props: ServerFormProps) {
  const { draft, onChange, stored, tools, verb, failure, busy, error, notice, cancel, onSubmit } = props
  const online = useOnline()
  const form = useInvalidFocus(error)
  const [attempted, setAttempted] = useState(false)
  const fault = (name: keyof typeof NEEDED) =>
    attempted && draft[name].trim() === '' ? NEEDED[name] : fieldError(error, name)
  const missing = [draft.display_name, draft.slug, draft.url].filter((text) => text.trim() === '').length
  const toolFields = <ToolFields draft={draft} onChange={onChange} tools={tools} error={error} />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (missing > 0)
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    else if (!busy) onSubmit()
  }
  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <ErrorNotice error={error} title={failure} />
      {attempted && missing > 0 ? (
        <p role="alert" className="text-sm text-bad">
          {missing === 1 ? 'One field needs a value.' : `${missing} fields need a value.`}
        </p>
      ) : null}
      {/* Beside the test, where there is one. */}
      {stored === undefined ? null : toolFields}
      <Section title="Server">
        <div className="flex flex-col gap-5">
          <div className="grid gap-5 sm:grid-cols-2">
            <Field label="Name" required error={fault('display_name')}>
              {(field) => (
                <TextInput
                  {...field}
                  autoFocus={stored === undefined}
                  autoComplete="off"
                  maxLength={128}
                  placeholder="Issue tracker"
                  value={draft.display_name}
                  onChange={(event) => onChange({ display_name: event.target.value })}
                />
              )}
            </Field>
            <Field
              label="Slug"
              required
              error={fault('slug')}
              help="Prefix of its tools’ names; unique in the organization."
            >
              {(field) => (
                <TextInput
                  {...field}
                  autoComplete="off"
                  autoCapitalize="off"
                  spellCheck={false}
                  maxLength={64}
                  className="font-mono"
                  placeholder="issue-tracker"
                  value={draft.slug}
                  onChange={(event) => onChange({ slug: event.target.value })}
                />
              )}
            </Field>
          </div>
          <Field label="URL" required error={fault('url')} help="Its MCP endpoint.">
            {(field) => (
              <TextInput
                {...field}
                inputMode="url"
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                className="font-mono"
                placeholder="https://mcp.example.com/mcp"
                value={draft.url}
                onChange={(event) => onChange({ url: event.target.value })}
              />
            )}
          </Field>
          <div className="grid gap-5 sm:grid-cols-2">
            <Field label="Transport" error={fieldError(error, 'transport')}>
              {(field) => (
                <Select
                  {...field}
                  options={TRANSPORTS}
                  value={draft.transport}
                  onChange={(event) =>
                    onChange({ transport: event.target.value === 'sse' ? 'sse' : 'streamable_http' })
                  }
                />
              )}
            </Field>
            <IconField
              label="Icon"
              value={draft.icon_url}
              error={fieldError(error, 'icon_url')}
              onChange={(icon_url) => onChange({ icon_url })}
            />
          </div>
          <Field
            label="Description"
            marks={<Mark>optional</Mark>}
            error={fieldError(error, 'description')}
            help="Shown when people choose servers for a chat."
          >
            {(field) => (
              <TextInput
                {...field}
                autoComplete="off"
                maxLength={4096}
                value={draft.description}
                onChange={(event) => onChange({ description: event.target.value })}
              />
            )}
          </Field>
        </div>
      </Section>
      <SignInFields draft={draft} onChange={onChange} stored={stored} error={error} />
      <Section title="In chats">
        <div className="flex flex-col gap-5">
          <LabelledToggle
            kind="switch"
            label="On"
            help="While it is off, nobody can use it and it is not checked."
            checked={draft.enabled}
            onChange={(enabled) => onChange({ enabled })}
          />
          <Field
            label="Availability"
            help={AVAILABILITIES.find(({ value }) => value === draft.availability)?.about}
          >
            {(field) => (
              <div className="sm:max-w-64">
                <Select
                  {...field}
                  options={AVAILABILITIES}
                  value={draft.availability}
                  onChange={(event) => {
                    const chosen = AVAILABILITIES.find(({ value }) => value === event.target.value)
                    if (chosen !== undefined) onChange({ availability: chosen.value })
                  }}
                />
              </div>
            )}
          </Field>
          <LabelledToggle
            kind="checkbox"
            label="Available in plan mode"
            help="For servers whose tools do not change anything."
            checked={draft.allow_in_plan_mode}
            onChange={(allow_in_plan_mode) => onChange({ allow_in_plan_mode })}
          />
          <LabelledToggle
            kind="checkbox"
            label="Ask the model for the reason of each call"
            help="The chat shows what the model says each call is for."
            checked={draft.model_intent}
            onChange={(model_intent) => onChange({ model_intent })}
          />
          <LabelledToggle
            kind="checkbox"
            label="Tell the server about the chat"
            help="Sends the ids of the owner, the chat and its workspace as X-Coder-… headers."
            checked={draft.forward_coder_headers}
            onChange={(forward_coder_headers) => onChange({ forward_coder_headers })}
          />
        </div>
      </Section>
      {stored === undefined ? toolFields : null}
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
