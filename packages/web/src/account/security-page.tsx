import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { updatePassword } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { paths } from '../paths.ts'
import { PasswordMeter, usePasswordStrength } from '../session/password-strength.tsx'
import { useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'

/** `/settings/security`: the password. A new one ends all sessions, this one too. */
export function SecurityPage() {
  const user = useUser()
  const online = useOnline()
  const [old, setOld] = useState('')
  const [password, setPassword] = useState('')
  const [left, setLeft] = useState(false)
  const strength = usePasswordStrength(password, left)
  const weak = left && strength.data?.valid === false ? strength.data.details : undefined
  const change = useMutation({
    mutationFn: () =>
      api.call(updatePassword, { params: { user: 'me' }, body: { old_password: old, password } }),
    onSuccess: () =>
      location.assign(paths.signIn({ redirect: paths.settings('security'), reason: 'password' })),
  })
  if (user.login_type !== 'password')
    return (
      <Notice tone="info" title="This account has no password here">
        You sign in by {user.login_type}; change the password where that account lives.
      </Notice>
    )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setLeft(true)
    if (!change.isPending && weak === undefined) change.mutate()
  }
  return (
    <Section title="Password" help="A new password ends all your sessions. You sign in again with it.">
      <form onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={change.error} title="The password was not changed" />
        <input type="text" hidden readOnly autoComplete="username" value={user.email} />
        <Field label="Present password" error={fieldError(change.error, 'old_password')}>
          {(field) => (
            <PasswordInput
              {...field}
              autoComplete="current-password"
              required
              value={old}
              onChange={(event) => setOld(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="New password"
          error={fieldError(change.error, 'password') ?? weak}
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
              }}
              onBlur={() => setLeft(true)}
            />
          )}
        </Field>
        <div className="flex justify-end">
          <Button type="submit" tone="primary" busy={change.isPending || change.isSuccess} disabled={!online}>
            Change password
          </Button>
        </div>
      </form>
    </Section>
  )
}
