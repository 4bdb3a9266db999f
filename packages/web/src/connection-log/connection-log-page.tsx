import { useQuery } from '@tanstack/react-query'
import { Cable } from 'lucide-react'

import { exportConnectionLogs } from '@slipway/contract'
import { describeError, statusOf } from '../api/errors.ts'
import { useAddress } from '../navigation/address.ts'
import { organizationsQuery } from '../session/queries.ts'
import { usePermissions, useSeveralOrganizations } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { FilterMenu } from '../ui/filter-menu.tsx'
import { LogActions } from '../ui/log-actions.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { countText, Pagination } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { UnreadableFilter } from '../ui/unreadable-filter.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { connectionColumns } from './connection-columns.tsx'
import { TYPES } from './connection-words.ts'
import { connectionsQuery } from './queries.ts'

const PRESETS = [
  { label: 'All', filter: '' },
  { label: 'Ongoing', filter: 'status:ongoing' },
  { label: 'Active SSH', filter: 'status:ongoing type:ssh' },
  { label: 'Apps', filter: 'type:workspace_app' },
]

const STATES = [
  { value: 'ongoing', label: 'Ongoing' },
  { value: 'completed', label: 'Ended' },
]

const KEYS = [
  { key: 'status', about: 'of sessions', values: STATES.map(({ value }) => value) },
  { key: 'type', about: 'way into the workspace', values: TYPES.map(({ value }) => value) },
  { key: 'workspace_owner', about: 'whose workspace; me is you' },
  { key: 'workspace_owner_email', about: 'address of the owner' },
  { key: 'username', about: 'who came; me is you' },
  { key: 'user_email', about: 'address of who came' },
  { key: 'organization', about: 'name or id' },
  { key: 'connected_after', about: 'a time such as 2026-01-31T00:00:00Z' },
  { key: 'connected_before', about: 'a time such as 2026-01-31T00:00:00Z' },
  { key: 'workspace_id', about: 'id of the workspace' },
  { key: 'connection_id', about: 'id of the session' },
]

/** `/connectionlog`: who has reached which workspace, from where and for how long (UI-1406). */
export function ConnectionLogPage() {
  const [search, change] = useAddress()
  const filter = search.filter ?? ''
  const page = Math.max(1, Math.trunc(Number(search.page ?? 1)) || 1)
  const permissions = usePermissions()
  const several = useSeveralOrganizations()
  const organizations = useQuery(organizationsQuery).data ?? []
  const list = useQuery({
    ...connectionsQuery({ filter, page }),
    enabled: permissions?.viewAnyConnectionLog === true,
  })
  const refused = statusOf(list.error) === 400
  const apply = (next: string) => change({ filter: next, page: undefined })
  if (permissions?.viewAnyConnectionLog === false)
    return <NoPermission what="read the connection log" permission="viewAnyConnectionLog" />
  const { data } = list
  return (
    <Page width="wide">
      <PageHeader
        title="Connection log"
        context={
          data === undefined
            ? '\u00a0'
            : `${countText(data.count, data.count_cap)} ${data.count === 1 ? 'connection' : 'connections'}`
        }
        actions={
          <LogActions
            file={exportConnectionLogs}
            filter={filter}
            readAt={list.dataUpdatedAt}
            busy={list.isFetching && !list.isPending}
            onRefresh={() => void list.refetch()}
          />
        }
      />
      <FilterBar
        label="Filter the connection log"
        placeholder="status:ongoing type:ssh workspace_owner:ada"
        value={filter}
        onChange={apply}
        presets={PRESETS}
        keys={KEYS}
        error={
          refused
            ? describeError(list.error)
                .validations.map(({ detail }) => detail)
                .join('. ') || describeError(list.error).message
            : undefined
        }
        menus={
          <>
            <FilterMenu label="State" filterKey="status" options={STATES} filter={filter} onChange={apply} />
            <FilterMenu label="Type" filterKey="type" options={TYPES} filter={filter} onChange={apply} />
            {several ? (
              <FilterMenu
                label="Organization"
                filterKey="organization"
                options={organizations.map(({ name, display_name }) => ({
                  value: name,
                  label: display_name || name,
                }))}
                filter={filter}
                onChange={apply}
              />
            ) : null}
          </>
        }
      />
      {list.isError && !refused ? (
        <div className="mb-4">
          <ErrorNotice
            error={list.error}
            title="The connection log could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : null}
      {list.isError && data === undefined ? (
        refused ? (
          <UnreadableFilter onClear={() => apply('')} />
        ) : null
      ) : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Connections"
            columns={connectionColumns(several, permissions?.viewAllUsers === true)}
            rows={data?.connection_logs}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.workspace_name}
            stale={list.isPlaceholderData}
            empty={
              <EmptyState
                icon={Cable}
                title={
                  page > 1
                    ? 'There is nothing on this page'
                    : filter === ''
                      ? 'Nobody has connected to a workspace yet'
                      : 'No connection matches the filter'
                }
                action={
                  page > 1 ? (
                    <Button onClick={() => change({ page: undefined })}>Go to the first page</Button>
                  ) : filter === '' ? null : (
                    <Button onClick={() => change({ filter: undefined, page: undefined })}>
                      Clear the filter
                    </Button>
                  )
                }
              >
                Sessions of editors and terminals, and visits of apps and ports, are written down as they
                begin and end.
              </EmptyState>
            }
          />
          <Pagination
            page={page}
            count={data?.count ?? 0}
            cap={data?.count_cap}
            onPage={(next) => change({ page: String(next) }, true)}
          />
        </div>
      )}
    </Page>
  )
}
