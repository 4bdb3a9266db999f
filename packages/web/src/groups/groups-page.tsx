import { useQuery } from '@tanstack/react-query'
import { Plus, Settings, Trash2, UsersRound } from 'lucide-react'
import { useState } from 'react'

import type { PaginatedGroup } from '@slipway/contract'
import { filterFault } from '../api/errors.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationPage } from '../organizations/organization-page.tsx'
import { count } from '../organizations/role-words.ts'
import { paths } from '../paths.ts'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { ListView, NothingFound } from '../ui/list-view.tsx'
import { Menu } from '../ui/menu.tsx'
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
  const address = useListAddress()
  const list = useQuery({ ...groupsQuery(organization.id, address), enabled: may.viewGroups })
  const [doomed, setDoomed] = useState<PaginatedGroup>()
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
        placeholder="group name"
        value={address.filter}
        onChange={address.setFilter}
        presets={[]}
        keys={KEYS}
        error={filterFault(list.error)}
      />
      <ListView list={list} address={address} failure="The groups could not be read" count={list.data?.count}>
        <Table
          label="Groups"
          columns={columns(organization.name)}
          rows={list.data?.groups}
          rowKey={(row) => row.id}
          rowLabel={groupTitle}
          stale={list.isPlaceholderData}
          actions={(row) => <RowMenu group={row} onDelete={() => setDoomed(row)} />}
          empty={
            address.narrowed ? (
              <NothingFound icon={UsersRound} title="No groups match the filter" address={address} />
            ) : (
              <EmptyState icon={UsersRound} title="No groups yet">
                Members of a group get everything that it has access to.
              </EmptyState>
            )
          }
        />
      </ListView>
      {!address.narrowed && list.data?.groups.every(isEveryone) === true && may.createGroup ? (
        <p className="mt-4 text-sm text-ink-2">
          Everyone contains all members. Create a group to give some of them templates, shared workspaces or a
          budget.
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
