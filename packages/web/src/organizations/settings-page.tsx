import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { updateOrganization } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { DeleteOrganization } from './delete-organization.tsx'
import { MemberRoleChoices } from './member-role-choices.tsx'
import { useOrganization } from './organization-context.ts'
import { OrganizationFields, trimmed } from './organization-fields.tsx'
import { OrganizationPage } from './organization-page.tsx'
import { refreshOrganizations } from './queries.ts'
import { SharingPolicy } from './sharing-policy.tsx'

/** `/organizations/{org}/settings` (UI-1402). */
export function OrganizationSettingsPage() {
  const { organization, may } = useOrganization()
  const open = may.editSettings || may.deleteOrganization
  return (
    <OrganizationPage
      page="settings"
      lack={open ? undefined : { what: 'change the settings', permission: 'organization:update' }}
    >
      <div className="flex max-w-3xl flex-col gap-4">
        {may.editSettings ? (
          <>
            <General key={organization.id} />
            <DefaultRoles key={`roles ${organization.id}`} />
            <SharingPolicy />
          </>
        ) : null}
        {may.deleteOrganization ? <DeleteOrganization /> : null}
      </div>
    </OrganizationPage>
  )
}

function General() {
  const { organization } = useOrganization()
  const go = useGo()
  const online = useOnline()
  const { name, display_name, description, icon } = organization
  const [values, setValues] = useState({ name, display_name, description, icon })
  const save = useMutation({
    mutationFn: () => {
      const wanted = trimmed(values)
      return api.call(updateOrganization, {
        params: { organization: organization.id },
        // An empty display name would stay what it was.
        body: { ...wanted, display_name: wanted.display_name === '' ? wanted.name : wanted.display_name },
      })
    },
    onSuccess: async (saved) => {
      await refreshOrganizations()
      setValues({
        name: saved.name,
        display_name: saved.display_name,
        description: saved.description,
        icon: saved.icon,
      })
      if (saved.name !== organization.name)
        go(paths.organizationPage(saved.name, 'settings'), { replace: true })
      toasts.done('Organization saved')
    },
  })
  const same =
    values.name === name &&
    values.display_name === display_name &&
    values.description === description &&
    values.icon === icon
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  return (
    <Section title="General">
      <form ref={form} onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The organization was not saved" />
        <OrganizationFields values={values} onChange={setValues} error={save.error} renaming />
        <div className="flex justify-end">
          <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || same}>
            Save organization
          </Button>
        </div>
      </form>
    </Section>
  )
}

function DefaultRoles() {
  const { organization, may } = useOrganization()
  const online = useOnline()
  const [roles, setRoles] = useState<readonly string[]>(organization.default_org_member_roles)
  const save = useMutation({
    mutationFn: () =>
      api.call(updateOrganization, {
        params: { organization: organization.id },
        body: { default_org_member_roles: [...roles] },
      }),
    onSuccess: async () => {
      await refreshOrganizations()
      toasts.done('Default roles saved')
    },
  })
  if (!may.viewOrgRoles) return null
  const given = new Set(organization.default_org_member_roles)
  const same = roles.length === given.size && roles.every((role) => given.has(role))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  return (
    <Section title="Default roles" help="Every member has these, in addition to their own roles.">
      <form onSubmit={submit} className="flex flex-col gap-5">
        <ErrorNotice error={save.error} title="The roles were not saved" />
        <MemberRoleChoices organizationId={organization.id} value={roles} onChange={setRoles} />
        <div className="flex justify-end">
          <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || same}>
            Save roles
          </Button>
        </div>
      </form>
    </Section>
  )
}
