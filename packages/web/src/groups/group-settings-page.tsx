import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'

import { type Group, updateGroup } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationThingPage } from '../organizations/organization-page.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { useInvalidFocus } from '../ui/use-invalid-focus.ts'
import { DeleteGroupDialog } from './delete-group-dialog.tsx'
import { GroupFields } from './group-fields.tsx'
import { groupTitle, isEveryone } from './group-words.ts'
import { refreshGroups } from './queries.ts'
import { useGroup } from './use-group.tsx'

/** `/organizations/{org}/groups/{group}/settings`. */
export function GroupSettingsPage() {
  const { group, instead } = useGroup()
  return group === undefined ? instead : <Settings key={group.id} group={group} />
}

function Settings({ group }: { readonly group: Group }) {
  const { organization, may } = useOrganization()
  const go = useGo()
  const online = useOnline()
  const [asking, setAsking] = useState(false)
  const [values, setValues] = useState({
    name: group.name,
    display_name: group.display_name,
    avatar_url: group.avatar_url,
    quota: String(group.quota_allowance),
  })
  const everyone = isEveryone(group)
  const save = useMutation({
    mutationFn: () =>
      api.call(updateGroup, {
        params: { group: group.id },
        body: {
          quota_allowance: Number(values.quota),
          ...(everyone
            ? {}
            : {
                name: values.name.trim(),
                display_name: values.display_name.trim(),
                avatar_url: values.avatar_url.trim(),
              }),
        },
      }),
    onSuccess: async (saved) => {
      go(paths.group(organization.name, saved.name))
      if (saved.name !== group.name)
        queries.removeQueries({ queryKey: ['group', organization.id, group.name] })
      await refreshGroups(organization.id)
      toasts.done(`${groupTitle(saved)} saved`)
    },
  })
  const same =
    values.name === group.name &&
    values.display_name === group.display_name &&
    values.avatar_url === group.avatar_url &&
    values.quota === String(group.quota_allowance)
  const form = useInvalidFocus(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  return (
    <OrganizationThingPage
      section="groups"
      above={[{ label: groupTitle(group), href: paths.group(organization.name, group.name) }]}
      title="Settings"
      width="narrow"
      context={`Group ${groupTitle(group)}`}
      lack={may.editGroups ? undefined : { what: 'change this group', permission: 'group:update' }}
    >
      <div className="flex flex-col gap-4">
        <form ref={form} onSubmit={submit} className="flex flex-col gap-4">
          <ErrorNotice error={save.error} title="The group was not saved" />
          <Section
            title={everyone ? 'Budget' : 'Group'}
            {...(everyone
              ? { help: 'The name, icon and members of this group are those of the organization.' }
              : {})}
          >
            <GroupFields
              values={values}
              onChange={setValues}
              error={save.error}
              renaming
              quotaOnly={everyone}
            />
          </Section>
          <div className="flex justify-end gap-2">
            <AppLink href={paths.group(organization.name, group.name)} className={buttonClass({})}>
              Cancel
            </AppLink>
            <Button type="submit" tone="primary" busy={save.isPending} disabled={!online || same}>
              Save group
            </Button>
          </div>
        </form>
        {may.deleteGroups && !everyone ? (
          <Section title="Delete">
            <div className="flex flex-wrap items-center gap-x-6 gap-y-3">
              <p className="min-w-0 flex-1 basis-64 text-sm text-ink-2">
                Its members stay in the organization and lose what only this group gives them.
              </p>
              <Button tone="danger" disabled={!online} onClick={() => setAsking(true)}>
                Delete group
              </Button>
            </div>
          </Section>
        ) : null}
      </div>
      {asking ? (
        <DeleteGroupDialog
          group={group}
          onClose={() => setAsking(false)}
          onDeleted={() => go(paths.organizationPage(organization.name, 'groups'), { replace: true })}
        />
      ) : null}
    </OrganizationThingPage>
  )
}
