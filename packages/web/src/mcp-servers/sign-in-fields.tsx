import { Plus, X } from 'lucide-react'
import type { ReactNode } from 'react'

import type { MCPServerConfig } from '@slipway/contract'
import { fieldError } from '../api/errors.ts'
import { usePermissions } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { Field, LabelledToggle, Mark, PasswordInput, Select, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import type { Header, ServerDraft } from './server-draft.ts'
import { AUTH_TYPES } from './server-words.ts'

/** What of a stored server's sign-in is there and not shown, and what was found. */
export type StoredSecrets = Pick<
  MCPServerConfig,
  'has_oauth2_secret' | 'has_api_key' | 'has_custom_headers' | 'oauth2_issuer' | 'oauth2_client_id' | 'url'
>

interface SignInFieldsProps {
  readonly draft: ServerDraft
  readonly onChange: (patch: Partial<ServerDraft>) => void
  readonly stored: StoredSecrets | undefined
  readonly error: unknown
}

const MAX_HEADERS = 32

/** How the server knows who calls, with what that needs (OA-103, OA-104). */
export function SignInFields(props: SignInFieldsProps) {
  const { draft, onChange } = props
  const trusted = usePermissions()?.editDeploymentConfig === true
  const chosen = AUTH_TYPES.find(({ value }) => value === draft.auth_type)
  return (
    <Section title="Sign-in" help="How the server knows who is calling.">
      <div className="flex flex-col gap-5">
        <Field label="Kind" error={fieldError(props.error, 'auth_type')} help={chosen?.about}>
          {(field) => (
            <div className="sm:max-w-64">
              <Select
                {...field}
                options={AUTH_TYPES.map(({ value, label }) => ({
                  value,
                  label: value === 'user_oidc' && !trusted ? `${label} (only for owners)` : label,
                  disabled: value === 'user_oidc' && !trusted,
                }))}
                value={draft.auth_type}
                onChange={(event) => {
                  const next = AUTH_TYPES.find(({ value }) => value === event.target.value)
                  if (next !== undefined) onChange({ auth_type: next.value })
                }}
              />
            </div>
          )}
        </Field>
        {draft.auth_type === 'oauth2' ? <OAuthFields {...props} /> : null}
        {draft.auth_type === 'api_key' ? <ApiKeyFields {...props} /> : null}
        {draft.auth_type === 'custom_headers' ? <HeaderFields {...props} /> : null}
        {draft.auth_type === 'user_oidc' ? (
          <Notice tone="warn" title="The server receives the token of everybody whose chat uses it">
            With it, the server can act for them wherever the token is accepted. Choose this only for a server
            that you run yourself.
          </Notice>
        ) : null}
      </div>
    </Section>
  )
}

type TextName =
  | 'oauth2_client_id'
  | 'oauth2_auth_url'
  | 'oauth2_token_url'
  | 'oauth2_revocation_url'
  | 'oauth2_scopes'
  | 'api_key_header'

function textField({ draft, onChange, error }: SignInFieldsProps) {
  return (name: TextName, label: string, help?: ReactNode, optional = false) => (
    <Field
      label={label}
      help={help}
      error={fieldError(error, name)}
      marks={optional ? <Mark>optional</Mark> : null}
    >
      {(field) => (
        <TextInput
          {...field}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          className="font-mono"
          value={draft[name]}
          onChange={(event) => onChange({ [name]: event.target.value })}
        />
      )}
    </Field>
  )
}

function OAuthFields(props: SignInFieldsProps) {
  const { draft, onChange, stored, error } = props
  const text = textField(props)
  const found = stored !== undefined && stored.oauth2_issuer !== '' && draft.url.trim() === stored.url
  return (
    <>
      <LabelledToggle
        kind="switch"
        label="Discover automatically"
        help="Reads the server's own description, finds its authorization server and registers there."
        checked={draft.discover}
        onChange={(discover) => onChange({ discover })}
      />
      {draft.discover && found ? (
        <div className="flex flex-col gap-3 rounded-control border border-line bg-bg px-3 py-2.5 text-sm">
          <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1">
            <dt className="text-ink-2">Found</dt>
            <dd className="break-all font-mono text-xs leading-5">{stored.oauth2_issuer}</dd>
            <dt className="text-ink-2">Client id</dt>
            <dd className="break-all font-mono text-xs leading-5">{stored.oauth2_client_id}</dd>
          </dl>
          <LabelledToggle
            kind="checkbox"
            label="Discover and register again when saving"
            checked={draft.rediscover}
            onChange={(rediscover) => onChange({ rediscover })}
          />
        </div>
      ) : null}
      {draft.discover ? null : (
        <>
          {text('oauth2_client_id', 'Client id')}
          <Field
            label="Client secret"
            marks={<Mark>optional</Mark>}
            error={fieldError(error, 'oauth2_client_secret')}
            help={secretHelp(stored?.has_oauth2_secret === true)}
          >
            {(field) => (
              <PasswordInput
                {...field}
                autoComplete="off"
                placeholder={stored?.has_oauth2_secret === true ? 'Unchanged' : undefined}
                value={draft.oauth2_client_secret}
                onChange={(event) => onChange({ oauth2_client_secret: event.target.value })}
              />
            )}
          </Field>
          {text('oauth2_auth_url', 'Authorization URL')}
          {text('oauth2_token_url', 'Token URL')}
          {text(
            'oauth2_revocation_url',
            'Revocation URL',
            'Tokens are revoked there when people disconnect.',
            true,
          )}
        </>
      )}
      {text(
        'oauth2_scopes',
        'Scopes',
        draft.discover
          ? 'Separated by spaces. Leave empty to use those that the server names.'
          : 'Separated by spaces.',
        true,
      )}
    </>
  )
}

function ApiKeyFields(props: SignInFieldsProps) {
  const { draft, onChange, stored, error } = props
  return (
    <>
      {textField(props)('api_key_header', 'Header')}
      <Field
        label="Value"
        error={fieldError(error, 'api_key_value')}
        help={
          <>
            The whole value, such as <code>Bearer …</code>. {secretHelp(stored?.has_api_key === true)}
          </>
        }
      >
        {(field) => (
          <PasswordInput
            {...field}
            autoComplete="off"
            placeholder={stored?.has_api_key === true ? 'Unchanged' : undefined}
            value={draft.api_key_value}
            onChange={(event) => onChange({ api_key_value: event.target.value })}
          />
        )}
      </Field>
    </>
  )
}

function HeaderFields({ draft, onChange, error }: SignInFieldsProps) {
  const { headers } = draft
  if (headers === undefined)
    return (
      <div className="flex flex-wrap items-center gap-3 text-sm">
        <span className="text-ink-2">Headers are stored and never shown again.</span>
        <Button size="dense" onClick={() => onChange({ headers: [{ key: 0, name: '', value: '' }] })}>
          Replace all
        </Button>
      </div>
    )
  const put = (key: number, patch: Partial<Header>) =>
    onChange({ headers: headers.map((one) => (one.key === key ? { ...one, ...patch } : one)) })
  const fault = fieldError(error, 'custom_headers')
  return (
    <fieldset className="flex min-w-0 flex-col gap-3">
      <legend className="mb-1.5 text-sm font-medium">Headers</legend>
      {headers.map(({ key, name, value }, index) => (
        <div key={key} className="grid grid-cols-[minmax(0,1fr)_auto] gap-2 sm:grid-cols-[1fr_1fr_auto]">
          <TextInput
            aria-label={`Name of header ${index + 1}`}
            aria-invalid={fault === undefined ? undefined : true}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            className="font-mono"
            placeholder="X-Team"
            value={name}
            onChange={(event) => put(key, { name: event.target.value })}
          />
          <div className="row-start-2 min-w-0 sm:row-start-auto">
            <PasswordInput
              aria-label={`Value of header ${index + 1}`}
              autoComplete="off"
              placeholder="Value"
              value={value}
              onChange={(event) => put(key, { value: event.target.value })}
            />
          </div>
          <Button
            tone="quiet"
            size="icon"
            aria-label={`Remove header ${index + 1}`}
            title="Remove"
            disabled={headers.length === 1}
            onClick={() => onChange({ headers: headers.filter((one) => one.key !== key) })}
            icon={<X className="size-4" strokeWidth={1.75} />}
          />
        </div>
      ))}
      <div>
        <Button
          size="dense"
          disabled={headers.length >= MAX_HEADERS}
          onClick={() =>
            onChange({
              headers: [
                ...headers,
                { key: Math.max(...headers.map((one) => one.key)) + 1, name: '', value: '' },
              ],
            })
          }
          icon={<Plus className="size-3.5" aria-hidden="true" />}
        >
          Add another
        </Button>
      </div>
      <p className={fault === undefined ? 'text-xs text-ink-2' : 'text-xs text-bad first-letter:uppercase'}>
        {fault ?? 'Values are encrypted if the deployment has encryption keys, and never shown again.'}
      </p>
    </fieldset>
  )
}

function secretHelp(stored: boolean): string {
  return stored
    ? 'Never shown again. Leave empty to keep it.'
    : 'Encrypted if the deployment has encryption keys, and never shown again.'
}
