import { useQuery } from '@tanstack/react-query'
import { SearchX } from 'lucide-react'
import type { ReactNode } from 'react'

import type { Group } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { groupQuery } from './queries.ts'

/** The group of the address; until it is there, what to show in its place. */
export function useGroup():
  | { readonly group: Group; readonly instead?: undefined }
  | { readonly group?: undefined; readonly instead: ReactNode } {
  const name = useRouteParam('group')
  const { organization } = useOrganization()
  const question = useQuery(groupQuery(organization.id, name))
  if (question.data !== undefined) return { group: question.data }
  if (!question.isError) return { instead: <PageSkeleton /> }
  if (statusOf(question.error) !== 404)
    return {
      instead: (
        <ErrorPage
          title="The group could not be read"
          error={question.error}
          onRetry={() => void question.refetch()}
        />
      ),
    }
  return {
    instead: (
      <EmptyState
        page
        icon={SearchX}
        title={`There is no group ${name}`}
        action={
          <AppLink
            href={paths.organizationPage(organization.name, 'groups')}
            className={buttonClass({ tone: 'primary' })}
          >
            See all groups
          </AppLink>
        }
      >
        It may have been renamed or deleted, or you may not see it.
      </EmptyState>
    ),
  }
}
