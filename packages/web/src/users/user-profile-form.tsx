import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { type User, updateProfile } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'

/** How an account is called. */
export function ProfileForm({
  user,
  locked,
  onSaved,
}: {
  readonly user: User
  readonly locked: boolean
  readonly onSaved: (user: User) => void
}) {
  const online = useOnline()
  const [username, setUsername] = useState(user.username)
  const [name, setName] = useState(user.name)
  const changed = username.trim() !== user.username || name.trim() !== user.name
  const save = useMutation({
    mutationFn: () =>
      api.call(updateProfile, {
        params: { user: user.id },
        body: { username: username.trim(), name: name.trim(), avatar_url: user.avatar_url },
      }),
    onSuccess: (saved) => {
      toasts.done(`The profile of ${saved.username} was saved`)
      onSaved(saved)
    },
  })
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending && changed) save.mutate()
  }
  return (
    <Section title="Profile">
      <form ref={form} onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The profile was not saved" />
        <div className="grid gap-5 sm:grid-cols-2">
          <Field
            label="Username"
            error={fieldError(save.error, 'username')}
            help={
              username.trim() === user.username
                ? 'Appears in the addresses of workspaces and apps.'
                : 'Links to workspaces and apps with the old name stop working.'
            }
          >
            {(field) => (
              <TextInput
                {...field}
                required
                disabled={locked}
                spellCheck={false}
                autoComplete="off"
                value={username}
                onChange={(event) => setUsername(event.target.value)}
              />
            )}
          </Field>
          <Field label="Name" error={fieldError(save.error, 'name')} help="May be left empty.">
            {(field) => (
              <TextInput
                {...field}
                disabled={locked}
                autoComplete="off"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
        </div>
        {locked ? null : (
          <div className="flex justify-end">
            <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || !changed}>
              Save profile
            </Button>
          </div>
        )}
      </form>
    </Section>
  )
}
