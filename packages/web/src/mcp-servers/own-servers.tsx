import { useQueries, useQuery } from '@tanstack/react-query'
import { CircleCheck, Plug, Unplug } from 'lucide-react'

import type { MCPServerConfig } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { organizationsQuery } from '../session/queries.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { StateBadge, type StateLook } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { ConnectionButton } from './connection-button.tsx'
import { mcpServersQuery } from './queries.ts'
import { AVAILABILITIES, wordFor } from './server-words.ts'

interface Row {
  readonly server: MCPServerConfig
  /** Empty where all are of one organization. */
  readonly organization: string
}

/** MCP servers that the viewer's chats may use, and their own connections to them. */
export function OwnServers() {
  const permissions = usePermissions()
  const organizations = useQuery(organizationsQuery)
  const several = (organizations.data?.length ?? 0) > 1
  const lists = useQueries({
    queries: (organizations.data ?? []).map(({ id }) => mcpServersQuery(id)),
  })
  const failed = [organizations, ...lists].find((list) => list.isError)
  const known = organizations.data !== undefined && lists.every((list) => list.data !== undefined)
  const rows = (organizations.data ?? []).flatMap(({ display_name, name }, index): Row[] =>
    (lists[index]?.data ?? [])
      .filter(({ enabled }) => enabled)
      .map((server) => ({ server, organization: several ? display_name || name : '' })),
  )
  return (
    <Section
      title="Servers for your chats"
      help="Tools from other systems. Servers that require a sign-in work once you connect your account."
      flush
    >
      {failed === undefined ? null : (
        <div className="p-4">
          <ErrorNotice
            error={failed.error}
            title="The MCP servers could not be read"
            onRetry={() => void failed.refetch()}
          />
        </div>
      )}
      {failed !== undefined && rows.length === 0 ? null : (
        <Table
          label="MCP servers"
          columns={COLUMNS}
          rows={known || failed !== undefined ? rows : undefined}
          rowKey={({ server }) => server.id}
          rowLabel={({ server }) => server.display_name}
          actions={({ server }) =>
            server.auth_type === 'oauth2' ? <ConnectionButton server={server} /> : null
          }
          empty={
            <EmptyState
              icon={Plug}
              title="No MCP servers yet"
              action={
                permissions?.createAnyMCPServerConfig === true ? (
                  <AppLink href={paths.newMcpServer()} className={buttonClass({})}>
                    Add a server
                  </AppLink>
                ) : null
              }
            >
              Administrators of your organization can add servers, such as an issue tracker or a search, and
              share them with you.
            </EmptyState>
          }
        />
      )}
    </Section>
  )
}

function lookOf({ auth_type: type, auth_connected: connected, health }: MCPServerConfig): StateLook {
  if (type !== 'oauth2')
    return health.status === 'unhealthy'
      ? { label: 'Failing', tone: 'bad', icon: Unplug }
      : { label: 'Ready', tone: 'ok', icon: CircleCheck }
  return connected
    ? { label: 'Connected', tone: 'ok', icon: CircleCheck }
    : { label: 'Not connected', tone: 'off', icon: Unplug }
}

const COLUMNS: readonly Column<Row>[] = [
  {
    id: 'server',
    header: 'Server',
    cell: ({ server, organization }) => (
      <span className="flex min-w-0 items-center gap-3 py-1.5">
        <span className="inline-flex size-7 shrink-0 items-center justify-center rounded-control border border-line bg-bg">
          <ThingIcon src={server.icon_url} className="size-4" />
        </span>
        <span className="min-w-0">
          <bdi className="block truncate font-medium">{server.display_name}</bdi>
          <span className="block truncate text-xs text-ink-2">
            {[organization, server.description].filter((text) => text !== '').join(' · ')}
          </span>
        </span>
      </span>
    ),
  },
  {
    id: 'state',
    header: 'You',
    className: '@max-xl:pl-14',
    cell: ({ server }) => <StateBadge look={lookOf(server)} />,
  },
  {
    id: 'availability',
    header: 'In chats',
    from: 'md',
    cell: ({ server }) => (
      <span className="whitespace-nowrap text-ink-2">{wordFor(AVAILABILITIES, server.availability)}</span>
    ),
  },
]
