import { useQuery } from '@tanstack/react-query'
import { Plus, ShieldCheck, Trash2 } from 'lucide-react'
import { useState } from 'react'

import type { AssignableRoles } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationPage } from '../organizations/organization-page.tsx'
import { roleAbout, roleTitle } from '../organizations/role-words.ts'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { DeleteRoleDialog } from './delete-role-dialog.tsx'
import { rolesQuery } from './queries.ts'

/** `/organizations/{org}/roles`: the organization's own roles and the built-in ones (UI-1402). */
export function RolesPage() {
  const { organization, may } = useOrganization()
  const roles = useQuery({ ...rolesQuery(organization.id), enabled: may.viewOrgRoles })
  const [doomed, setDoomed] = useState<AssignableRoles>()
  const create = may.createOrgRoles ? (
    <AppLink href={paths.newRole(organization.name)} className={buttonClass({ tone: 'primary' })}>
      <Plus className="size-4" /> New role
    </AppLink>
  ) : null
  const columns = columnsOf(organization.name, organization.default_org_member_roles)
  return (
    <OrganizationPage
      page="roles"
      lack={may.viewOrgRoles ? undefined : { what: 'see the roles', permission: 'assign_org_role:read' }}
      // An empty list offers it itself.
      actions={roles.data?.some((role) => !role.built_in) === true ? create : null}
    >
      {roles.isError && roles.data === undefined ? (
        <ErrorNotice
          error={roles.error}
          title="The roles could not be read"
          onRetry={() => void roles.refetch()}
        />
      ) : (
        <div className="flex flex-col gap-6">
          <Section title="Custom roles" help="For what the built-in roles do not cover." flush>
            <Table
              label="Custom roles"
              columns={columns}
              rows={roles.data?.filter((role) => !role.built_in)}
              rowKey={(row) => row.name}
              rowLabel={roleTitle}
              {...(may.deleteOrgRoles
                ? {
                    actions: (row: AssignableRoles) => (
                      <Button
                        tone="quiet"
                        size="icon"
                        aria-label={`Delete ${roleTitle(row)}`}
                        title="Delete"
                        onClick={() => setDoomed(row)}
                        icon={<Trash2 className="size-4" strokeWidth={1.75} />}
                      />
                    ),
                  }
                : {})}
              empty={
                <EmptyState icon={ShieldCheck} title="No custom roles yet" action={create}>
                  A role is a set of permissions to assign to members, such as a release bot that only updates
                  templates.
                </EmptyState>
              }
            />
          </Section>
          <Section title="Built-in roles" help="The same in every organization." flush>
            <Table
              label="Built-in roles"
              columns={columns}
              rows={roles.data?.filter((role) => role.built_in)}
              rowKey={(row) => row.name}
              rowLabel={roleTitle}
              // Keeps the columns of both tables in line.
              {...(may.deleteOrgRoles ? { actions: () => <span className="block w-8" /> } : {})}
              empty={null}
            />
          </Section>
        </div>
      )}
      {doomed === undefined ? null : <DeleteRoleDialog role={doomed} onClose={() => setDoomed(undefined)} />}
    </OrganizationPage>
  )
}

function columnsOf(organization: string, given: readonly string[]): readonly Column<AssignableRoles>[] {
  return [
    {
      id: 'name',
      header: 'Role',
      cell: (row) => (
        <span className="flex min-w-0 flex-col py-1.5">
          <span className="flex min-w-0 flex-wrap items-center gap-x-2">
            <AppLink
              href={paths.role(organization, row.name)}
              className="truncate font-medium hover:text-accent"
            >
              <bdi>{roleTitle(row)}</bdi>
            </AppLink>
            {given.includes(row.name) ? <Mark>Every member</Mark> : null}
          </span>
          <span className="text-xs text-ink-2">{roleAbout(row)}</span>
        </span>
      ),
    },
    {
      id: 'id',
      header: 'Name in claims and the API',
      from: 'lg',
      cell: (row) => <code className="block w-64 truncate text-ink-2">{row.name}</code>,
    },
  ]
}
