import { useQuery } from '@tanstack/react-query'

import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationPage } from '../organizations/organization-page.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { GroupSyncForm } from './group-sync-form.tsx'
import { groupSyncQuery, roleSyncQuery } from './queries.ts'
import { RoleSyncForm } from './role-sync-form.tsx'

/** `/organizations/{org}/idp-sync`: which groups and roles claims of an identity provider give (UI-1402). */
export function IdpSyncPage() {
  const { may } = useOrganization()
  const [search, change] = useAddress()
  const tab = search.tab === 'roles' ? 'roles' : 'groups'
  const deployment = usePermissions()?.viewOrganizationIDPSyncSettings === true
  return (
    <OrganizationPage
      page="idp-sync"
      lack={
        may.viewIdpSyncSettings
          ? undefined
          : { what: 'see the identity provider sync', permission: 'idpsync_settings:read' }
      }
    >
      <div className="mb-5 flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
        <Segmented
          label="What claims give"
          value={tab}
          onChange={(next) => change({ tab: next })}
          options={[
            { id: 'groups', label: 'Groups' },
            { id: 'roles', label: 'Roles' },
          ]}
        />
        {deployment ? (
          <AppLink href={paths.idpOrganizationSync()} className="link text-sm">
            Organizations by claims
          </AppLink>
        ) : null}
      </div>
      {tab === 'groups' ? <Groups /> : <Roles />}
    </OrganizationPage>
  )
}

function Groups() {
  const { organization } = useOrganization()
  const settings = useQuery(groupSyncQuery(organization.id))
  if (settings.data === undefined) return <Waiting question={settings} />
  return <GroupSyncForm key={organization.id} stored={settings.data} />
}

function Roles() {
  const { organization } = useOrganization()
  const settings = useQuery(roleSyncQuery(organization.id))
  if (settings.data === undefined) return <Waiting question={settings} />
  return <RoleSyncForm key={organization.id} stored={settings.data} />
}

function Waiting({
  question,
}: {
  readonly question: { readonly error: unknown; readonly isError: boolean; readonly refetch: () => unknown }
}) {
  return question.isError ? (
    <ErrorNotice
      error={question.error}
      title="The settings could not be read"
      onRetry={() => void question.refetch()}
    />
  ) : (
    <AfterDelay>
      <div className="skeleton h-96 rounded-card" />
    </AfterDelay>
  )
}
