import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import {
  deleteOrganization,
  listGroupsPaged,
  listMembersPaged,
  listOrganizationTemplates,
  listWorkspaces,
  type Organization,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { useOrganization } from './organization-context.ts'
import { organizationTitle } from './organization-titles.ts'
import { refreshOrganizations } from './queries.ts'
import { count } from './role-words.ts'

/** What has to go before an organization can, as far as the viewer may count it (WS-44). */
function contentsQuery({ id, name }: Organization) {
  return {
    queryKey: ['organization-contents', id],
    queryFn: async ({ signal }: { readonly signal: AbortSignal }) => {
      const params = { organization: id }
      const [workspaces, templates, groups, members] = await Promise.all([
        api.call(listWorkspaces, { query: { q: `organization:${name}`, limit: 1 }, signal }),
        api.call(listOrganizationTemplates, { params, signal }),
        api.call(listGroupsPaged, { params, query: { limit: 1 }, signal }),
        api.call(listMembersPaged, { params, query: { limit: 1 }, signal }),
      ])
      return {
        workspaces: workspaces.count,
        templates: templates.length,
        // Everyone goes with the organization.
        groups: groups.count - 1,
        // One member may stay: who deletes it is often the last one.
        members: members.count > 1 ? members.count : 0,
      }
    },
  }
}

/** Ends an organization that holds nothing any more, once its name was typed (UI-506). */
export function DeleteOrganization() {
  const { organization } = useOrganization()
  const go = useGo()
  const online = useOnline()
  const [asking, setAsking] = useState(false)
  const contents = useQuery({ ...contentsQuery(organization), enabled: !organization.is_default })
  const remove = useMutation({
    mutationFn: () => api.call(deleteOrganization, { params: { organization: organization.id } }),
    onSuccess: async () => {
      go(paths.organizations(), { replace: true })
      await refreshOrganizations()
      toasts.done(`${organizationTitle(organization)} was deleted`)
    },
  })
  const left = contents.data === undefined ? [] : leftOf(organization, contents.data)
  return (
    <Section title="Delete">
      <div className="flex flex-wrap items-start gap-x-6 gap-y-3">
        <div className="min-w-0 flex-1 basis-64 text-sm text-ink-2">
          {organization.is_default ? (
            <p>This is the default organization: it cannot be deleted.</p>
          ) : left.length > 0 ? (
            <>
              <p>It can be deleted once it is empty. Still in it:</p>
              <ul className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1">
                {left.map(({ label, href }) => (
                  <li key={label}>
                    <AppLink href={href} className="link">
                      {label}
                    </AppLink>
                  </li>
                ))}
              </ul>
            </>
          ) : (
            <p>The organization, its roles and its settings are gone for good.</p>
          )}
        </div>
        <Button
          tone="danger"
          disabled={!online || organization.is_default || left.length > 0}
          onClick={() => setAsking(true)}
        >
          Delete organization
        </Button>
      </div>
      <ConfirmDialog
        open={asking}
        onClose={() => {
          setAsking(false)
          remove.reset()
        }}
        title={`Delete ${organizationTitle(organization)}?`}
        description="Its custom roles, its identity provider settings and its Everyone group go with it. This cannot be undone."
        verb="Delete organization"
        danger
        typedName={organization.name}
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </Section>
  )
}

function leftOf(
  { name }: Organization,
  contents: Readonly<Record<'workspaces' | 'templates' | 'groups' | 'members', number>>,
): readonly { readonly label: string; readonly href: string }[] {
  return [
    {
      number: contents.workspaces,
      what: 'workspace',
      href: paths.workspaces({ filter: `organization:${name}` }),
    },
    {
      number: contents.templates,
      what: 'template',
      href: paths.templates({ filter: `organization:${name}` }),
    },
    { number: contents.groups, what: 'group', href: paths.organizationPage(name, 'groups') },
    { number: contents.members, what: 'member', href: paths.organization(name) },
  ]
    .filter(({ number }) => number > 0)
    .map(({ number, what, href }) => ({ label: count(number, what), href }))
}
