import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'

import { createOAuth2AppSecret, type OAuth2ProviderApp } from '@slipway/contract'
import { OnceShown } from '../account/once-shown.tsx'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Select } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { secretsQuery } from './queries.ts'

const DAY_MS = 86_400_000
const LIFETIMES = [
  { value: '', label: 'Never' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
] as const

/** Makes a secret and shows it, once (OA-18, UI-508). */
export function NewSecretDialog({
  app,
  onClose,
}: {
  readonly app: OAuth2ProviderApp
  readonly onClose: () => void
}) {
  const online = useOnline()
  const form = useId()
  const [days, setDays] = useState('')
  const make = useMutation({
    mutationFn: () =>
      api.call(createOAuth2AppSecret, {
        params: { app: app.id },
        body: days === '' ? {} : { expires_at: new Date(Date.now() + Number(days) * DAY_MS).toISOString() },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: secretsQuery(app.id).queryKey }),
    // What is shown once stays in no cache.
    gcTime: 0,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!make.isPending) make.mutate()
  }
  return make.data === undefined ? (
    <Dialog
      open
      onClose={onClose}
      title={`New secret for ${app.name}`}
      description="The app authenticates with it when it asks for tokens. It is shown once."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} tone="primary" busy={make.isPending} disabled={!online}>
            Create secret
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3">
        <Field label="Expires">
          {(field) => (
            <Select
              {...field}
              autoFocus
              options={LIFETIMES}
              value={days}
              onChange={(event) => setDays(event.target.value)}
            />
          )}
        </Field>
        <ErrorNotice error={make.error} title="The secret was not created" />
      </form>
    </Dialog>
  ) : (
    <Dialog
      open
      onClose={onClose}
      title="Secret created"
      footer={
        <Button tone="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Notice tone="warn" title="Copy it now">
          Only a hash is stored, so it cannot be shown again.
        </Notice>
        <OnceShown label="Client secret" secret={make.data.client_secret_full} />
      </div>
    </Dialog>
  )
}
