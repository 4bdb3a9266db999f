import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'

import { changePasswordWithOneTimePasscode } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError, statusOf } from '../api/errors.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { NewPasswordFields, useNewPassword } from './new-password.tsx'
import { StandAlonePage } from './stand-alone-page.tsx'

/** `/reset-password/change`: where the link of the mail leads (UI-605). */
export function ChangePasswordPage() {
  const [search, setSearch] = useAddress()
  const [given] = useState({ email: search.email, otp: search.otp })
  const [email, setEmail] = useState(given.email ?? '')
  const [passcode, setPasscode] = useState(given.otp ?? '')
  // A passcode stays in no history and goes to no other site (UI-2008).
  const exposed = search.otp !== undefined
  useEffect(() => {
    if (exposed) setSearch({ otp: undefined })
  }, [exposed, setSearch])
  const fresh = useNewPassword()
  const change = useMutation({
    mutationFn: () =>
      api.call(changePasswordWithOneTimePasscode, {
        body: { email: email.trim(), one_time_passcode: passcode.trim(), password: fresh.password },
      }),
    onSuccess: () => location.assign(paths.signIn({ reason: 'password' })),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (fresh.check() && !change.isPending && !change.isSuccess) change.mutate()
  }
  const onField = ['password', 'email'].some((field) => fieldError(change.error, field) !== undefined)
  const refused = statusOf(change.error) === 400 && !onField
  return (
    <StandAlonePage title="Choose a new password" context="All sessions and tokens of the account end.">
      <form onSubmit={submit} className="flex flex-col gap-4">
        {refused ? (
          <Notice
            tone="bad"
            title="The link was not accepted"
            action={
              <AppLink
                href={paths.resetPassword({ email: email.trim() })}
                className={buttonClass({ size: 'dense' })}
              >
                Get a new link
              </AppLink>
            }
          >
            It has expired, was already used, or is for another email address.
          </Notice>
        ) : (
          <ErrorNotice error={change.error} title="The password was not changed" />
        )}
        {given.email === undefined ? (
          <Field label="Email" error={fieldError(change.error, 'email')}>
            {(field) => (
              <TextInput
                {...field}
                type="email"
                autoComplete="username email"
                required
                value={email}
                onChange={(event) => setEmail(event.target.value)}
              />
            )}
          </Field>
        ) : (
          <input type="text" hidden readOnly autoComplete="username" value={email} />
        )}
        {given.otp === undefined ? (
          <Field
            label="One-time passcode"
            error={fieldError(change.error, 'one_time_passcode')}
            help="It is in the email that we sent you."
          >
            {(field) => (
              <TextInput
                {...field}
                autoComplete="one-time-code"
                spellCheck={false}
                required
                className="font-mono"
                value={passcode}
                onChange={(event) => setPasscode(event.target.value)}
              />
            )}
          </Field>
        ) : null}
        <NewPasswordFields value={fresh} error={change.error} autoFocus={given.otp !== undefined} />
        <Button type="submit" tone="primary" busy={change.isPending || change.isSuccess}>
          Change password
        </Button>
        <AppLink href={paths.signIn()} className="link text-sm">
          Back to sign-in
        </AppLink>
      </form>
    </StandAlonePage>
  )
}
