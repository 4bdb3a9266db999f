import { useMutation, useQuery } from '@tanstack/react-query'
import {
  Boxes,
  KeyRound,
  ScrollText,
  ShieldCheck,
  Trash2,
  UserCheck,
  UserPlus,
  UsersRound,
  UserX,
} from 'lucide-react'
import { useState } from 'react'

import { activateUser, type ListedUser, type User, type UserGroup } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { filterFault } from '../api/errors.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { Avatar } from '../ui/avatar.tsx'
import { buttonClass } from '../ui/button.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { FilterMenu } from '../ui/filter-menu.tsx'
import { Mark } from '../ui/form.tsx'
import { ListView, NothingFound } from '../ui/list-view.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { NoPermission } from './no-permission.tsx'
import { usersQuery } from './queries.ts'
import { ResetPasswordDialog } from './reset-password-dialog.tsx'
import { RolesDialog } from './roles-dialog.tsx'
import { LOGIN_TYPES, loginLabel, ROLES, roleTitle, STATUS_LOOKS } from './user-look.ts'
import { DeleteDialog, SuspendDialog } from './user-questions.tsx'

const PRESETS = [
  { label: 'All', filter: '' },
  { label: 'Active', filter: 'status:active' },
  { label: 'Suspended', filter: 'status:suspended' },
  { label: 'Owners', filter: 'role:owner' },
  { label: 'Service accounts', filter: 'service_account:true' },
]

const KEYS = [
  { key: 'status', about: 'of the account', values: ['active', 'dormant', 'suspended'] },
  { key: 'role', about: 'of the deployment', values: ['owner', 'user-admin', 'template-admin', 'auditor'] },
  { key: 'login_type', about: 'way to sign in', values: ['password', 'oidc', 'github', 'none'] },
  { key: 'service_account', about: 'an account of a program', values: ['true', 'false'] },
  { key: 'last_seen_before', about: 'a time such as 2026-01-31T00:00:00Z' },
  { key: 'last_seen_after', about: 'a time such as 2026-01-31T00:00:00Z' },
]

const STATES = [
  { value: 'active', label: 'Active' },
  { value: 'dormant', label: 'Dormant' },
  { value: 'suspended', label: 'Suspended' },
]

type Asked = { readonly kind: 'suspend' | 'delete' | 'roles' | 'password'; readonly user: User }

/** `/deployment/users`: who may use the deployment (UI-1401). */
export function UsersPage() {
  const address = useListAddress()
  const permissions = usePermissions()
  const list = useQuery({ ...usersQuery(address), enabled: permissions?.viewAllUsers === true })
  const [asked, setAsked] = useState<Asked>()
  const { filter, setFilter } = address
  const close = () => setAsked(undefined)
  const refresh = () => void queries.invalidateQueries({ queryKey: ['users'] })
  const activate = useMutation({
    mutationFn: (user: User) => api.call(activateUser, { params: { user: user.id } }),
    onSuccess: (user) => {
      refresh()
      toasts.done(`${user.username} can sign in again`)
    },
    onError: (error, user) => toasts.failed(`${user.username} was not activated`, error),
  })
  if (permissions?.viewAllUsers === false)
    return <NoPermission what="see all users" permission="viewAllUsers" />
  return (
    <Page width="wide">
      <PageHeader
        title="Users"
        context={
          list.data === undefined
            ? '\u00a0'
            : `${list.data.count} ${list.data.count === 1 ? 'account' : 'accounts'}`
        }
        actions={
          permissions?.createUser === true ? (
            <AppLink href={paths.createUser()} className={buttonClass({ tone: 'primary' })}>
              <UserPlus className="size-4" /> New user
            </AppLink>
          ) : null
        }
      />
      <FilterBar
        label="Filter users"
        placeholder="name or email, status:active role:owner"
        value={address.filter}
        onChange={setFilter}
        presets={PRESETS}
        keys={KEYS}
        menus={
          <>
            <FilterMenu
              label="Status"
              filterKey="status"
              options={STATES}
              filter={filter}
              onChange={setFilter}
            />
            <FilterMenu label="Role" filterKey="role" options={ROLES} filter={filter} onChange={setFilter} />
            <FilterMenu
              label="Signs in by"
              filterKey="login_type"
              options={LOGIN_TYPES}
              filter={filter}
              onChange={setFilter}
            />
          </>
        }
        error={filterFault(list.error)}
      />
      <ListView list={list} address={address} failure="The list could not be read" count={list.data?.count}>
        <Table
          label="Users"
          columns={COLUMNS}
          rows={list.data?.users}
          rowKey={(row) => row.id}
          rowLabel={(row) => row.username}
          stale={list.isPlaceholderData}
          actions={(row) => <RowMenu user={row} onAsk={setAsked} onActivate={() => activate.mutate(row)} />}
          empty={<NothingFound icon={UsersRound} title="Nobody matches the filter" address={address} />}
        />
      </ListView>
      {asked?.kind === 'suspend' ? (
        <SuspendDialog user={asked.user} onClose={close} onDone={refresh} />
      ) : null}
      {asked?.kind === 'delete' ? <DeleteDialog user={asked.user} onClose={close} onDone={refresh} /> : null}
      {asked?.kind === 'roles' ? <RolesDialog user={asked.user} onClose={close} onDone={refresh} /> : null}
      {asked?.kind === 'password' ? <ResetPasswordDialog user={asked.user} onClose={close} /> : null}
    </Page>
  )
}

const COLUMNS: readonly Column<ListedUser>[] = [
  {
    id: 'name',
    header: 'User',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-3">
        <Avatar name={row.username} url={row.avatar_url} className="size-7" />
        <span className="min-w-0">
          <span className="flex min-w-0 items-baseline gap-2">
            <AppLink href={paths.user(row.username)} className="truncate font-medium hover:text-accent">
              <bdi>{row.username}</bdi>
            </AppLink>
            {row.name === '' ? null : (
              <span className="truncate text-xs text-ink-2 max-sm:hidden">{row.name}</span>
            )}
          </span>
          <span className="block truncate text-xs text-ink-2">{row.email}</span>
        </span>
      </span>
    ),
  },
  {
    id: 'roles',
    header: 'Roles',
    from: 'md',
    cell: (row) => (
      <span className="flex flex-wrap gap-1">
        {row.roles.length === 0 ? (
          <span className="text-ink-3">Member</span>
        ) : (
          row.roles.map((role) => <Mark key={role.name}>{roleTitle(role)}</Mark>)
        )}
      </span>
    ),
  },
  {
    id: 'status',
    header: 'Status',
    className: '@max-xl:pl-14',
    cell: (row) => <StateBadge look={STATUS_LOOKS[row.status]} />,
  },
  { id: 'groups', header: 'Groups', from: 'xl', cell: (row) => <Groups groups={row.groups ?? []} /> },
  {
    id: 'login',
    header: 'Signs in by',
    from: 'xl',
    cell: (row) => <span className="whitespace-nowrap text-ink-2">{loginLabel(row)}</span>,
  },
  {
    id: 'seen',
    header: 'Last seen',
    from: 'lg',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.last_seen_at} />
      </span>
    ),
  },
]

const FEW_GROUPS = 2

/** The first groups of an account as links, and how many more there are; its page has them all. */
function Groups({ groups }: { readonly groups: readonly UserGroup[] }) {
  const rest = groups.slice(FEW_GROUPS)
  return (
    <span className="flex w-max max-w-56 flex-wrap gap-x-2 text-ink-2">
      {groups.slice(0, FEW_GROUPS).map((group) => (
        <AppLink
          key={group.id}
          href={paths.group(group.organization_name, group.name)}
          className="max-w-28 truncate hover:text-accent"
        >
          {group.display_name || group.name}
        </AppLink>
      ))}
      {rest.length === 0 ? null : (
        <span className="text-ink-3" title={rest.map((group) => group.display_name || group.name).join(', ')}>
          +{rest.length}
        </span>
      )}
    </span>
  )
}

/** Nobody suspends or deletes themselves. */
function RowMenu({
  user,
  onAsk,
  onActivate,
}: {
  readonly user: User
  readonly onAsk: (asked: Asked) => void
  readonly onActivate: () => void
}) {
  const me = useUser()
  const go = useGo()
  const permissions = usePermissions()
  const mayUpdate = permissions?.updateUsers === true
  const self = user.id === me.id
  return (
    <Menu
      label={`Actions for ${user.username}`}
      groups={[
        [
          {
            id: 'workspaces',
            label: 'Workspaces',
            icon: Boxes,
            onSelect: () => go(paths.workspaces({ filter: `owner:${user.username}` })),
          },
          ...(permissions?.viewAnyAuditLog === true
            ? [
                {
                  id: 'audit',
                  label: 'Audit trail',
                  icon: ScrollText,
                  onSelect: () => go(paths.auditLog({ filter: `username:${user.username}` })),
                },
              ]
            : []),
        ],
        mayUpdate
          ? [
              {
                id: 'roles',
                label: 'Roles',
                icon: ShieldCheck,
                onSelect: () => onAsk({ kind: 'roles', user }),
              },
              ...(user.login_type === 'password' && !self
                ? [
                    {
                      id: 'password',
                      label: 'Reset password',
                      icon: KeyRound,
                      onSelect: () => onAsk({ kind: 'password', user }),
                    },
                  ]
                : []),
              ...(self
                ? []
                : user.status === 'suspended'
                  ? [{ id: 'activate', label: 'Activate', icon: UserCheck, onSelect: onActivate }]
                  : [
                      {
                        id: 'suspend',
                        label: 'Suspend',
                        icon: UserX,
                        onSelect: () => onAsk({ kind: 'suspend', user }),
                      },
                    ]),
            ]
          : [],
        mayUpdate && !self
          ? [
              {
                id: 'delete',
                label: 'Delete',
                icon: Trash2,
                danger: true,
                onSelect: () => onAsk({ kind: 'delete', user }),
              },
            ]
          : [],
      ]}
    />
  )
}
