import { useQuery } from '@tanstack/react-query'
import { Plus, Settings, Trash2, UsersRound } from 'lucide-react'
import { useState } from 'react'

import type { PaginatedGroup } from '@slipway/contract'
import { describeError, statusOf } from '../api/errors.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationPage } from '../organizations/organization-page.tsx'
import { count } from '../organizations/role-words.ts'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { Menu } from '../ui/menu.tsx'
import { Pagination } from '../ui/pagination.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { DeleteGroupDialog } from './delete-group-dialog.tsx'
import { GroupIcon } from './group-icon.tsx'
import { groupTitle, isEveryone, quotaWords, SOURCES } from './group-words.ts'
import { groupsQuery } from './queries.ts'

const KEYS = [
  { key: 'name', about: 'of the group' },
  { key: 'display_name', about: 'as it is shown' },
]

/** `/organizations/{org}/groups` (UI-1402). */
export function GroupsPage() {
  const { organization, may } = useOrganization()
  const [search, change] = useAddress()
  const filter = search.filter ?? ''
  const page = Math.max(1, Math.trunc(Number(search.page ?? 1)) || 1)
  const list = useQuery({ ...groupsQuery(organization.id, { filter, page }), enabled: may.viewGroups })
  const [doomed, setDoomed] = useState<PaginatedGroup>()
  const refused = statusOf(list.error) === 400
  return (
    <OrganizationPage
      page="groups"
      lack={may.viewGroups ? undefined : { what: 'see the groups', permission: 'group:read' }}
      actions={
        may.createGroup ? (
          <AppLink href={paths.newGroup(organization.name)} className={buttonClass({ tone: 'primary' })}>
            <Plus className="size-4" /> New group
          </AppLink>
        ) : null
      }
    >
      <FilterBar
        label="Filter groups"
        placeholder="name of a group"
        value={filter}
        onChange={(next) => change({ filter: next, page: undefined })}
        presets={[]}
        keys={KEYS}
        error={refused ? describeError(list.error).message : undefined}
      />
      {list.isError && !refused ? (
        <div className="mb-4">
          <ErrorNotice
            error={list.error}
            title="The groups could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : null}
      {list.isError && list.data === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Groups"
            columns={columns(organization.name)}
            rows={list.data?.groups}
            rowKey={(row) => row.id}
            rowLabel={groupTitle}
            stale={list.isPlaceholderData}
            actions={(row) => <RowMenu group={row} onDelete={() => setDoomed(row)} />}
            empty={
              <EmptyState
                icon={UsersRound}
                title={filter === '' ? 'No group yet' : 'No group matches the filter'}
                action={
                  filter === '' ? undefined : (
                    <Button onClick={() => change({ filter: undefined, page: undefined })}>
                      Clear the filter
                    </Button>
                  )
                }
              />
            }
          />
          <Pagination
            page={page}
            count={list.data?.count ?? 0}
            onPage={(next) => change({ page: String(next) }, true)}
          />
        </div>
      )}
      {filter === '' && page === 1 && list.data?.groups.every(isEveryone) === true && may.createGroup ? (
        <p className="mt-4 text-sm text-ink-2">
          Everyone is the group of all members. Make another one to open templates and share workspaces to a
          part of them, or to give that part a budget.
        </p>
      ) : null}
      {doomed === undefined ? null : (
        <DeleteGroupDialog group={doomed} onClose={() => setDoomed(undefined)} />
      )}
    </OrganizationPage>
  )
}

function columns(organization: string): readonly Column<PaginatedGroup>[] {
  return [
    {
      id: 'name',
      header: 'Group',
      cell: (row) => (
        <span className="flex min-w-0 items-center gap-3">
          <GroupIcon url={row.avatar_url} />
          <span className="flex min-w-0 items-baseline gap-2">
            <AppLink
              href={paths.group(organization, row.name)}
              className="truncate font-medium hover:text-accent"
            >
              <bdi>{groupTitle(row)}</bdi>
            </AppLink>
            {row.display_name === '' || row.display_name === row.name ? null : (
              <span className="truncate text-xs text-ink-2 max-sm:hidden">{row.name}</span>
            )}
          </span>
        </span>
      ),
    },
    {
      id: 'members',
      header: 'Members',
      align: 'end',
      className: '@max-xl:pl-14 @max-xl:text-xs @max-xl:text-ink-2',
      cell: (row) => (
        <>
          {row.total_member_count}
          <span className="@xl:hidden"> {row.total_member_count === 1 ? 'member' : 'members'}</span>
        </>
      ),
    },
    {
      id: 'quota',
      header: 'Credits each',
      align: 'end',
      from: 'md',
      cell: (row) => <span className="whitespace-nowrap text-ink-2">{quotaWords(row.quota_allowance)}</span>,
    },
    {
      id: 'source',
      header: 'Made',
      from: 'lg',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          {isEveryone(row) ? 'Built-in' : SOURCES[row.source]}
        </span>
      ),
    },
  ]
}

function RowMenu({ group, onDelete }: { readonly group: PaginatedGroup; readonly onDelete: () => void }) {
  const go = useGo()
  const { organization, may } = useOrganization()
  const everyone = isEveryone(group)
  return (
    <Menu
      label={`Actions for ${groupTitle(group)}`}
      groups={[
        [
          {
            id: 'members',
            label: count(group.total_member_count, 'member'),
            icon: UsersRound,
            onSelect: () => go(paths.group(organization.name, group.name)),
          },
          ...(may.editGroups
            ? [
                {
                  id: 'settings',
                  label: 'Settings',
                  icon: Settings,
                  onSelect: () => go(paths.groupSettings(organization.name, group.name)),
                },
              ]
            : []),
        ],
        may.deleteGroups
          ? [
              {
                id: 'delete',
                label: 'Delete',
                icon: Trash2,
                danger: true,
                disabled: everyone,
                hint: everyone ? 'Every organization has this one' : undefined,
                onSelect: onDelete,
              },
            ]
          : [],
      ]}
    />
  )
}
