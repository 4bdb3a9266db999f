import type { ReactNode } from 'react'

import { fieldError } from '../api/errors.ts'
import { Field, LabelledToggle, Mark, PasswordInput, TextArea, TextInput } from '../ui/form.tsx'
import { IconField } from '../ui/icon-field.tsx'
import { Section } from '../ui/page.tsx'
import type { ProviderDraft } from './provider-form.ts'

interface ProviderFieldsProps {
  readonly draft: ProviderDraft
  readonly onChange: (patch: Partial<ProviderDraft>) => void
  readonly error: unknown
  /** Only to be read. */
  readonly locked: boolean
  readonly hasSecret: boolean
  /** The name has been asked for already. */
  readonly named?: boolean
}

/** Texts of a draft, by name. */
type TextName = {
  [Name in keyof ProviderDraft]: ProviderDraft[Name] extends string ? Name : never
}[Exclude<keyof ProviderDraft, 'kind'>]

/** Switches of a draft, by name. */
type SwitchName = {
  [Name in keyof ProviderDraft]: ProviderDraft[Name] extends boolean ? Name : never
}[keyof ProviderDraft]

/** What is asked about a provider, by its kind. */
export function ProviderFields(props: ProviderFieldsProps) {
  const { draft, onChange, error, locked, hasSecret, named = false } = props
  const oidc = draft.kind === 'oidc'
  const text = (name: TextName, label: string, help: ReactNode, more: TextMore = {}) => (
    <Field
      label={label}
      help={help}
      error={fieldError(error, more.own === true ? name : `${draft.kind}.${name}`)}
      {...(more.optional === true ? { marks: <Mark>optional</Mark> } : {})}
    >
      {(field) => (
        <TextInput
          {...field}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          disabled={locked}
          placeholder={more.placeholder}
          value={draft[name]}
          onChange={(event) => onChange({ [name]: event.target.value })}
        />
      )}
    </Field>
  )
  const turn = (name: SwitchName, label: string, help: ReactNode) => (
    <LabelledToggle
      kind="checkbox"
      label={label}
      help={help}
      checked={draft[name]}
      disabled={locked}
      onChange={(checked) => onChange({ [name]: checked })}
    />
  )
  return (
    <>
      <Section title="Connection">
        <div className="flex flex-col gap-5">
          {named ? null : text('display_name', 'Name on the sign-in page', undefined, { own: true })}
          {locked ? null : (
            <IconField
              label="Icon"
              value={draft.icon}
              error={fieldError(error, 'icon')}
              onChange={(icon) => onChange({ icon })}
            />
          )}
          {oidc
            ? text('issuer_url', 'Issuer URL', 'Its discovery document is read from below this address.', {
                placeholder: 'https://login.example.com',
              })
            : text('base_url', 'Address of GitHub Enterprise', 'Empty for github.com.', {
                placeholder: 'https://github.example.com',
                optional: true,
              })}
          {text('client_id', 'Client id', 'From the registration of Slipway at the provider.')}
          {locked ? null : (
            <Field
              label="Client secret"
              error={fieldError(error, 'client_secret')}
              help={
                hasSecret
                  ? 'Never shown again. Leave empty to keep it.'
                  : 'Stored encrypted and never shown again.'
              }
            >
              {(field) => (
                <PasswordInput
                  {...field}
                  autoComplete="off"
                  placeholder={hasSecret ? 'Unchanged' : undefined}
                  value={draft.client_secret}
                  onChange={(event) => onChange({ client_secret: event.target.value })}
                />
              )}
            </Field>
          )}
          {oidc ? (
            <>
              {text('scopes', 'Scopes', 'Separated by spaces; openid must be one of them.')}
              <Field
                label="Authorization URL parameters"
                error={fieldError(error, 'oidc.auth_url_params')}
                help="One name=value per line."
                marks={<Mark>optional</Mark>}
              >
                {(field) => (
                  <TextArea
                    {...field}
                    rows={2}
                    spellCheck={false}
                    disabled={locked}
                    className="font-mono"
                    value={draft.auth_url_params}
                    onChange={(event) => onChange({ auth_url_params: event.target.value })}
                  />
                )}
              </Field>
            </>
          ) : (
            turn(
              'device_flow',
              'Device flow',
              'People type in a code at GitHub. For deployments that GitHub cannot redirect to.',
            )
          )}
        </div>
      </Section>
      {oidc ? (
        <Section title="People" help="What the provider's claims come to here.">
          <div className="flex flex-col gap-5">
            <div className="grid gap-5 sm:grid-cols-3">
              {text('email_field', 'Email claim', undefined)}
              {text('username_field', 'Username claim', undefined)}
              {text('name_field', 'Name claim', undefined)}
            </div>
            {text(
              'email_domains',
              'Email domains',
              'Only addresses in these domains may sign in. Leave empty to allow all.',
              {
                placeholder: 'example.com example.org',
                optional: true,
              },
            )}
            {turn(
              'email_domains_public',
              'Suggest this provider by email domain',
              'The sign-in page leads people to their provider by their address. Anybody can then read the domains.',
            )}
            {turn(
              'ignore_email_verified',
              'Accept unverified addresses',
              'Only for a provider where nobody can claim somebody else’s address.',
            )}
            {turn(
              'ignore_userinfo',
              'Do not ask the userinfo endpoint',
              'Use only the claims of the ID token.',
            )}
            {turn(
              'rp_initiated_logout',
              'Sign out at the provider, too',
              'Signing out here also ends the session at the provider. Register the sign-in page there as the post-logout redirect URI.',
            )}
          </div>
        </Section>
      ) : (
        <Section title="People" help="Who can sign in with GitHub.">
          <div className="flex flex-col gap-5">
            {turn(
              'allow_everyone',
              'Everybody with a GitHub account',
              'Leave organizations and teams empty then.',
            )}
            {text('allowed_orgs', 'Organizations', 'Members may sign in. Parted by spaces.', {
              placeholder: 'acme',
            })}
            {text('allowed_teams', 'Teams', 'As organization/team; the organization is named above too.', {
              placeholder: 'acme/platform',
              optional: true,
            })}
            {turn(
              'takes_over_settings',
              'Take over from the CODER_OAUTH2_GITHUB_* settings',
              'Accounts linked through those settings, at the same GitHub, are linked here, too.',
            )}
          </div>
        </Section>
      )}
      <Section title="Signing in">
        <div className="flex flex-col gap-5">
          {turn('enabled', 'Enabled', 'A button of the sign-in page. Test it before.')}
          {turn(
            'allow_signups',
            'Create accounts for new people',
            'Otherwise, only people with an account can sign in.',
          )}
          {oidc && !draft.allow_signups
            ? text('signups_disabled_text', 'What people without an account are told', undefined, {
                placeholder: 'Ask the platform team for an account.',
                optional: true,
              })
            : null}
        </div>
      </Section>
    </>
  )
}

interface TextMore {
  readonly placeholder?: string
  readonly optional?: boolean
  /** The field belongs to every kind. */
  readonly own?: boolean
}
