import { useMutation } from '@tanstack/react-query'
import { Fingerprint } from 'lucide-react'
import { type FormEvent, useRef, useState } from 'react'

import { login } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput, TextInput } from '../ui/form.tsx'
import { type AuthProvider, providerHref, providerLabel, providerOfEmail } from './login-providers.tsx'
import { type NextStep, nextStepOf } from './next-step.ts'
import { passkeysSupported } from './passkeys-supported.ts'

interface PasswordFormProps {
  readonly providers: readonly AuthProvider[]
  readonly target: string
  readonly onNext: (next: NextStep) => void
}

/** Email and password, or a passkey in their place. */
export function PasswordForm({ providers, target, onNext }: PasswordFormProps) {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [attempted, setAttempted] = useState(false)
  const emailField = useRef<HTMLInputElement>(null)
  const passwordField = useRef<HTMLInputElement>(null)
  const noEmail = email.trim() === ''
  // A full navigation: the shell is rendered again for the new identity (UI-104).
  const enter = () => location.assign(target)
  const signIn = useMutation({
    mutationFn: async (): Promise<NextStep | undefined> => {
      try {
        await api.call(login, { body: { email: email.trim(), password } })
        return undefined
      } catch (error) {
        const next = nextStepOf(error, email.trim())
        if (next === undefined) throw error
        return next
      }
    },
    onSuccess: (next) => (next === undefined ? enter() : onNext(next)),
    // The password is what was most likely wrong, and is the next thing to type.
    onError: () => passwordField.current?.select(),
  })
  const passkey = useMutation({
    mutationFn: async () => (await import('./passkey-sign-in.ts')).signInWithPasskey(),
    onSuccess: enter,
  })
  const busy = signIn.isPending || signIn.isSuccess || passkey.isPending || passkey.isSuccess
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (busy) return
    setAttempted(true)
    passkey.reset()
    signIn.reset()
    if (noEmail) emailField.current?.focus()
    else if (password === '') passwordField.current?.focus()
    else signIn.mutate()
  }
  const owner = providerOfEmail(providers, email)
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <ErrorNotice error={signIn.error ?? passkey.error} />
      <Field
        label="Email"
        error={(attempted && noEmail ? 'Enter your email.' : undefined) ?? fieldError(signIn.error, 'email')}
        help={
          owner === undefined ? undefined : (
            <>
              Accounts of this domain sign in elsewhere:{' '}
              <a className="link" href={providerHref(owner, target)}>
                {providerLabel(owner)}
              </a>
            </>
          )
        }
      >
        {(field) => (
          <TextInput
            {...field}
            ref={emailField}
            type="email"
            autoComplete="username email"
            autoFocus
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        )}
      </Field>
      <Field
        label="Password"
        error={
          (attempted && password === '' ? 'Enter your password.' : undefined) ??
          fieldError(signIn.error, 'password')
        }
        help={
          <AppLink className="link" href={paths.resetPassword({ email: email.trim() })}>
            Forgot your password?
          </AppLink>
        }
      >
        {(field) => (
          <PasswordInput
            {...field}
            ref={passwordField}
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" tone="primary" busy={signIn.isPending || signIn.isSuccess} disabled={busy}>
        Sign in
      </Button>
      {passkeysSupported() ? (
        <Button
          busy={passkey.isPending || passkey.isSuccess}
          disabled={busy}
          icon={<Fingerprint className="size-4" strokeWidth={1.75} />}
          onClick={() => {
            signIn.reset()
            passkey.mutate()
          }}
        >
          Continue with a passkey
        </Button>
      ) : null}
    </form>
  )
}
