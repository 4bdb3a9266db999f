import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import {
  explainOrganizationSync,
  type OrganizationSyncSettings,
  updateOrganizationSync,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { organizationTitle } from '../organizations/organization-titles.ts'
import { organizationsQuery } from '../session/queries.ts'
import { usePermissions } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { LabelledToggle } from '../ui/form.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { inOrder, type Mapping, sent } from './mapping.ts'
import { organizationSyncQuery } from './queries.ts'
import { SyncForm } from './sync-form.tsx'
import { useKnownClaims } from './use-known-claims.ts'

/** `/deployment/idp-org-sync`: which organizations claims of an identity provider give (UI-1402). */
export function OrganizationSyncPage() {
  const allowed = usePermissions()?.viewOrganizationIDPSyncSettings
  const settings = useQuery({ ...organizationSyncQuery, enabled: allowed === true })
  if (allowed === undefined) return <PageSkeleton />
  if (!allowed)
    return <NoPermission what="see the organization sync" permission="viewOrganizationIDPSyncSettings" />
  if (settings.data === undefined && !settings.isError) return <PageSkeleton />
  return (
    <Page>
      <PageHeader
        title="Organizations by claims"
        documentTitle="Organizations by claims - Deployment"
        context="Decides which organizations people belong to when they sign in with OpenID Connect"
      />
      {settings.data === undefined ? (
        <ErrorNotice
          error={settings.error}
          title="The settings could not be read"
          onRetry={() => void settings.refetch()}
        />
      ) : (
        <Form stored={settings.data} />
      )}
    </Page>
  )
}

function Form({ stored }: { readonly stored: OrganizationSyncSettings }) {
  const [values, setValues] = useState<{ readonly field: string; readonly mapping: Mapping }>({
    field: stored.field,
    mapping: inOrder(stored.mapping),
  })
  const [assign, setAssign] = useState(stored.organization_assign_default)
  const organizations = useQuery(organizationsQuery)
  const known = useKnownClaims(values.field)
  const locked = useCheck('update', { resource_type: 'idpsync_settings' }) !== true
  const standard = organizations.data?.find(({ is_default }) => is_default)
  const settings = {
    field: values.field.trim(),
    mapping: sent(values.mapping),
    organization_assign_default: assign,
  }
  const save = useMutation({
    mutationFn: () => api.call(updateOrganizationSync, { body: settings }),
    onSuccess: (saved) => {
      queries.setQueryData(organizationSyncQuery.queryKey, saved)
      toasts.done('Organization sync saved')
    },
  })
  return (
    <SyncForm
      what="organization"
      about="Its values decide which organizations a person is in, at every sign-in. Members cannot be added by hand then."
      otherwise="A value that is not mapped has no effect."
      values={values}
      onChange={setValues}
      targets={organizations.data?.map((organization) => ({
        id: organization.id,
        label: organizationTitle(organization),
      }))}
      known={known}
      locked={locked}
      saving={save.isPending}
      error={save.error}
      onSave={() => save.mutate()}
      exported={{ file: 'idp-sync-organizations.json', settings }}
      explain={(trial) => api.call(explainOrganizationSync, { body: { ...trial, settings } })}
      more={
        <LabelledToggle
          kind="switch"
          label={`Everybody is in ${standard === undefined ? 'the default organization' : organizationTitle(standard)}`}
          help="Whatever the claim says. Otherwise, people without a mapped value are in no organization."
          checked={assign}
          disabled={locked}
          onChange={setAssign}
        />
      }
    />
  )
}
