import { useMutation, useQuery } from '@tanstack/react-query'
import { Plug, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'

import {
  type MCPServerConfig,
  type Organization,
  testMcpServerConfig,
  updateMcpServerConfig,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { useRouteParam } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { toasts } from '../ui/toast.tsx'
import { UnsavedChanges } from '../ui/unsaved-changes.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { DeleteServerDialog } from './delete-server-dialog.tsx'
import { type McpPermissions, mcpServerQuery, refreshMcpServers } from './queries.ts'
import { ServerCheck } from './server-check.tsx'
import { changeOf, draftOf, endsConnections, isSameServer } from './server-draft.ts'
import { ServerForm } from './server-form.tsx'
import { ServerSharing } from './server-sharing.tsx'
import { serverLook } from './server-words.ts'
import { useChosenOrganization } from './use-chosen-organization.ts'

interface ServerProps {
  readonly server: MCPServerConfig
  readonly organization: Organization
  readonly may: McpPermissions
}

/** `/ai/settings/mcp-servers/{id}?org=`: how a server does, what is said about it, and whose chats may use it. */
export function McpServerPage() {
  const id = useRouteParam('server')
  const { choices, organization, may, error, retry } = useChosenOrganization()
  const server = useQuery({
    ...mcpServerQuery(organization?.id ?? '', id),
    enabled: organization !== undefined,
  })
  if (choices !== undefined && organization === undefined)
    return <NoPermission what="manage MCP servers" permission="mcp_server_config:read" />
  if (choices === undefined && error !== null)
    return <ErrorPage title="The organizations could not be read" error={error} onRetry={retry} />
  if (organization !== undefined && may !== undefined && server.data !== undefined)
    return <Server key={server.data.id} server={server.data} organization={organization} may={may} />
  if (!server.isError) return <PageSkeleton />
  if (statusOf(server.error) !== 404)
    return (
      <ErrorPage
        title="The MCP server could not be read"
        error={server.error}
        onRetry={() => void server.refetch()}
      />
    )
  return (
    <EmptyState
      page
      icon={Plug}
      title="There is no such MCP server"
      action={
        <AppLink
          href={paths.mcpServers({ ...(organization === undefined ? {} : { org: organization.name }) })}
          className={buttonClass({ tone: 'primary' })}
        >
          All MCP servers
        </AppLink>
      }
    >
      It was deleted, belongs to another organization, or you may not see it.
    </EmptyState>
  )
}

function Server({ server, organization, may }: ServerProps) {
  const go = useGo()
  const [doomed, setDoomed] = useState(false)
  const org = organization.name
  const test = useMutation({
    mutationFn: () =>
      api.call(testMcpServerConfig, {
        params: { organization: organization.id, mcpserverconfig: server.id },
        body: {},
      }),
    onSuccess: refreshMcpServers,
  })
  return (
    <Page width="narrow">
      <div className="pb-3">
        <Breadcrumbs
          above={[{ label: 'MCP servers', href: paths.mcpServers({ org }) }]}
          here={server.display_name}
        />
      </div>
      <PageHeader
        title={server.display_name}
        documentTitle={`${server.display_name} - MCP servers`}
        lead={
          <span className="inline-flex size-11 shrink-0 items-center justify-center rounded-card border border-line bg-surface">
            <ThingIcon src={server.icon_url} className="size-6" />
          </span>
        }
        badge={<StateBadge look={serverLook(server)} />}
        context={<span className="line-clamp-2">{server.description || server.url || server.slug}</span>}
        actions={
          may.delete ? (
            <Button icon={<Trash2 className="size-4" strokeWidth={1.75} />} onClick={() => setDoomed(true)}>
              Delete
            </Button>
          ) : null
        }
      />
      <div className="flex flex-col gap-4">
        <ServerCheck server={server} test={test} />
        {may.share ? <ServerSharing server={server} organization={organization} /> : null}
        {may.update ? (
          <Edit
            server={server}
            organization={organization}
            tools={test.data?.ok === true ? test.data.tools : undefined}
          />
        ) : (
          <Notice tone="info" title="You can view this server, but not change it">
            What is missing is the permission <code>mcp_server_config:update</code> in this organization.
          </Notice>
        )}
      </div>
      {doomed ? (
        <DeleteServerDialog
          server={server}
          onClose={() => setDoomed(false)}
          onDeleted={() => go(paths.mcpServers({ org }), { replace: true })}
        />
      ) : null}
    </Page>
  )
}

function Edit({
  server,
  organization,
  tools,
}: Omit<ServerProps, 'may'> & Pick<Parameters<typeof ServerForm>[0], 'tools'>) {
  const saved = draftOf(server)
  const [draft, setDraft] = useState(saved)
  const changed = useRef(false)
  const same = isSameServer(saved, draft)
  const save = useMutation({
    mutationFn: () =>
      api.call(updateMcpServerConfig, {
        params: { organization: organization.id, mcpserverconfig: server.id },
        body: changeOf(draft, server),
      }),
    onSuccess: async (next) => {
      changed.current = false
      setDraft(draftOf(next))
      queries.setQueryData(mcpServerQuery(organization.id, next.id).queryKey, next)
      toasts.done(`The MCP server ${next.display_name} was saved`)
      await refreshMcpServers()
    },
  })
  const discard = () => {
    setDraft(saved)
    changed.current = false
    save.reset()
  }
  return (
    <>
      <ServerForm
        draft={draft}
        onChange={(patch) => {
          const next = { ...draft, ...patch }
          setDraft(next)
          changed.current = !isSameServer(saved, next)
        }}
        stored={server}
        tools={tools}
        verb="Save server"
        failure="The server was not saved"
        busy={save.isPending}
        error={save.error}
        notice={
          endsConnections(saved, draft) ? (
            <Notice tone="warn" title="Everybody will have to connect again">
              Everybody’s connections to this server end when you save, because they are for another address
              or client.
            </Notice>
          ) : null
        }
        cancel={same ? null : <Button onClick={discard}>Discard changes</Button>}
        onSubmit={() => save.mutate()}
      />
      <UnsavedChanges changed={changed} what={server.display_name} />
    </>
  )
}
