import { useMutation, useQuery } from '@tanstack/react-query'
import { Dices } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import { createUser, type Organization } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink } from '../navigation/app-link.tsx'
import { useOrganizationChoice } from '../organizations/use-organization-choice.ts'
import { paths } from '../paths.ts'
import { authMethodsQuery } from '../session/queries.ts'
import { usePermissions } from '../session/session.tsx'
import { usernameFromEmail } from '../session/username.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, PasswordInput, TextInput } from '../ui/form.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { type AccountKind, accountKinds } from './account-kinds.ts'
import { generatedPassword } from './generated-password.ts'
import { NoPermission } from './no-permission.tsx'
import { RoleChoices } from './role-choices.tsx'
import { UserCreated } from './user-created.tsx'
import { MEMBERSHIP, UserOrganizations } from './user-organizations.tsx'

/** `/deployment/users/create`: a new account (UI-1401). */
export function CreateUserPage() {
  const permissions = usePermissions()
  const online = useOnline()
  const { organization: first, several } = useOrganizationChoice(MEMBERSHIP)
  const [email, setEmail] = useState('')
  const [username, setUsername] = useState<string>()
  const [name, setName] = useState('')
  const [password, setPassword] = useState(generatedPassword)
  const [roles, setRoles] = useState<readonly string[]>([])
  const [organizations, setOrganizations] = useState<readonly Organization[]>()
  const [kind, setKind] = useState<AccountKind>()
  const methods = useQuery(authMethodsQuery).data
  const kinds = accountKinds(methods)
  const way = kind ?? kinds[0]?.id ?? 'password'
  const service = way === 'service'
  const chosen = organizations ?? (first === undefined ? [] : [first])
  const suggested = email === '' || service ? '' : usernameFromEmail(email)
  const create = useMutation({
    mutationFn: () =>
      api.call(createUser, {
        body: {
          username: (username ?? suggested).trim(),
          name: name.trim(),
          ...(service ? { service_account: true } : { email: email.trim(), login_type: way }),
          ...(way === 'password' ? { password } : {}),
          organization_ids: chosen.map(({ id }) => id),
          roles: [...roles],
        },
      }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['users'] }),
  })
  const form = useInvalidFocus(create.error)
  if (permissions?.createUser === false) return <NoPermission what="create users" permission="createUser" />
  if (create.data !== undefined)
    return (
      <UserCreated
        user={create.data}
        password={way === 'password' ? password : undefined}
        onAnother={() => {
          setEmail('')
          setUsername(undefined)
          setName('')
          setRoles([])
          setPassword(generatedPassword())
          create.reset()
        }}
      />
    )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!create.isPending) create.mutate()
  }
  return (
    <Page width="narrow">
      <PageHeader
        title="New user"
        documentTitle="New user - Users"
        context={kinds.find(({ id }) => id === way)?.about}
      />
      <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={create.error} title="The user was not created" />
        <Section title="Account">
          <div className="flex flex-col gap-5">
            <div className="flex flex-col items-start gap-1.5">
              <span className="text-sm font-medium" aria-hidden="true">
                Signs in by
              </span>
              <Segmented label="Signs in by" options={kinds} value={way} onChange={setKind} />
            </div>
            {service ? null : (
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
            )}
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
            <Field label="Name" error={fieldError(create.error, 'name')} help="Full name. May be left empty.">
              {(field) => (
                <TextInput
                  {...field}
                  autoComplete="off"
                  value={name}
                  onChange={(event) => setName(event.target.value)}
                />
              )}
            </Field>
            {way === 'password' ? (
              <Field
                label="Password"
                error={fieldError(create.error, 'password')}
                help="Generated. It is shown once more after the account is created."
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
            ) : null}
          </div>
        </Section>
        {several ? (
          <Section title="Organizations" help="Workspaces are created in one of these.">
            <UserOrganizations
              value={chosen}
              onChange={setOrganizations}
              error={fieldError(create.error, 'organization_ids')}
            />
          </Section>
        ) : null}
        <Section title="Roles" help="Everybody is a member. Roles add permissions.">
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
