import { useMutation, useQuery } from '@tanstack/react-query'
import { Dices } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import { createUser } from '@slipway/contract'
import { OnceShown } from '../account/once-shown.tsx'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { organizationsQuery } from '../session/queries.ts'
import { usePermissions } from '../session/session.tsx'
import { usernameFromEmail } from '../session/username.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput, Select, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { generatedPassword } from './generated-password.ts'
import { NoPermission } from './no-permission.tsx'
import { RoleChoices } from './role-choices.tsx'

/** `/deployment/users/create`: a new account (UI-1401). */
export function CreateUserPage() {
  const permissions = usePermissions()
  const online = useOnline()
  const organizations = useQuery(organizationsQuery).data ?? []
  const [email, setEmail] = useState('')
  const [username, setUsername] = useState<string>()
  const [name, setName] = useState('')
  const [password, setPassword] = useState(generatedPassword)
  const [roles, setRoles] = useState<readonly string[]>([])
  const [organizationId, setOrganizationId] = useState<string>()
  const organization = organizationId ?? (organizations.find((one) => one.is_default) ?? organizations[0])?.id
  const suggested = email === '' ? '' : usernameFromEmail(email)
  const create = useMutation({
    mutationFn: () =>
      api.call(createUser, {
        body: {
          email: email.trim(),
          username: (username ?? suggested).trim(),
          name: name.trim(),
          password,
          login_type: 'password',
          ...(organization === undefined ? {} : { organization_ids: [organization] }),
          roles: [...roles],
        },
      }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['users'] }),
  })
  if (permissions?.createUser === false) return <NoPermission what="create users" permission="createUser" />
  if (create.data !== undefined)
    return (
      <Page width="narrow">
        <PageHeader title="New user" />
        <Section title={create.data.username}>
          <div className="flex flex-col gap-5">
            <Notice tone="ok" title={`${create.data.username} can sign in now`}>
              With the email {create.data.email} and this password. Hand it over on a safe way: it is not
              shown again.
            </Notice>
            <OnceShown label="Password" secret={password} />
            <div className="flex justify-end gap-2">
              <Button
                onClick={() => {
                  setEmail('')
                  setUsername(undefined)
                  setName('')
                  setRoles([])
                  setPassword(generatedPassword())
                  create.reset()
                }}
              >
                Create another
              </Button>
              <AppLink href={paths.users()} className={buttonClass({ tone: 'primary' })}>
                Done
              </AppLink>
            </div>
          </div>
        </Section>
      </Page>
    )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!create.isPending) create.mutate()
  }
  return (
    <Page width="narrow">
      <PageHeader title="New user" context="An account that signs in with a password" />
      <form onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={create.error} title="The user was not created" />
        <Section title="Account">
          <div className="flex flex-col gap-5">
            <Field label="Email" error={fieldError(create.error, 'email')}>
              {(field) => (
                <TextInput
                  {...field}
                  type="email"
                  autoFocus
                  required
                  autoComplete="off"
                  value={email}
                  onChange={(event) => setEmail(event.target.value)}
                />
              )}
            </Field>
            <Field label="Username" error={fieldError(create.error, 'username')}>
              {(field) => (
                <TextInput
                  {...field}
                  required
                  spellCheck={false}
                  autoComplete="off"
                  value={username ?? suggested}
                  onChange={(event) => setUsername(event.target.value)}
                />
              )}
            </Field>
            <Field
              label="Name"
              error={fieldError(create.error, 'name')}
              help="How the person is called in full; may stay empty."
            >
              {(field) => (
                <TextInput
                  {...field}
                  autoComplete="off"
                  value={name}
                  onChange={(event) => setName(event.target.value)}
                />
              )}
            </Field>
            <Field
              label="Password"
              error={fieldError(create.error, 'password')}
              help="Generated; you see it once more after creating the account."
            >
              {(field) => (
                <div className="flex gap-2">
                  <div className="min-w-0 flex-1">
                    <PasswordInput
                      {...field}
                      required
                      autoComplete="new-password"
                      value={password}
                      onChange={(event) => setPassword(event.target.value)}
                    />
                  </div>
                  <Button
                    size="icon"
                    aria-label="Generate another password"
                    title="Generate another password"
                    onClick={() => setPassword(generatedPassword())}
                    icon={<Dices className="size-4" strokeWidth={1.75} />}
                  />
                </div>
              )}
            </Field>
            {organizations.length > 1 ? (
              <Field label="Organization" error={fieldError(create.error, 'organization_ids')}>
                {(field) => (
                  <Select
                    {...field}
                    value={organization ?? ''}
                    options={organizations.map(({ id, display_name }) => ({
                      value: id,
                      label: display_name,
                    }))}
                    onChange={(event) => setOrganizationId(event.target.value)}
                  />
                )}
              </Field>
            ) : null}
          </div>
        </Section>
        <Section title="Roles" help="Everybody is a member. Roles add to that.">
          <RoleChoices value={roles} onChange={setRoles} />
        </Section>
        <div className="flex justify-end gap-2">
          <AppLink href={paths.users()} className={buttonClass({})}>
            Cancel
          </AppLink>
          <Button type="submit" tone="primary" busy={create.isPending} disabled={!online}>
            Create user
          </Button>
        </div>
      </form>
    </Page>
  )
}
