import { useQuery } from '@tanstack/react-query'
import { RotateCw, Waypoints } from 'lucide-react'
import { useState } from 'react'

import { usedClientsQuery, usedModelsQuery } from '../ai-gateway/queries.ts'
import { Gate } from '../ai-providers/gate.tsx'
import { providersQuery } from '../ai-providers/queries.ts'
import { filterFault } from '../api/errors.ts'
import { GATEWAY_ENABLED } from '../chats/gateway.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { FilterMenu } from '../ui/filter-menu.tsx'
import { withFilterValue } from '../ui/filter-words.ts'
import { ListView } from '../ui/list-view.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { countText } from '../ui/pagination.tsx'
import { Table } from '../ui/table.tsx'
import { sessionsQuery } from './queries.ts'
import { daysAgo, RangeMenu } from './range-menu.tsx'
import { sessionColumns } from './session-columns.tsx'
import { hasRange } from './session-words.ts'

const PRESETS = [
  { label: 'All', filter: '' },
  { label: 'Mine', filter: 'initiator:me' },
]
const WIRES = ['anthropic', 'openai', 'copilot', 'bedrock']

/** `/ai-gateway/sessions`: who has asked models what (UI-1301). */
export function AiSessionsPage() {
  return (
    <Gate what="read other people’s sessions" permission="viewAnyAIBridgeInterception">
      {() => <Sessions />}
    </Gate>
  )
}

function Sessions() {
  const address = useListAddress()
  const { filter, page, setFilter } = address
  const permissions = usePermissions()
  const list = useQuery(sessionsQuery(address))
  const [touched, setTouched] = useState(false)
  const models = useQuery(usedModelsQuery)
  const clients = useQuery(usedClientsQuery)
  const providers = useQuery({
    ...providersQuery,
    enabled: permissions?.viewAnyAIProvider === true && touched,
  })
  const widen = (
    <Button tone="primary" onClick={() => setFilter(withFilterValue(filter, 'started_after', daysAgo(30)))}>
      Show the last 30 days
    </Button>
  )
  const { data } = list
  return (
    <Page width="wide">
      <PageHeader
        title="AI sessions"
        context={
          data === undefined
            ? '\u00a0'
            : `${countText(data.count, data.count_cap)} ${data.count === 1 ? 'session' : 'sessions'} ${hasRange(filter) ? 'in this range' : 'in the last 24 hours'}`
        }
        actions={
          <Button
            busy={list.isFetching && !list.isPending}
            onClick={() => void list.refetch()}
            icon={<RotateCw className="size-3.5" />}
          >
            Refresh
          </Button>
        }
      />
      {GATEWAY_ENABLED ? null : (
        <div className="mb-4">
          <Notice tone="info" title="The gateway is turned off">
            Nothing new is recorded. The option <code>--ai-gateway-enabled</code> turns it on again.
          </Notice>
        </div>
      )}
      <FilterBar
        label="Filter sessions"
        placeholder='initiator:ada model:claude-sonnet-4-5 client:"Claude Code"'
        value={filter}
        onChange={setFilter}
        presets={PRESETS}
        onFocus={() => setTouched(true)}
        keys={[
          { key: 'initiator', about: 'who asked: name or id; me is you' },
          { key: 'model', about: 'as the provider calls it', values: models.data ?? [] },
          { key: 'client', about: 'program that asked', values: clients.data ?? [] },
          { key: 'provider', about: 'what it speaks', values: WIRES },
          {
            key: 'provider_name',
            about: 'name of the provider',
            ...(providers.data === undefined ? {} : { values: providers.data.map(({ name }) => name) }),
          },
          { key: 'session_id', about: 'as the client gave it' },
          { key: 'started_after', about: 'a time such as 2026-01-31T00:00:00Z' },
          { key: 'started_before', about: 'a time such as 2026-01-31T00:00:00Z' },
        ]}
        error={filterFault(list.error)}
        menus={
          <>
            <RangeMenu filter={filter} onChange={setFilter} />
            <FilterMenu
              label="Client"
              filterKey="client"
              options={(clients.data ?? []).map(asOption)}
              filter={filter}
              onChange={setFilter}
            />
            <FilterMenu
              label="Model"
              filterKey="model"
              options={(models.data ?? []).map(asOption)}
              filter={filter}
              onChange={setFilter}
            />
          </>
        }
      />
      <ListView
        list={list}
        address={address}
        failure="The sessions could not be read"
        count={data?.count}
        cap={data?.count_cap}
      >
        <Table
          label="Sessions"
          columns={sessionColumns({ from: { filter, page } })}
          rows={data?.sessions}
          rowKey={(row) => `${row.id} ${row.initiator.id}`}
          rowLabel={(row) => row.last_prompt ?? row.id}
          stale={list.isPlaceholderData}
          empty={
            <EmptyState
              icon={Waypoints}
              title={
                address.page > 1
                  ? 'There is nothing on this page'
                  : hasRange(filter)
                    ? 'No sessions match the filter'
                    : filter === ''
                      ? 'No sessions in the last 24 hours'
                      : 'No sessions of the last 24 hours match the filter'
              }
              action={
                address.page > 1 ? (
                  <Button onClick={() => address.setPage(1)}>Go to the first page</Button>
                ) : (
                  <>
                    {hasRange(filter) ? null : widen}
                    {filter === '' ? (
                      <AppLink href={paths.settings('ai')} className={buttonClass({})}>
                        How to use the gateway
                      </AppLink>
                    ) : (
                      <Button onClick={address.reset}>Clear the filter</Button>
                    )}
                  </>
                )
              }
            >
              Requests that tools and agents send to models are recorded here once they are answered.
            </EmptyState>
          }
        />
      </ListView>
    </Page>
  )
}

function asOption(value: string) {
  return { value, label: value }
}
