import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { updateProfile } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { CopyableId } from '../ui/copyable.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, Mark, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { loginLabel } from '../users/user-look.ts'
import { nameFault } from '../workspaces/workspace-name.ts'
import { OidcTokenSection } from './oidc-token-section.tsx'

/** `/settings/account`: who the viewer is (UI-1501). */
export function AccountPage() {
  const user = useUser()
  const online = useOnline()
  const [username, setUsername] = useState(user.username)
  const [name, setName] = useState(user.name)
  const renamed = username.trim() !== user.username
  const save = useMutation({
    mutationFn: () =>
      api.call(updateProfile, {
        params: { user: 'me' },
        body: { username: username.trim(), name: name.trim() },
      }),
    onSuccess: (saved) => {
      queries.setQueryData(['me'], saved)
      if (renamed) void queries.invalidateQueries()
      toasts.done('Account saved')
    },
  })
  const wrong = renamed ? nameFault(username.trim()) : undefined
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending && wrong === undefined) save.mutate()
  }
  return (
    <div className="flex flex-col gap-4">
      <Section title="Profile">
        <form ref={form} onSubmit={submit} className="flex flex-col gap-5">
          <ErrorNotice error={save.error} title="The account was not saved" />
          <Field
            label="Username"
            error={wrong ?? fieldError(save.error, 'username')}
            help={
              renamed
                ? 'The addresses of your workspaces change with it: links and SSH hosts with the old name stop working.'
                : 'Appears in the addresses of your workspaces.'
            }
          >
            {(field) => (
              <TextInput
                {...field}
                autoComplete="username"
                spellCheck={false}
                required
                value={username}
                onChange={(event) => setUsername(event.target.value)}
              />
            )}
          </Field>
          <Field
            label="Name"
            error={fieldError(save.error, 'name')}
            help="Your full name; also the author of your commits."
          >
            {(field) => (
              <TextInput
                {...field}
                autoComplete="name"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <div className="flex justify-end">
            <Button
              type="submit"
              tone="primary"
              busy={save.isPending}
              disabled={!online || (!renamed && name.trim() === user.name)}
            >
              Save profile
            </Button>
          </div>
        </form>
      </Section>
      <Section title="About this account">
        <dl className="grid gap-x-6 gap-y-3 text-sm sm:grid-cols-[120px_1fr]">
          <dt className="text-ink-2">Email</dt>
          <dd className="-mt-2 break-all sm:mt-0">{user.email}</dd>
          <dt className="text-ink-2">Roles</dt>
          <dd className="-mt-2 flex flex-wrap gap-1.5 sm:mt-0">
            {user.roles.length === 0
              ? 'Member'
              : user.roles.map((role) => (
                  <Mark key={role.name}>{role.display_name === '' ? role.name : role.display_name}</Mark>
                ))}
          </dd>
          <dt className="text-ink-2">Signs in by</dt>
          <dd className="-mt-2 sm:mt-0">{loginLabel(user)}</dd>
          <dt className="text-ink-2">Since</dt>
          <dd className="-mt-2 sm:mt-0">
            <TimeAgo time={user.created_at} />
          </dd>
          <dt className="text-ink-2">Id</dt>
          <dd className="-mt-2 sm:mt-0">
            <CopyableId id={user.id} />
          </dd>
        </dl>
      </Section>
      {user.login_type === 'oidc' ? <OidcTokenSection /> : null}
    </div>
  )
}
