import { useMutation, useQuery } from '@tanstack/react-query'
import { Navigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'

import { createFirstUser, login } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput, TextInput } from '../ui/form.tsx'
import { PasswordMeter, usePasswordStrength } from './password-strength.tsx'
import { hasFirstUserQuery } from './queries.ts'
import { StandAlonePage } from './stand-alone-page.tsx'
import { usernameFromEmail } from './username.ts'

/** `/setup`: the first account of a new deployment, which owns it (UI-602). */
export function SetupPage() {
  const firstUser = useQuery(hasFirstUserQuery)
  const [email, setEmail] = useState('')
  const [username, setUsername] = useState<string>()
  const [password, setPassword] = useState('')
  const [left, setLeft] = useState(false)
  const strength = usePasswordStrength(password, left)
  const weak = left && strength.data?.valid === false ? strength.data.details : undefined

  const create = useMutation({
    mutationFn: async () => {
      const address = email.trim()
      const name = (username ?? usernameFromEmail(email)).trim()
      await api.call(createFirstUser, { body: { email: address, username: name, password, trial: false } })
      await api.call(login, { body: { email: address, password } })
    },
    onSuccess: () => location.assign(paths.welcome()),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setLeft(true)
    if (!create.isPending && weak === undefined) create.mutate()
  }
  if (firstUser.data === true && !create.isPending && !create.isSuccess)
    return <Navigate to={paths.signIn()} replace />
  return (
    <StandAlonePage
      title="Welcome aboard"
      context="Create the first account. It owns this deployment and can invite everybody else."
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={firstUser.error} onRetry={() => void firstUser.refetch()} />
        <ErrorNotice error={create.error} title="The account could not be created" />
        <Field label="Email" error={fieldError(create.error, 'email')}>
          {(field) => (
            <TextInput
              {...field}
              type="email"
              autoComplete="email"
              autoFocus
              required
              value={email}
              onChange={(event) => {
                setEmail(event.target.value)
                if (create.isError) create.reset()
              }}
            />
          )}
        </Field>
        <Field
          label="Username"
          error={fieldError(create.error, 'username')}
          help="Appears in the addresses of your workspaces."
        >
          {(field) => (
            <TextInput
              {...field}
              autoComplete="username"
              spellCheck={false}
              required
              value={username ?? (email === '' ? '' : usernameFromEmail(email))}
              onChange={(event) => {
                setUsername(event.target.value)
                if (create.isError) create.reset()
              }}
            />
          )}
        </Field>
        <Field
          label="Password"
          error={fieldError(create.error, 'password') ?? weak}
          help={<PasswordMeter password={password} />}
        >
          {(field) => (
            <PasswordInput
              {...field}
              autoComplete="new-password"
              required
              value={password}
              onChange={(event) => {
                setPassword(event.target.value)
                setLeft(false)
                if (create.isError) create.reset()
              }}
              onBlur={() => setLeft(true)}
            />
          )}
        </Field>
        <Button type="submit" tone="primary" busy={create.isPending || create.isSuccess}>
          Create account
        </Button>
      </form>
    </StandAlonePage>
  )
}
