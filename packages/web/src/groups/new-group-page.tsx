import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { createGroup } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationThingPage } from '../organizations/organization-page.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { GroupFields, type GroupValues } from './group-fields.tsx'
import { refreshGroups } from './queries.ts'

const EMPTY: GroupValues = { name: '', display_name: '', avatar_url: '', quota: '0' }

/** `/organizations/{org}/groups/create`. */
export function NewGroupPage() {
  const { organization, may } = useOrganization()
  const go = useGo()
  const online = useOnline()
  const [values, setValues] = useState(EMPTY)
  const create = useMutation({
    mutationFn: () =>
      api.call(createGroup, {
        params: { organization: organization.id },
        body: {
          name: values.name.trim(),
          display_name: values.display_name.trim(),
          avatar_url: values.avatar_url.trim(),
          quota_allowance: Number(values.quota),
        },
      }),
    onSuccess: async (group) => {
      await refreshGroups(organization.id)
      go(paths.group(organization.name, group.name), { replace: true })
    },
  })
  const form = useInvalidFocus(create.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!create.isPending) create.mutate()
  }
  return (
    <OrganizationThingPage
      section="groups"
      title="New group"
      width="narrow"
      context="Members who share templates, workspaces and a budget"
      lack={may.createGroup ? undefined : { what: 'create groups', permission: 'group:create' }}
    >
      <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={create.error} title="The group was not created" />
        <Section title="Group">
          <GroupFields values={values} onChange={setValues} error={create.error} renaming={false} />
        </Section>
        <div className="flex justify-end gap-2">
          <AppLink href={paths.organizationPage(organization.name, 'groups')} className={buttonClass({})}>
            Cancel
          </AppLink>
          <Button type="submit" tone="primary" busy={create.isPending} disabled={!online}>
            Create group
          </Button>
        </div>
      </form>
    </OrganizationThingPage>
  )
}
