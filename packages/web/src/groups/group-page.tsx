import { useMutation, useQuery } from '@tanstack/react-query'
import { CircleDollarSign, Ellipsis, Settings, Trash2, UserMinus, UserPlus, UsersRound } from 'lucide-react'
import { useState } from 'react'

import { type Group, type ReducedUser, updateGroup } from '@slipway/contract'
import { api } from '../api/client.ts'
import { filterFault } from '../api/errors.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { useOrganization } from '../organizations/organization-context.ts'
import { OrganizationThingPage } from '../organizations/organization-page.tsx'
import { organizationTitle } from '../organizations/organization-titles.ts'
import { count } from '../organizations/role-words.ts'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { ListView, NothingFound } from '../ui/list-view.tsx'
import { Menu } from '../ui/menu.tsx'
import { Notice } from '../ui/notice.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { accountColumns } from '../users/account-columns.tsx'
import { AddGroupMembersDialog } from './add-group-members-dialog.tsx'
import { DeleteGroupDialog } from './delete-group-dialog.tsx'
import { GroupIcon } from './group-icon.tsx'
import { groupTitle, isEveryone, quotaWords, SOURCES } from './group-words.ts'
import { groupMembersQuery, refreshGroups } from './queries.ts'
import { useGroup } from './use-group.tsx'

const KEYS = [
  { key: 'status', about: 'of the account', values: ['active', 'dormant', 'suspended'] },
  { key: 'login_type', about: 'way to sign in', values: ['password', 'oidc', 'github', 'none'] },
]

/** `/organizations/{org}/groups/{group}`: who is in it (UI-1402, UI-403). */
export function GroupPage() {
  const { group, instead } = useGroup()
  return group === undefined ? instead : <Members group={group} />
}

type Asked = 'add' | 'delete' | ReducedUser

function Members({ group }: { readonly group: Group }) {
  const { organization, may } = useOrganization()
  const go = useGo()
  const address = useListAddress()
  const list = useQuery(groupMembersQuery(organization.id, group.name, address))
  const [asked, setAsked] = useState<Asked>()
  const everyone = isEveryone(group)
  const mayFill = may.editGroups && !everyone
  const title = groupTitle(group)
  // Then the empty list offers it.
  const nobody = !address.narrowed && list.data?.count === 0
  const add = (
    <Button tone="primary" icon={<UserPlus className="size-4" />} onClick={() => setAsked('add')}>
      Add members
    </Button>
  )
  return (
    <OrganizationThingPage
      section="groups"
      title={title}
      lead={<GroupIcon url={group.avatar_url} large />}
      context={
        <span className="flex flex-wrap items-baseline gap-x-1.5">
          {title === group.name ? null : (
            <>
              <span>{group.name}</span>
              <span className="text-ink-3">·</span>
            </>
          )}
          <span>{count(group.total_member_count, 'member')}</span>
          <span className="text-ink-3">·</span>
          <span>credits each: {quotaWords(group.quota_allowance)}</span>
          {group.source === 'oidc' ? (
            <>
              <span className="text-ink-3">·</span>
              <span>{SOURCES.oidc}</span>
            </>
          ) : null}
        </span>
      }
      actions={
        <>
          {mayFill && !nobody ? add : null}
          {may.viewGroups || may.editGroups || (may.deleteGroups && !everyone) ? (
            <Menu
              label="More actions"
              trigger={
                <Button size="icon" aria-label="More actions" icon={<Ellipsis className="size-4" />} />
              }
              groups={[
                [
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
                  {
                    id: 'ai',
                    label: 'AI limits',
                    icon: CircleDollarSign,
                    onSelect: () => go(paths.groupAi(organization.name, group.name)),
                  },
                ],
                may.deleteGroups && !everyone
                  ? [
                      {
                        id: 'delete',
                        label: 'Delete',
                        icon: Trash2,
                        danger: true,
                        onSelect: () => setAsked('delete'),
                      },
                    ]
                  : [],
              ]}
            />
          ) : null}
        </>
      }
    >
      {everyone ? (
        <div className="mb-4">
          <Notice
            tone="info"
            title={`Everybody in ${organizationTitle(organization)} belongs to this group`}
            action={
              <AppLink
                href={paths.organization(organization.name)}
                className={buttonClass({ size: 'dense' })}
              >
                Members
              </AppLink>
            }
          >
            Members cannot be added or removed here, and the group cannot be deleted.
          </Notice>
        </div>
      ) : group.source === 'oidc' ? (
        <div className="mb-4">
          <Notice tone="info" title="The identity provider manages this group">
            Changes that you make here may be undone when a member next signs in.
          </Notice>
        </div>
      ) : null}
      <FilterBar
        label="Filter members"
        placeholder="name or email, status:active"
        value={address.filter}
        onChange={address.setFilter}
        presets={[]}
        keys={KEYS}
        error={filterFault(list.error)}
      />
      <ListView
        list={list}
        address={address}
        failure="The members could not be read"
        count={list.data?.count}
      >
        <Table
          label="Members"
          columns={COLUMNS}
          rows={list.data === undefined ? undefined : (list.data.users ?? [])}
          rowKey={(row) => row.id}
          rowLabel={(row) => row.username}
          stale={list.isPlaceholderData}
          {...(mayFill
            ? {
                actions: (row: ReducedUser) => (
                  <Button
                    tone="quiet"
                    size="icon"
                    aria-label={`Remove ${row.username}`}
                    title="Remove from the group"
                    onClick={() => setAsked(row)}
                    icon={<UserMinus className="size-4" strokeWidth={1.75} />}
                  />
                ),
              }
            : {})}
          empty={
            address.narrowed ? (
              <NothingFound icon={UsersRound} title="Nobody matches the filter" address={address} />
            ) : (
              <EmptyState
                icon={UsersRound}
                title="Nobody is in this group yet"
                {...(mayFill ? { action: add } : {})}
              >
                {group.total_member_count > 0
                  ? 'It has members whom you may not see.'
                  : 'Members get everything the group has access to as soon as they are added.'}
              </EmptyState>
            )
          }
        />
      </ListView>
      {asked === 'add' ? <AddGroupMembersDialog group={group} onClose={() => setAsked(undefined)} /> : null}
      {asked === 'delete' ? (
        <DeleteGroupDialog
          group={group}
          onClose={() => setAsked(undefined)}
          onDeleted={() => go(paths.organizationPage(organization.name, 'groups'), { replace: true })}
        />
      ) : null}
      {typeof asked === 'object' ? (
        <RemoveDialog group={group} user={asked} onClose={() => setAsked(undefined)} />
      ) : null}
    </OrganizationThingPage>
  )
}

const COLUMNS: readonly Column<ReducedUser>[] = [
  accountColumns.member,
  { ...accountColumns.login, from: 'lg' },
  { ...accountColumns.seen, from: 'md' },
]

function RemoveDialog({
  group,
  user,
  onClose,
}: {
  readonly group: Group
  readonly user: ReducedUser
  readonly onClose: () => void
}) {
  const remove = useMutation({
    mutationFn: () =>
      api.call(updateGroup, { params: { group: group.id }, body: { remove_users: [user.id] } }),
    onSuccess: async () => {
      await refreshGroups(group.organization_id)
      onClose()
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Remove ${user.username} from ${groupTitle(group)}?`}
      description="They lose what only this group gives them at once. You can add them again."
      verb="Remove"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    />
  )
}
