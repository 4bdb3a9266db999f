import { Outlet } from '@tanstack/react-router'
import { Building2 } from 'lucide-react'

import { useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { OrganizationContext } from './organization-context.ts'
import { useOrganizations } from './use-organizations.ts'

/** `/organizations/{org}` and all below: which organization it is, and what the viewer may do in it. */
export function OrganizationLayout() {
  const name = useRouteParam('organization')
  const { organizations, permissions, error, retry } = useOrganizations()
  const organization =
    organizations?.find((one) => one.name === name) ?? organizations?.find((one) => one.id === name)
  const may = organization === undefined ? undefined : permissions?.get(organization.id)
  if (organizations !== undefined && organization === undefined)
    return (
      <EmptyState
        page
        icon={Building2}
        title={`There is no organization ${name}`}
        action={
          <AppLink href={paths.organizations()} className={buttonClass({ tone: 'primary' })}>
            See your organizations
          </AppLink>
        }
      >
        It may have been renamed or deleted, or you are not a member of it.
      </EmptyState>
    )
  if (organization === undefined || may === undefined)
    return error === null ? (
      <PageSkeleton />
    ) : (
      <ErrorPage title="The organization could not be read" error={error} onRetry={retry} />
    )
  return (
    <OrganizationContext value={{ organization, may }}>
      <Outlet />
    </OrganizationContext>
  )
}
