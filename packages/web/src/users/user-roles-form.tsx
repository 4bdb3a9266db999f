import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type User, updateUserRoles } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { deploymentConfigQuery } from '../deployment/queries.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { usePermissions, useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { RoleChoices } from './role-choices.tsx'
import { roleTitle } from './user-look.ts'

/** Roles of an account in the deployment; those that its provider decides about are locked (UI-1401). */
export function RolesForm({ user, locked }: { readonly user: User; readonly locked: boolean }) {
  const me = useUser()
  const online = useOnline()
  const synced = useRoleSync(user)
  const [roles, setRoles] = useState<readonly string[]>(user.roles.map(({ name }) => name))
  const before = user.roles.map(({ name }) => name).sort()
  const changed = [...roles].sort().join(' ') !== before.join(' ')
  const save = useMutation({
    mutationFn: () => api.call(updateUserRoles, { params: { user: user.id }, body: { roles: [...roles] } }),
    onSuccess: () => {
      toasts.done(`The roles of ${user.username} were saved`)
      // One's own roles decide about everything on screen.
      void queries.invalidateQueries(user.id === me.id ? {} : { queryKey: ['users'] })
    },
  })
  return (
    <Section title="Roles" help="Everybody is a member. Roles add permissions.">
      {synced ? (
        <div className="flex flex-col gap-4">
          <Notice tone="info" title="The identity provider decides these roles">
            Each sign-in sets them from its claim (<code>CODER_OIDC_USER_ROLE_FIELD</code>), so change them
            there.
          </Notice>
          <GivenRoles user={user} />
        </div>
      ) : locked ? (
        <GivenRoles user={user} />
      ) : (
        <div className="flex flex-col gap-4">
          <ErrorNotice error={save.error} title="The roles were not saved" />
          <RoleChoices value={roles} onChange={setRoles} />
          <div className="flex justify-end">
            <Button
              tone="primary"
              busy={save.isPending}
              disabled={!online || !changed}
              onClick={() => save.mutate()}
            >
              Save roles
            </Button>
          </div>
        </div>
      )}
    </Section>
  )
}

function GivenRoles({ user }: { readonly user: User }) {
  return (
    <div className="flex flex-wrap gap-1 text-sm">
      {user.roles.length === 0 ? (
        <span className="text-ink-2">Member</span>
      ) : (
        user.roles.map((role) => <Mark key={role.name}>{roleTitle(role)}</Mark>)
      )}
    </div>
  )
}

/** Whether the roles of an account come from its provider. */
function useRoleSync(user: User): boolean {
  const mayRead = usePermissions()?.viewDeploymentConfig === true
  const config = useQuery({ ...deploymentConfigQuery, enabled: mayRead && user.login_type === 'oidc' })
  if (user.login_type !== 'oidc') return false
  const field = config.data?.options.find(({ flag }) => flag === 'oidc-user-role-field')?.value
  return typeof field === 'string' && field !== ''
}
