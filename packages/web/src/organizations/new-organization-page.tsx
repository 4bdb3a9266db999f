import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { createOrganization } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { NoPermission } from '../users/no-permission.tsx'
import { OrganizationFields, trimmed } from './organization-fields.tsx'
import { refreshOrganizations } from './queries.ts'

/** `/organizations/new` (UI-1402). */
export function NewOrganizationPage() {
  const allowed = usePermissions()?.createOrganization
  const go = useGo()
  const online = useOnline()
  const [values, setValues] = useState({ name: '', display_name: '', description: '', icon: '' })
  const create = useMutation({
    mutationFn: () => api.call(createOrganization, { body: trimmed(values) }),
    onSuccess: async (organization) => {
      await refreshOrganizations()
      go(paths.organization(organization.name), { replace: true })
    },
  })
  const form = useInvalidFocus(create.error)
  if (allowed === undefined) return <PageSkeleton />
  if (!allowed) return <NoPermission what="create organizations" permission="createOrganization" />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!create.isPending) create.mutate()
  }
  return (
    <Page width="narrow">
      <PageHeader
        title="New organization"
        documentTitle="New organization - Organizations"
        context="With its own members, groups, roles, templates and workspaces"
      />
      <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={create.error} title="The organization was not created" />
        <Section title="Organization">
          <OrganizationFields values={values} onChange={setValues} error={create.error} renaming={false} />
        </Section>
        <p className="text-sm text-ink-2">
          You become its first member. Everybody who is added may create workspaces; change that in its
          settings.
        </p>
        <div className="flex justify-end gap-2">
          <AppLink href={paths.organizations()} className={buttonClass({})}>
            Cancel
          </AppLink>
          <Button type="submit" tone="primary" busy={create.isPending} disabled={!online}>
            Create organization
          </Button>
        </div>
      </form>
    </Page>
  )
}
