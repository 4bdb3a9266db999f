import { useQuery } from '@tanstack/react-query'
import { Lock } from 'lucide-react'

import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { permissionName } from '../session/queries.ts'
import { useUser } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { siteRolesQuery } from './queries.ts'
import { roleTitle } from './user-look.ts'

/** A page that the viewer may not open: who they are, what is missing, who has it, a way home (UI-313). */
export function NoPermission({ what, permission }: { readonly what: string; readonly permission: string }) {
  const user = useUser()
  const name = permissionName(permission)
  const roles = useQuery(siteRolesQuery).data ?? []
  const having = roles
    .filter(({ site_permissions }) =>
      site_permissions.some((one) => !one.negate && `${one.resource_type}:${one.action}` === name),
    )
    .map(roleTitle)
  return (
    <EmptyState
      page
      icon={Lock}
      title={`You may not ${what}`}
      action={
        <AppLink href={paths.workspaces()} className={buttonClass({ tone: 'primary' })}>
          Go to workspaces
        </AppLink>
      }
    >
      You are signed in as {user.username}. What is missing is the permission <code>{name}</code>
      {having.length === 0
        ? ''
        : `, which the ${having.length === 1 ? 'role' : 'roles'} ${ROLES_IN_WORDS.format(having)} ${having.length === 1 ? 'includes' : 'include'}`}
      ; an owner of the deployment can give it.
    </EmptyState>
  )
}

const ROLES_IN_WORDS = new Intl.ListFormat('en-GB')
