import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { updatePassword } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { paths } from '../paths.ts'
import { NewPasswordFields, useNewPassword } from '../session/new-password.tsx'
import { useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'

/** A new password, which ends all sessions, this one too. */
export function PasswordSection() {
  const user = useUser()
  const online = useOnline()
  const [old, setOld] = useState('')
  const fresh = useNewPassword()
  const change = useMutation({
    mutationFn: () =>
      api.call(updatePassword, {
        params: { user: 'me' },
        body: { old_password: old, password: fresh.password },
      }),
    onSuccess: () =>
      location.assign(paths.signIn({ redirect: paths.settings('security'), reason: 'password' })),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (fresh.check() && !change.isPending && !change.isSuccess) change.mutate()
  }
  return (
    <Section
      title="Password"
      help="Changing it ends all your sessions, and you sign in again with the new one."
    >
      <form onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={change.error} title="The password was not changed" />
        <input type="text" hidden readOnly autoComplete="username" value={user.email} />
        <Field label="Current password" error={fieldError(change.error, 'old_password')}>
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
        <NewPasswordFields value={fresh} error={change.error} />
        <div className="flex justify-end">
          <Button type="submit" tone="primary" busy={change.isPending || change.isSuccess} disabled={!online}>
            Change password
          </Button>
        </div>
      </form>
    </Section>
  )
}
