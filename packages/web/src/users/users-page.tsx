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

import { activateUser, type User } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { describeError, statusOf } from '../api/errors.ts'
import { useAddress } from '../navigation/address.ts'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions, useUser } from '../session/session.tsx'
import { Avatar } from '../ui/avatar.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { FilterMenu } from '../ui/filter-menu.tsx'
import { Mark } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Pagination } from '../ui/pagination.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { UnreadableFilter } from '../ui/unreadable-filter.tsx'
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
  const [search, change] = useAddress()
  const filter = search.filter ?? ''
  const page = Math.max(1, Math.trunc(Number(search.page ?? 1)) || 1)
  const permissions = usePermissions()
  const list = useQuery({ ...usersQuery({ filter, page }), enabled: permissions?.viewAllUsers === true })
  const [asked, setAsked] = useState<Asked>()
  const refused = statusOf(list.error) === 400
  const apply = (next: string) => change({ filter: next, page: undefined })
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
        value={filter}
        onChange={apply}
        presets={PRESETS}
        keys={KEYS}
        menus={
          <>
            <FilterMenu label="Status" filterKey="status" options={STATES} filter={filter} onChange={apply} />
            <FilterMenu label="Role" filterKey="role" options={ROLES} filter={filter} onChange={apply} />
            <FilterMenu
              label="Signs in by"
              filterKey="login_type"
              options={LOGIN_TYPES}
              filter={filter}
              onChange={apply}
            />
          </>
        }
        error={
          refused
            ? describeError(list.error)
                .validations.map(({ detail }) => detail)
                .join('. ') || describeError(list.error).message
            : undefined
        }
      />
      {list.isError && !refused ? (
        <div className="mb-4">
          <ErrorNotice
            error={list.error}
            title="The list could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : null}
      {list.isError && list.data === undefined ? (
        refused ? (
          <UnreadableFilter onClear={() => apply('')} />
        ) : null
      ) : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Users"
            columns={COLUMNS}
            rows={list.data?.users}
            rowKey={(row) => row.id}
            rowLabel={(row) => row.username}
            stale={list.isPlaceholderData}
            actions={(row) => <RowMenu user={row} onAsk={setAsked} onActivate={() => activate.mutate(row)} />}
            empty={
              <EmptyState
                icon={UsersRound}
                title="Nobody matches the filter"
                action={
                  <Button onClick={() => change({ filter: undefined, page: undefined })}>
                    Clear the filter
                  </Button>
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
      {asked?.kind === 'suspend' ? (
        <SuspendDialog user={asked.user} onClose={close} onDone={refresh} />
      ) : null}
      {asked?.kind === 'delete' ? <DeleteDialog user={asked.user} onClose={close} onDone={refresh} /> : null}
      {asked?.kind === 'roles' ? <RolesDialog user={asked.user} onClose={close} onDone={refresh} /> : null}
      {asked?.kind === 'password' ? <ResetPasswordDialog user={asked.user} onClose={close} /> : null}
    </Page>
  )
}

const COLUMNS: readonly Column<User>[] = [
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
