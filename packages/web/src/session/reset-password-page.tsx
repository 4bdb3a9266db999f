import { useMutation } from '@tanstack/react-query'
import { MailCheck } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import { requestOneTimePasscode } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextInput } from '../ui/form.tsx'
import { StandAlonePage } from './stand-alone-page.tsx'

/** `/reset-password`: asks for a mail with a link. Says the same whether there is such an account or not (UI-605). */
export function ResetPasswordPage() {
  const [search] = useAddress()
  const [email, setEmail] = useState(search.email ?? '')
  const request = useMutation({
    mutationFn: () => api.call(requestOneTimePasscode, { body: { email: email.trim() } }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!request.isPending) request.mutate()
  }
  const back = (
    <AppLink href={paths.signIn()} className="link text-sm">
      Back to sign-in
    </AppLink>
  )
  if (request.isSuccess)
    return (
      <StandAlonePage title="Check your email">
        <div role="status" className="flex items-start gap-3 text-base text-ink-2">
          <MailCheck className="mt-0.5 size-5 shrink-0 text-ok" strokeWidth={1.5} aria-hidden="true" />
          <p>
            If the address <b className="break-all font-medium text-ink">{email.trim()}</b> belongs to an
            account with a password, an email with a link is on its way. The link works once, and not for
            long.
          </p>
        </div>
        <div className="mt-6 flex flex-col items-start gap-2">
          <button type="button" className="link text-sm" onClick={() => request.reset()}>
            Nothing arrived? Send it again
          </button>
          {back}
        </div>
      </StandAlonePage>
    )
  return (
    <StandAlonePage title="Reset your password" context="We email you a link to choose a new one.">
      <form onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={request.error} title="No email was sent" />
        <Field label="Email" error={fieldError(request.error, 'email')}>
          {(field) => (
            <TextInput
              {...field}
              type="email"
              autoComplete="username email"
              autoFocus
              required
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" tone="primary" busy={request.isPending}>
          Send the email
        </Button>
        {back}
      </form>
    </StandAlonePage>
  )
}
