import { useQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import { useState } from 'react'

import { type AuditLog, exportAuditLogs } from '@slipway/contract'
import { LogPage } from '../logs/log-page.tsx'
import { useAddress } from '../navigation/address.ts'
import { useListAddress } from '../navigation/list-address.ts'
import { usePermissions, useSeveralOrganizations } from '../session/session.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterMenu } from '../ui/filter-menu.tsx'
import { NothingFound } from '../ui/list-view.tsx'
import { Segmented } from '../ui/segmented.tsx'
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
  const zone: Zone = search.zone === 'utc' ? 'utc' : 'local'
  const address = useListAddress()
  const { filter, setFilter } = address
  const permissions = usePermissions()
  const list = useQuery({ ...auditQuery(address), enabled: permissions?.viewAnyAuditLog === true })
  return (
    <LogPage
      title="Audit log"
      entry={['entry', 'entries']}
      permission="viewAnyAuditLog"
      address={address}
      list={list}
      file={exportAuditLogs}
      placeholder="username:ada action:delete resource_type:workspace"
      presets={PRESETS}
      keys={KEYS}
      menus={
        <>
          <FilterMenu
            label="Action"
            filterKey="action"
            options={ACTIONS}
            filter={filter}
            onChange={setFilter}
          />
          <FilterMenu
            label="Resource"
            filterKey="resource_type"
            options={RESOURCE_TYPES}
            filter={filter}
            onChange={setFilter}
          />
        </>
      }
      moreMenus={
        <>
          <DateMenu filter={filter} onChange={setFilter} />
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
    >
      <div
        className="overflow-clip rounded-card transition-opacity duration-(--fast) data-stale:opacity-60"
        aria-busy={list.data === undefined || list.isPlaceholderData}
        data-stale={list.isPlaceholderData || undefined}
      >
        {list.data === undefined ? (
          <Skeleton />
        ) : list.data.audit_logs.length > 0 ? (
          <Days entries={list.data.audit_logs} zone={zone} />
        ) : address.narrowed ? (
          <NothingFound icon={ScrollText} title="No entries match the filter" address={address} />
        ) : (
          <EmptyState icon={ScrollText} title="No entries yet">
            Changes by people and programs are recorded here as they happen.
          </EmptyState>
        )}
      </div>
    </LogPage>
  )
}

function Days({ entries, zone }: { readonly entries: readonly AuditLog[]; readonly zone: Zone }) {
  const mayViewUsers = usePermissions()?.viewAllUsers === true
  const several = useSeveralOrganizations()
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const toggle = (id: string) => {
    const next = new Set(open)
    if (!next.delete(id)) next.add(id)
    setOpen(next)
  }
  return byDay(entries, zone).map(({ day, entries: ofDay }) => (
    <section key={day} aria-label={day}>
      <h2 className="sticky top-(--table-top,0px) z-10 border-b border-line bg-bg px-4 py-1.5 text-xs font-medium text-ink-2 in-[section:first-child]:rounded-t-card">
        {day}
      </h2>
      <ol className="border-b border-line in-[section:last-of-type]:border-b-0">
        {ofDay.map((entry) => (
          <AuditEntry
            key={entry.id}
            entry={entry}
            zone={zone}
            open={open.has(entry.id)}
            onToggle={() => toggle(entry.id)}
            several={several}
            mayViewUsers={mayViewUsers}
          />
        ))}
      </ol>
    </section>
  ))
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
