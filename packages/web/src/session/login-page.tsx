import { useMutation, useQuery } from '@tanstack/react-query'
import { Navigate } from '@tanstack/react-router'
import { type FormEvent, useEffect, useRef, useState } from 'react'

import { login } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { localPath } from '../api/local-path.ts'
import { useAddress } from '../navigation/address.ts'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { authMethodsQuery, hasFirstUserQuery, meQuery } from './queries.ts'
import { StandAlonePage } from './stand-alone-page.tsx'

/** `/login`: the ways in that the deployment offers (UI-601). */
export function LoginPage() {
  const [search] = useAddress()
  const target = localPath(search.redirect, location.origin)
  const firstUser = useQuery(hasFirstUserQuery)
  const methods = useQuery(authMethodsQuery)
  const me = useQuery(meQuery)

  // Signed in already: on to where the visitor was going, as a new page (UI-104, UI-207).
  const signedIn = me.data !== undefined
  useEffect(() => {
    if (signedIn) location.replace(target)
  }, [signedIn, target])

  if (firstUser.data === false) return <Navigate to={paths.setup()} replace />
  const external = new URLSearchParams({ redirect: target })
  return (
    <StandAlonePage title="Sign in" context={`to ${location.host}`}>
      <div className="flex flex-col gap-4">
        {search.reason === 'expired' ? (
          <Notice tone="info" title="Your session has ended">
            Sign in again to go on where you were.
          </Notice>
        ) : search.reason === 'password' ? (
          <Notice tone="ok" title="Your password was changed">
            Sign in with the new one.
          </Notice>
        ) : null}
        {methods.isError ? (
          <ErrorNotice
            error={methods.error}
            title="The ways to sign in could not be read"
            onRetry={() => void methods.refetch()}
          />
        ) : null}
        {methods.data === undefined ? (
          methods.isError ? null : (
            <div className="flex h-40 items-center justify-center text-ink-3" role="status">
              <Spinner className="size-5" />
              <span className="sr-only">Loading</span>
            </div>
          )
        ) : (
          <>
            {methods.data.github.enabled ? (
              <a className={buttonClass({})} href={`/api/v2/users/oauth2/github/callback?${external}`}>
                Continue with GitHub
              </a>
            ) : null}
            {methods.data.oidc.enabled ? (
              <a className={buttonClass({})} href={`/api/v2/users/oidc/callback?${external}`}>
                {methods.data.oidc.iconUrl === '' ? null : (
                  <ThingIcon src={methods.data.oidc.iconUrl} className="size-4" />
                )}
                {methods.data.oidc.signInText === ''
                  ? 'Continue with single sign-on'
                  : methods.data.oidc.signInText}
              </a>
            ) : null}
            {methods.data.password.enabled && (methods.data.github.enabled || methods.data.oidc.enabled) ? (
              <div className="flex items-center gap-3 text-xs text-ink-3">
                <hr className="flex-1" /> or <hr className="flex-1" />
              </div>
            ) : null}
            {methods.data.password.enabled ? <PasswordForm target={target} /> : null}
            {methods.data.password.enabled ||
            methods.data.github.enabled ||
            methods.data.oidc.enabled ? null : (
              <Notice tone="bad" title="No way to sign in is switched on">
                An operator of this deployment has to enable passwords, GitHub or OpenID Connect.
              </Notice>
            )}
            {methods.data.terms_of_service_url === undefined ||
            methods.data.terms_of_service_url === '' ? null : (
              <p className="text-xs text-ink-2">
                By signing in you accept the{' '}
                <a
                  className="link"
                  href={methods.data.terms_of_service_url}
                  target="_blank"
                  rel="noopener noreferrer"
                >
                  terms of service
                </a>
                .
              </p>
            )}
          </>
        )}
      </div>
    </StandAlonePage>
  )
}

function PasswordForm({ target }: { readonly target: string }) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const first = useRef<HTMLInputElement>(null)
  const signIn = useMutation({
    mutationFn: () => api.call(login, { body: { email: email.trim(), password } }),
    // A full navigation: the shell is rendered again for the new identity (UI-104).
    onSuccess: () => location.assign(target),
    onError: () => first.current?.focus(),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!signIn.isPending) signIn.mutate()
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice error={signIn.error} />
      <Field label="Email" error={fieldError(signIn.error, 'email')}>
        {(field) => (
          <TextInput
            {...field}
            ref={first}
            type="email"
            autoComplete="email"
            autoFocus
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        )}
      </Field>
      <Field label="Password" error={fieldError(signIn.error, 'password')}>
        {(field) => (
          <PasswordInput
            {...field}
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" tone="primary" busy={signIn.isPending || signIn.isSuccess}>
        Sign in
      </Button>
    </form>
  )
}
