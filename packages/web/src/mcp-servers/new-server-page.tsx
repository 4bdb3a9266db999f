import { useMutation } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import { createMcpServerConfig, type Organization } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { organizationTitle } from '../organizations/organization-titles.ts'
import { paths } from '../paths.ts'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { buttonClass } from '../ui/button.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { mcpServerQuery } from './queries.ts'
import { creationOf, isSameServer, NEW_SERVER, type ServerDraft, suggestedSlug } from './server-draft.ts'
import { ServerForm } from './server-form.tsx'
import { useChosenOrganization } from './use-chosen-organization.ts'

/** `/ai/settings/mcp-servers/add?org=`. */
export function NewMcpServerPage() {
  const { choices, organization, may, error, retry } = useChosenOrganization()
  if (choices === undefined && error !== null)
    return <ErrorPage title="The organizations could not be read" error={error} onRetry={retry} />
  if (choices === undefined || (organization !== undefined && may === undefined)) return <PageSkeleton />
  return organization === undefined || may?.create !== true ? (
    <NoPermission what="add MCP servers" permission="mcp_server_config:create" />
  ) : (
    <NewServer key={organization.id} organization={organization} />
  )
}

function NewServer({ organization }: { readonly organization: Organization }) {
  const go = useGo()
  const [typed, setTyped] = useState<ServerDraft>(NEW_SERVER)
  const [ownSlug, setOwnSlug] = useState<string>()
  const draft = { ...typed, slug: ownSlug ?? suggestedSlug(typed.display_name) }
  const changed = useRef(false)
  const org = organization.name
  const create = useMutation({
    mutationFn: () =>
      api.call(createMcpServerConfig, {
        params: { organization: organization.id },
        body: creationOf(draft),
      }),
    onSuccess: (made) => {
      changed.current = false
      queries.setQueryData(mcpServerQuery(organization.id, made.id).queryKey, made)
      void queries.invalidateQueries({ queryKey: ['mcp-servers'] })
      toasts.done(`The MCP server ${made.display_name} was created`)
      go(paths.mcpServer(made.id, { org }), { replace: true })
    },
  })
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs above={[{ label: 'MCP servers', href: paths.mcpServers({ org }) }]} here="New server" />
      </div>
      <PageHeader
        title="New MCP server"
        documentTitle="New MCP server - MCP servers"
        context={`For chats in ${organizationTitle(organization)}. At first, every member may use it`}
      />
      <ServerForm
        draft={draft}
        onChange={(patch) => {
          if (patch.slug !== undefined) setOwnSlug(patch.slug)
          const next = { ...typed, ...patch }
          setTyped(next)
          changed.current = !isSameServer(NEW_SERVER, { ...next, slug: '' })
        }}
        stored={undefined}
        tools={undefined}
        verb="Create server"
        failure="The server was not created"
        busy={create.isPending}
        error={create.error}
        cancel={
          <AppLink href={paths.mcpServers({ org })} className={buttonClass({})}>
            Cancel
          </AppLink>
        }
        onSubmit={() => create.mutate()}
      />
      <UnsavedChanges changed={changed} what="the new server" />
    </Page>
  )
}
