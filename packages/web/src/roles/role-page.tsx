import { useQuery } from '@tanstack/react-query'
import { SearchX, Trash2 } from 'lucide-react'
import { useState } from 'react'

import { useRouteParam } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationThingPage } from '../organizations/organization-page.tsx'
import { roleAbout, roleTitle } from '../organizations/role-words.ts'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { DeleteRoleDialog } from './delete-role-dialog.tsx'
import { PermissionList } from './permission-list.tsx'
import { rolesQuery } from './queries.ts'
import { RoleForm } from './role-form.tsx'

/** `/organizations/{org}/roles/create`. */
export function NewRolePage() {
  const { may } = useOrganization()
  return (
    <OrganizationThingPage
      section="roles"
      title="New role"
      context="A set of permissions for members of this organization"
      lack={may.createOrgRoles ? undefined : { what: 'create roles', permission: 'assign_org_role:create' }}
    >
      <RoleForm />
    </OrganizationThingPage>
  )
}

/** `/organizations/{org}/roles/{role}`: to change it, or to read what it permits. */
export function RolePage() {
  const { organization, may } = useOrganization()
  const go = useGo()
  const name = useRouteParam('role')
  const roles = useQuery({ ...rolesQuery(organization.id), enabled: may.viewOrgRoles })
  const [asking, setAsking] = useState(false)
  const role = roles.data?.find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (may.viewOrgRoles && role === undefined) {
    if (roles.isError)
      return (
        <ErrorPage
          title="The role could not be read"
          error={roles.error}
          onRetry={() => void roles.refetch()}
        />
      )
    if (roles.data === undefined) return <PageSkeleton />
    return (
      <EmptyState
        page
        icon={SearchX}
        title={`There is no role ${name}`}
        action={
          <AppLink
            href={paths.organizationPage(organization.name, 'roles')}
            className={buttonClass({ tone: 'primary' })}
          >
            See all roles
          </AppLink>
        }
      >
        It may have been deleted.
      </EmptyState>
    )
  }
  const editable = role !== undefined && !role.built_in && may.updateOrgRoles
  return (
    <OrganizationThingPage
      section="roles"
      title={role === undefined ? name : roleTitle(role)}
      badge={role?.built_in === true ? <Mark>Built-in</Mark> : undefined}
      context={role === undefined ? undefined : roleAbout(role)}
      actions={
        role !== undefined && !role.built_in && may.deleteOrgRoles ? (
          <Button icon={<Trash2 className="size-4" strokeWidth={1.75} />} onClick={() => setAsking(true)}>
            Delete
          </Button>
        ) : null
      }
      {...(editable ? {} : { width: 'narrow' })}
      lack={may.viewOrgRoles ? undefined : { what: 'see the roles', permission: 'assign_org_role:read' }}
    >
      {role === undefined ? null : editable ? (
        <RoleForm key={role.name} role={role} />
      ) : (
        <Section
          title="Permissions"
          {...(role.built_in ? { help: 'Built into Slipway. For anything else, create a custom role.' } : {})}
        >
          <PermissionList role={role} />
        </Section>
      )}
      {asking && role !== undefined ? (
        <DeleteRoleDialog
          role={role}
          onClose={() => setAsking(false)}
          onDeleted={() => go(paths.organizationPage(organization.name, 'roles'), { replace: true })}
        />
      ) : null}
    </OrganizationThingPage>
  )
}
