import { UsersRound, X } from 'lucide-react'
import { type ReactNode, useState } from 'react'

import { describeError } from '../api/errors.ts'
import { GroupIcon } from '../groups/group-icon.tsx'
import { Avatar } from '../ui/avatar.tsx'
import { Button } from '../ui/button.tsx'
import { Combobox, type ComboboxOption } from '../ui/combobox.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Mark, Select } from '../ui/form.tsx'
import { type Column, Table } from '../ui/table.tsx'

/** Somebody who can be on an access list: a user or a group. */
export interface Principal {
  readonly kind: 'user' | 'group'
  readonly id: string
  readonly title: string
  /** A second line: a name, or how many members. */
  readonly note: string
  readonly avatarUrl: string
}

/** A principal with a role on the list. */
export interface AccessEntry extends Principal {
  /** Empty for stored actions that are those of no role. */
  readonly role: string
  /** Why the viewer may not change it. */
  readonly fixed?: string
}

/** A role that entries of a list can have. */
export interface AccessRole {
  readonly value: string
  readonly label: string
  readonly about: string
}

/** A change of one entry; an empty role takes it out. */
export interface AccessChange {
  readonly principal: Principal
  readonly role: string
}

interface AccessListProps {
  readonly label: string
  readonly entries: readonly AccessEntry[] | undefined
  readonly roles: readonly AccessRole[]
  /** Whether the viewer may change the list. */
  readonly editable: boolean
  /** The change that is on its way. */
  readonly pending: AccessChange | undefined
  readonly onChange: (change: AccessChange) => void
  readonly empty: { readonly title: string; readonly text: ReactNode }
}

/** Who is on an access list, with which role; roles change and entries go in their rows. */
export function AccessList({ label, entries, roles, editable, pending, onChange, empty }: AccessListProps) {
  const roleOf = (entry: AccessEntry) =>
    pending?.principal.id === entry.id && pending.role !== '' ? pending.role : entry.role
  const columns: readonly Column<AccessEntry>[] = [
    {
      id: 'who',
      header: 'Who',
      cell: (entry) => (
        <span className="flex min-w-0 items-center gap-3">
          <PrincipalIcon principal={entry} />
          <span className="min-w-0">
            <bdi className="block truncate font-medium">{entry.title}</bdi>
            {entry.note === '' ? null : (
              <span className="block truncate text-xs text-ink-2">{entry.note}</span>
            )}
          </span>
        </span>
      ),
    },
    {
      id: 'role',
      header: 'Role',
      className: '@max-xl:pl-14 @max-xl:pt-1',
      cell: (entry) =>
        editable && entry.fixed === undefined && (roles.length > 1 || entry.role === '') ? (
          <div className="w-36">
            <Select
              aria-label={`Role of ${entry.title}`}
              value={roleOf(entry)}
              disabled={pending !== undefined}
              options={[
                ...(entry.role === '' ? [{ value: '', label: 'Custom', disabled: true }] : []),
                ...roles.map(({ value, label: name }) => ({ value, label: name })),
              ]}
              onChange={(event) => onChange({ principal: entry, role: event.target.value })}
            />
          </div>
        ) : (
          <span className="flex flex-wrap items-center gap-2 whitespace-nowrap">
            {roles.find(({ value }) => value === entry.role)?.label ?? 'Custom'}
            {entry.fixed === undefined ? null : <Mark>{entry.fixed}</Mark>}
          </span>
        ),
    },
    {
      id: 'about',
      header: 'May',
      from: 'lg',
      cell: (entry) => (
        <span className="block w-72 text-xs text-ink-2 @5xl:w-max @5xl:max-w-md">
          {roles.find(({ value }) => value === roleOf(entry))?.about ??
            'Single actions that do not match a role.'}
        </span>
      ),
    },
  ]
  return (
    <Table
      label={label}
      columns={columns}
      rows={entries}
      rowKey={(entry) => entry.id}
      rowLabel={(entry) => entry.title}
      {...(editable
        ? {
            actions: (entry: AccessEntry) =>
              entry.fixed === undefined ? (
                <Button
                  tone="quiet"
                  size="icon"
                  aria-label={`Remove ${entry.title}`}
                  title="Remove"
                  disabled={pending !== undefined}
                  onClick={() => onChange({ principal: entry, role: '' })}
                  icon={<X className="size-4" strokeWidth={1.75} />}
                />
              ) : null,
          }
        : {})}
      empty={
        <EmptyState icon={UsersRound} title={empty.title}>
          {empty.text}
        </EmptyState>
      }
    />
  )
}

function PrincipalIcon({ principal }: { readonly principal: Principal }) {
  return principal.kind === 'group' ? (
    <GroupIcon url={principal.avatarUrl} />
  ) : (
    <Avatar name={principal.title} url={principal.avatarUrl} className="size-7" />
  )
}

interface AccessAdderProps {
  readonly roles: readonly AccessRole[]
  readonly text: string
  readonly onText: (text: string) => void
  /** Who matches the text; `undefined` while they are looked for. */
  readonly found: readonly Principal[] | undefined
  readonly error: unknown
  /** Ids of those who are on the list already. */
  readonly listed: ReadonlySet<string>
  readonly busy: boolean
  readonly onAdd: (change: AccessChange) => void
}

/** Finds a user or group and puts it on the list with a role. */
export function AccessAdder({ roles, text, onText, found, error, listed, busy, onAdd }: AccessAdderProps) {
  const [role, setRole] = useState(roles[0]?.value ?? '')
  const options = found?.map(
    (principal): ComboboxOption => ({
      id: principal.id,
      label: principal.title,
      note: listed.has(principal.id) ? 'On the list' : principal.note,
      icon:
        principal.kind === 'group' ? (
          <GroupIcon url={principal.avatarUrl} />
        ) : (
          <Avatar name={principal.title} url={principal.avatarUrl} className="size-7" />
        ),
      disabled: listed.has(principal.id),
    }),
  )
  return (
    <div className="flex flex-wrap gap-2">
      <div className="min-w-0 flex-1 basis-56">
        <Combobox
          label="Add a user or group"
          placeholder="Add a user or group"
          text={text}
          onText={onText}
          disabled={busy}
          empty={error === null ? 'Nobody found' : describeError(error).message}
          options={error === null ? options : []}
          onChoose={({ id }) => {
            const principal = found?.find((one) => one.id === id)
            onText('')
            if (principal !== undefined) onAdd({ principal, role })
          }}
        />
      </div>
      {roles.length === 1 ? null : (
        <div className="w-36">
          <Select
            aria-label="Role of the person you add"
            value={role}
            options={roles.map(({ value, label }) => ({ value, label }))}
            onChange={(event) => setRole(event.target.value)}
          />
        </div>
      )}
    </div>
  )
}
