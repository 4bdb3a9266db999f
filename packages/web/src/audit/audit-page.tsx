import { useQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import { useState } from 'react'

import { exportAuditLogs } from '@slipway/contract'
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
import { Segmented } from '../ui/segmented.tsx'
import { UnreadableFilter } from '../ui/unreadable-filter.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { AuditEntry } from './audit-entry.tsx'
import { ACTIONS, byDay, RESOURCE_TYPES, type Zone } from './audit-words.ts'
import { DateMenu } from './date-menu.tsx'
import { auditQuery } from './queries.ts'

const PRESETS = [
  { label: 'All', filter: '' },
  { label: 'Sign-ins', filter: 'action:login' },
  { label: 'Users created', filter: 'resource_type:user action:create' },
  { label: 'Deletions', filter: 'action:delete' },
  { label: 'Template changes', filter: 'resource_type:template action:write' },
]

const KEYS = [
  { key: 'username', about: 'who did it; me is you' },
  { key: 'email', about: 'address of who did it' },
  { key: 'action', about: 'what was done', values: ACTIONS.map(({ value }) => value) },
  { key: 'resource_type', about: 'to what', values: RESOURCE_TYPES.map(({ value }) => value) },
  { key: 'resource_target', about: 'name of what it was done to' },
  { key: 'resource_id', about: 'id of what it was done to' },
  { key: 'organization', about: 'name or id' },
  { key: 'date_from', about: 'first day (UTC), such as 2026-01-31' },
  { key: 'date_to', about: 'last day (UTC), such as 2026-01-31' },
  { key: 'build_reason', about: 'why a build was made', values: ['initiator', 'autostart', 'autostop'] },
  { key: 'request_id', about: 'id of the request' },
]

const ZONES = [
  { id: 'local', label: 'Local time' },
  { id: 'utc', label: 'UTC' },
] as const

/** `/audit`: who has done what, and what it has changed (UI-1405). */
export function AuditPage() {
  const [search, change] = useAddress()
  const filter = search.filter ?? ''
  const page = Math.max(1, Math.trunc(Number(search.page ?? 1)) || 1)
  const zone: Zone = search.zone === 'utc' ? 'utc' : 'local'
  const permissions = usePermissions()
  const several = useSeveralOrganizations()
  const organizations = useQuery(organizationsQuery).data ?? []
  const list = useQuery({ ...auditQuery({ filter, page }), enabled: permissions?.viewAnyAuditLog === true })
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const refused = statusOf(list.error) === 400
  const apply = (next: string) => change({ filter: next, page: undefined })
  const toggle = (id: string) => {
    const next = new Set(open)
    if (!next.delete(id)) next.add(id)
    setOpen(next)
  }
  if (permissions?.viewAnyAuditLog === false)
    return <NoPermission what="read the audit log" permission="viewAnyAuditLog" />
  const { data } = list
  return (
    <Page width="wide">
      <PageHeader
        title="Audit log"
        context={
          data === undefined
            ? '\u00a0'
            : `${countText(data.count, data.count_cap)} ${data.count === 1 ? 'entry' : 'entries'}`
        }
        actions={
          <LogActions
            file={exportAuditLogs}
            filter={filter}
            readAt={list.dataUpdatedAt}
            busy={list.isFetching && !list.isPending}
            onRefresh={() => void list.refetch()}
          />
        }
      />
      <FilterBar
        label="Filter the audit log"
        placeholder="username:ada action:delete resource_type:workspace"
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
            <FilterMenu
              label="Action"
              filterKey="action"
              options={ACTIONS}
              filter={filter}
              onChange={apply}
            />
            <FilterMenu
              label="Resource"
              filterKey="resource_type"
              options={RESOURCE_TYPES}
              filter={filter}
              onChange={apply}
            />
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
            <DateMenu filter={filter} onChange={apply} />
            <span className="ml-auto">
              <Segmented
                label="Time zone"
                options={ZONES}
                value={zone}
                onChange={(next) => change({ zone: next === 'utc' ? 'utc' : undefined })}
              />
            </span>
          </>
        }
      />
      {list.isError && !refused ? (
        <div className="mb-4">
          <ErrorNotice
            error={list.error}
            title="The audit log could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : null}
      {list.isError && data === undefined ? (
        refused ? (
          <UnreadableFilter onClear={() => apply('')} />
        ) : null
      ) : (
        <div
          className="overflow-clip rounded-card border border-line bg-surface transition-opacity duration-(--fast) data-stale:opacity-60"
          aria-busy={data === undefined || list.isPlaceholderData}
          data-stale={list.isPlaceholderData || undefined}
        >
          {data === undefined ? (
            <Skeleton />
          ) : data.audit_logs.length === 0 ? (
            <EmptyState
              icon={ScrollText}
              title={page > 1 ? 'There is nothing on this page' : 'No entry matches the filter'}
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
              What people and programs change is written down here as it happens.
            </EmptyState>
          ) : (
            byDay(data.audit_logs, zone).map(({ day, entries }) => (
              <section key={day} aria-label={day}>
                <h2 className="sticky top-(--table-top,0px) z-10 border-b border-line bg-bg px-4 py-1.5 text-xs font-medium text-ink-2 in-[section:first-child]:rounded-t-card">
                  {day}
                </h2>
                <ol className="border-b border-line in-[section:last-of-type]:border-b-0">
                  {entries.map((entry) => (
                    <AuditEntry
                      key={entry.id}
                      entry={entry}
                      zone={zone}
                      open={open.has(entry.id)}
                      onToggle={() => toggle(entry.id)}
                      several={several}
                      mayViewUsers={permissions?.viewAllUsers === true}
                    />
                  ))}
                </ol>
              </section>
            ))
          )}
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

function Skeleton() {
  return (
    <div className="flex flex-col">
      {['a', 'b', 'c', 'd', 'e', 'f'].map((row) => (
        <div key={row} className="flex h-11 items-center gap-3 border-b border-line px-4 last:border-b-0">
          <div className="skeleton size-6 rounded-full" />
          <div className="skeleton h-3.5 w-72 max-w-[60%]" />
          <div className="skeleton ml-auto h-3.5 w-14" />
        </div>
      ))}
    </div>
  )
}
