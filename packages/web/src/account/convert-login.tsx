import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { convertLogin } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { paths } from '../paths.ts'
import { type AuthProvider, ProviderIcon, providerLabel } from '../session/login-providers.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'

/** Moves the account from its password to a provider; there is no way back from here (UI-1501, ID-176). */
export function ConvertLogin({ providers }: { readonly providers: readonly AuthProvider[] }) {
  const online = useOnline()
  const [chosen, setChosen] = useState<AuthProvider>()
  return (
    <Section
      title="Sign in without a password"
      help="Move this account to a provider where you have an account with the same email address."
    >
      <ul className="flex flex-wrap gap-2">
        {providers.map((provider) => (
          <li key={`${provider.kind}/${provider.id}`}>
            <Button
              disabled={!online}
              icon={<ProviderIcon provider={provider} />}
              onClick={() => setChosen(provider)}
            >
              {nameOf(provider)}
            </Button>
          </li>
        ))}
      </ul>
      {chosen === undefined ? null : <Convert provider={chosen} onClose={() => setChosen(undefined)} />}
    </Section>
  )
}

/** What the button of the sign-in page is about: "Acme" of "Sign in with Acme". */
function nameOf(provider: AuthProvider): string {
  return providerLabel(provider).replace(/^(continue|(sign|log) ?in) with /i, '')
}

function Convert({ provider, onClose }: { readonly provider: AuthProvider; readonly onClose: () => void }) {
  const [password, setPassword] = useState('')
  const convert = useMutation({
    mutationFn: () =>
      api.call(convertLogin, { params: { user: 'me' }, body: { to_type: provider.kind, password } }),
    // The provider takes over from here, and the server ends with the sign-in page (ID-177).
    onSuccess: ({ state_string }) => {
      const query = { oidc_merge_state: state_string, redirect: paths.settings('account') }
      location.assign(`${provider.url}?${new URLSearchParams(query)}`)
    },
  })
  const busy = convert.isPending || convert.isSuccess
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!busy) convert.mutate()
  }
  const name = nameOf(provider)
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Move this account to ${name}?`}
      description={
        <ul className="list-disc pl-4">
          <li>Your password and second factors here are deleted. You sign in by {name} only.</li>
          <li>Only an administrator can move you back.</li>
          <li>The email address at {name} must be the one of this account.</li>
        </ul>
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="convert-login" tone="primary" busy={busy}>
            Go to {name}
          </Button>
        </>
      }
    >
      <form id="convert-login" onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={convert.error} />
        <Field
          label="Password"
          error={fieldError(convert.error, 'password')}
          help="To confirm that it is you."
        >
          {(field) => (
            <PasswordInput
              {...field}
              autoFocus
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  )
}
