import { useQuery } from '@tanstack/react-query'
import { Cable } from 'lucide-react'

import { exportConnectionLogs } from '@slipway/contract'
import { LogPage } from '../logs/log-page.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { usePermissions, useSeveralOrganizations } from '../session/session.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterMenu } from '../ui/filter-menu.tsx'
import { NothingFound } from '../ui/list-view.tsx'
import { Table } from '../ui/table.tsx'
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
  const address = useListAddress()
  const { filter, setFilter } = address
  const permissions = usePermissions()
  const several = useSeveralOrganizations()
  const list = useQuery({
    ...connectionsQuery(address),
    enabled: permissions?.viewAnyConnectionLog === true,
  })
  return (
    <LogPage
      title="Connection log"
      entry={['connection', 'connections']}
      permission="viewAnyConnectionLog"
      address={address}
      list={list}
      file={exportConnectionLogs}
      placeholder="status:ongoing type:ssh workspace_owner:ada"
      presets={PRESETS}
      keys={KEYS}
      menus={
        <>
          <FilterMenu
            label="State"
            filterKey="status"
            options={STATES}
            filter={filter}
            onChange={setFilter}
          />
          <FilterMenu label="Type" filterKey="type" options={TYPES} filter={filter} onChange={setFilter} />
        </>
      }
    >
      <Table
        label="Connections"
        columns={connectionColumns(several, permissions?.viewAllUsers === true)}
        rows={list.data?.connection_logs}
        rowKey={(row) => row.id}
        rowLabel={(row) => row.workspace_name}
        stale={list.isPlaceholderData}
        empty={
          address.narrowed ? (
            <NothingFound icon={Cable} title="No connections match the filter" address={address} />
          ) : (
            <EmptyState icon={Cable} title="No connections yet">
              Editor and terminal sessions, and visits to apps and ports, are recorded as they begin and end.
            </EmptyState>
          )
        }
      />
    </LogPage>
  )
}
