import { useMutation, useQuery } from '@tanstack/react-query'
import { Plug, Plus } from 'lucide-react'
import { useState } from 'react'

import { type MCPServerConfig, type Organization, updateMcpServerConfig } from '@slipway/contract'
import { AiTabs } from '../ai-providers/ai-tabs.tsx'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { OrganizationAutocomplete } from '../organizations/organization-autocomplete.tsx'
import { organizationTitle } from '../organizations/organization-titles.ts'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice, ErrorPage } from '../ui/error-notice.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { DeleteServerDialog } from './delete-server-dialog.tsx'
import { mayManageMcpServers } from './may-manage.ts'
import { type McpPermissions, mcpServersQuery, refreshMcpServers } from './queries.ts'
import { AUTH_TYPES, AVAILABILITIES, serverLook, wordFor } from './server-words.ts'
import { SEES_SERVERS, useChosenOrganization } from './use-chosen-organization.ts'

/** `/ai/settings/mcp-servers?org=`: servers outside whose tools chats of an organization may use (UI-1303). */
export function McpServersPage() {
  const permissions = usePermissions()
  const { choices, organization, may, error, retry, choose } = useChosenOrganization()
  if (permissions !== undefined && !mayManageMcpServers(permissions))
    return <NoPermission what="manage MCP servers" permission="viewAnyMCPServerConfigs" />
  if (choices === undefined && error !== null)
    return <ErrorPage title="The organizations could not be read" error={error} onRetry={retry} />
  if (permissions === undefined || choices === undefined) return <PageSkeleton />
  if (organization === undefined)
    return <NoPermission what="manage MCP servers" permission="mcp_server_config:read" />
  const create =
    may?.create === true ? (
      <AppLink
        href={paths.newMcpServer({ org: organization.name })}
        className={buttonClass({ tone: 'primary' })}
      >
        <Plus className="size-4" aria-hidden="true" /> New server
      </AppLink>
    ) : null
  return (
    <Page>
      <PageHeader
        title="MCP servers"
        documentTitle="MCP servers - AI"
        context="Systems whose tools chats can use, by organization"
        actions={create}
      />
      <AiTabs />
      {choices.length > 1 ? (
        <div className="mb-4 max-w-80">
          <OrganizationAutocomplete
            label="Organization"
            question={SEES_SERVERS}
            value={organization}
            onChange={choose}
          />
        </div>
      ) : null}
      {may === undefined ? null : <Servers key={organization.id} organization={organization} may={may} />}
    </Page>
  )
}

function Servers({
  organization,
  may,
}: {
  readonly organization: Organization
  readonly may: McpPermissions
}) {
  const online = useOnline()
  const go = useGo()
  const servers = useQuery(mcpServersQuery(organization.id))
  const [doomed, setDoomed] = useState<MCPServerConfig>()
  const turn = useMutation({
    mutationFn: ({ id, enabled }: MCPServerConfig) =>
      api.call(updateMcpServerConfig, {
        params: { organization: organization.id, mcpserverconfig: id },
        body: { enabled: !enabled },
      }),
    onSuccess: refreshMcpServers,
    onError: (error, { display_name: name }) => toasts.failed(`${name} was not changed`, error),
  })
  if (servers.isError && servers.data === undefined)
    return (
      <ErrorNotice
        error={servers.error}
        title="The MCP servers could not be read"
        onRetry={() => void servers.refetch()}
      />
    )
  return (
    <div className="rounded-card border border-line bg-surface">
      <Table
        label="MCP servers"
        columns={columnsOf(organization)}
        rows={servers.data}
        rowKey={(row) => row.id}
        rowLabel={(row) => row.display_name}
        {...(may.update || may.delete
          ? {
              actions: (row: MCPServerConfig) => (
                <Menu
                  label={`Actions for ${row.display_name}`}
                  groups={[
                    [
                      {
                        id: 'open',
                        label: 'Open',
                        onSelect: () => go(paths.mcpServer(row.id, { org: organization.name })),
                      },
                      ...(may.update
                        ? [
                            {
                              id: 'turn',
                              label: row.enabled ? 'Turn off' : 'Turn on',
                              disabled: !online,
                              onSelect: () => turn.mutate(row),
                            },
                          ]
                        : []),
                    ],
                    may.delete
                      ? [
                          {
                            id: 'delete',
                            label: 'Delete',
                            danger: true,
                            disabled: !online,
                            onSelect: () => setDoomed(row),
                          },
                        ]
                      : [],
                  ]}
                />
              ),
            }
          : {})}
        empty={
          <EmptyState
            icon={Plug}
            title="No MCP servers yet"
            action={
              may.create ? (
                <AppLink
                  href={paths.newMcpServer({ org: organization.name })}
                  className={buttonClass({ tone: 'primary' })}
                >
                  Add a server
                </AppLink>
              ) : null
            }
          >
            A server brings tools into the chats of {organizationTitle(organization)}: an issue tracker, a
            search, a database. Every member may use a new one until you restrict it.
          </EmptyState>
        }
      />
      {doomed === undefined ? null : (
        <DeleteServerDialog server={doomed} onClose={() => setDoomed(undefined)} />
      )}
    </div>
  )
}

function columnsOf(organization: Organization): readonly Column<MCPServerConfig>[] {
  return [
    {
      id: 'server',
      header: 'Server',
      cell: (row) => (
        <span className="flex min-w-0 items-center gap-3 py-1.5">
          <span className="inline-flex size-7 shrink-0 items-center justify-center rounded-control border border-line bg-bg">
            <ThingIcon src={row.icon_url} className="size-4" />
          </span>
          <span className="min-w-0">
            <AppLink
              href={paths.mcpServer(row.id, { org: organization.name })}
              className="block truncate font-medium hover:text-accent"
            >
              <bdi>{row.display_name}</bdi>
            </AppLink>
            {row.enabled && row.health.status === 'unhealthy' && row.health.error !== '' ? (
              <span className="block truncate text-xs text-bad" title={row.health.error}>
                {row.health.error}
              </span>
            ) : (
              <span className="block truncate text-xs text-ink-2">{row.url || row.description}</span>
            )}
          </span>
        </span>
      ),
    },
    {
      id: 'state',
      header: 'State',
      className: '@max-xl:pl-14',
      cell: (row) => <StateBadge look={serverLook(row)} />,
    },
    {
      id: 'auth',
      header: 'Sign-in',
      from: 'md',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">{wordFor(AUTH_TYPES, row.auth_type)}</span>
      ),
    },
    {
      id: 'availability',
      header: 'In chats',
      from: 'lg',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">{wordFor(AVAILABILITIES, row.availability)}</span>
      ),
    },
    {
      id: 'tools',
      header: 'Tools',
      align: 'end',
      from: 'lg',
      cell: (row) => (row.health.status === 'healthy' ? row.health.tool_count : ''),
    },
    {
      id: 'checked',
      header: 'Checked',
      from: 'xl',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          <TimeAgo time={row.health.checked_at ?? undefined} />
        </span>
      ),
    },
  ]
}
