import { Building2, Plus } from 'lucide-react'
import { useEffect } from 'react'

import { AppLink, useGo } from '../navigation/app-link.tsx'
import { type OrganizationPage, paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { openPages } from './first-page.ts'
import { useOrganizations } from './use-organizations.ts'

/** `/organizations`: leads to the first organization of which the viewer may see something (UI-401). */
export function OrganizationsIndex() {
  return <FirstOrganization />
}

/** `/deployment/groups`: leads to the groups of the first organization (UI-401). */
export function DeploymentGroups() {
  const allowed = usePermissions()?.viewAnyGroup
  if (allowed === undefined) return <PageSkeleton />
  return allowed ? (
    <FirstOrganization wanted="groups" />
  ) : (
    <NoPermission what="see all groups" permission="viewAnyGroup" />
  )
}

function FirstOrganization({ wanted }: { readonly wanted?: OrganizationPage }) {
  const go = useGo()
  const mayCreate = usePermissions()?.createOrganization === true
  const { organizations, permissions, error, retry } = useOrganizations()
  const targets = (organizations ?? []).flatMap((organization) => {
    const may = permissions?.get(organization.id)
    const open = may === undefined ? [] : openPages(may)
    const page = wanted !== undefined && open.includes(wanted) ? wanted : open[0]
    return page === undefined
      ? []
      : [{ first: organization.is_default, href: paths.organizationPage(organization.name, page) }]
  })
  const href = (targets.find(({ first }) => first) ?? targets[0])?.href
  // biome-ignore lint/correctness/useExhaustiveDependencies: the way to go is new at every rendering
  useEffect(() => {
    if (href !== undefined) go(href, { replace: true })
  }, [href])
  if (error !== null && href === undefined)
    return <ErrorPage title="The organizations could not be read" error={error} onRetry={retry} />
  if (href !== undefined || permissions === undefined) return <PageSkeleton />
  return (
    <EmptyState
      page
      icon={Building2}
      title="You are not in any organization"
      action={
        mayCreate ? (
          <AppLink href={paths.newOrganization()} className={buttonClass({ tone: 'primary' })}>
            <Plus className="size-4" /> New organization
          </AppLink>
        ) : undefined
      }
    >
      Workspaces, templates and groups belong to organizations. Ask an administrator to add you to one.
    </EmptyState>
  )
}
