import { useQuery } from '@tanstack/react-query'
import { Boxes, ShieldCheck, UserMinus, UserPlus, UsersRound } from 'lucide-react'
import { useState } from 'react'

import type { OrganizationMemberWithUserData } from '@slipway/contract'
import { queries } from '../api/client.ts'
import { describeError, statusOf } from '../api/errors.ts'
import { useAddress } from '../navigation/address.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { Mark } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { Pagination } from '../ui/pagination.tsx'
import { Person } from '../ui/person.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { AddMembersDialog } from './add-members-dialog.tsx'
import { MemberRolesDialog } from './member-roles-dialog.tsx'
import { useOrganization } from './organization-context.ts'
import { OrganizationPage } from './organization-page.tsx'
import { membersQuery } from './queries.ts'
import { RemoveMemberDialog } from './remove-member-dialog.tsx'
import { roleTitle } from './role-words.ts'

type Member = OrganizationMemberWithUserData

const PRESETS = [
  { label: 'All', filter: '' },
  { label: 'Service accounts', filter: 'service_account:true' },
  { label: 'Suspended', filter: 'status:suspended' },
]

const KEYS = [
  { key: 'status', about: 'of the account', values: ['active', 'dormant', 'suspended'] },
  { key: 'login_type', about: 'way to sign in', values: ['password', 'oidc', 'github', 'none'] },
  { key: 'service_account', about: 'for programs', values: ['true', 'false'] },
  { key: 'last_seen_before', about: 'a time such as 2026-01-31T00:00:00Z' },
  { key: 'last_seen_after', about: 'a time such as 2026-01-31T00:00:00Z' },
]

type Asked = { readonly kind: 'add' } | { readonly kind: 'roles' | 'remove'; readonly member: Member }

/** `/organizations/{org}`: who belongs to it, with which roles (UI-1402). */
export function MembersPage() {
  const { organization, may } = useOrganization()
  const [search, change] = useAddress()
  const filter = search.filter ?? ''
  const page = Math.max(1, Math.trunc(Number(search.page ?? 1)) || 1)
  const list = useQuery({ ...membersQuery(organization.id, { filter, page }), enabled: may.viewMembers })
  const [asked, setAsked] = useState<Asked>()
  const refused = statusOf(list.error) === 400
  const close = () => setAsked(undefined)
  const refresh = () => void queries.invalidateQueries({ queryKey: ['members', organization.id] })
  return (
    <OrganizationPage
      page="members"
      lack={may.viewMembers ? undefined : { what: 'see the members', permission: 'organization_member:read' }}
      actions={
        may.addMembers ? (
          <Button
            tone="primary"
            icon={<UserPlus className="size-4" />}
            onClick={() => setAsked({ kind: 'add' })}
          >
            Add members
          </Button>
        ) : null
      }
    >
      <FilterBar
        label="Filter members"
        placeholder="name or email, status:active"
        value={filter}
        onChange={(next) => change({ filter: next, page: undefined })}
        presets={PRESETS}
        keys={KEYS}
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
            title="The members could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : null}
      {list.isError && list.data === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">
          <Table
            label="Members"
            columns={COLUMNS}
            rows={list.data?.members}
            rowKey={(row) => row.user_id}
            rowLabel={(row) => row.username}
            stale={list.isPlaceholderData}
            actions={(row) => <RowMenu member={row} onAsk={setAsked} />}
            empty={
              <EmptyState
                icon={UsersRound}
                title={filter === '' ? 'Nobody belongs to this organization' : 'Nobody matches the filter'}
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
      {asked?.kind === 'add' ? <AddMembersDialog onClose={close} onDone={refresh} /> : null}
      {asked?.kind === 'roles' ? (
        <MemberRolesDialog member={asked.member} onClose={close} onDone={refresh} />
      ) : null}
      {asked?.kind === 'remove' ? (
        <RemoveMemberDialog member={asked.member} onClose={close} onDone={refresh} />
      ) : null}
    </OrganizationPage>
  )
}

const COLUMNS: readonly Column<Member>[] = [
  {
    id: 'name',
    header: 'Member',
    cell: (row) => (
      <Person
        username={row.username}
        name={row.name}
        avatarUrl={row.avatar_url}
        note={row.email}
        link={{
          href: paths.workspaces({ filter: `owner:${row.username}` }),
          title: `Workspaces of ${row.username}`,
        }}
      />
    ),
  },
  {
    id: 'roles',
    header: 'Roles',
    className: '@max-xl:pl-14',
    cell: (row) => (
      <span className="flex flex-wrap gap-1 @2xl:w-max @2xl:max-w-80">
        {row.roles.map((role) => (
          <Mark key={role.name}>{roleTitle(role)}</Mark>
        ))}
        {row.global_roles.map((role) => (
          <Mark key={`site ${role.name}`}>{roleTitle(role)} of the deployment</Mark>
        ))}
        {row.roles.length + row.global_roles.length === 0 ? <span className="text-ink-3">Member</span> : null}
      </span>
    ),
  },
  {
    id: 'login',
    header: 'Signs in by',
    from: 'xl',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        {row.is_service_account ? 'service account' : row.login_type}
        {row.status === 'suspended' ? ', suspended' : ''}
      </span>
    ),
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
  {
    id: 'joined',
    header: 'Member since',
    from: 'lg',
    cell: (row) => (
      <span className="whitespace-nowrap text-ink-2">
        <TimeAgo time={row.created_at} />
      </span>
    ),
  },
]

function RowMenu({ member, onAsk }: { readonly member: Member; readonly onAsk: (asked: Asked) => void }) {
  const me = useUser()
  const go = useGo()
  const { organization, may } = useOrganization()
  const self = member.user_id === me.id
  return (
    <Menu
      label={`Actions for ${member.username}`}
      groups={[
        [
          {
            id: 'workspaces',
            label: 'Workspaces',
            icon: Boxes,
            onSelect: () =>
              go(
                paths.workspaces({
                  filter: `owner:${member.username} organization:${organization.name}`,
                }),
              ),
          },
        ],
        may.assignOrgRoles
          ? [
              {
                id: 'roles',
                label: 'Roles',
                icon: ShieldCheck,
                disabled: self,
                hint: self ? 'Nobody changes their own' : undefined,
                onSelect: () => onAsk({ kind: 'roles', member }),
              },
            ]
          : [],
        may.removeMembers && !self
          ? [
              {
                id: 'remove',
                label: 'Remove',
                icon: UserMinus,
                danger: true,
                onSelect: () => onAsk({ kind: 'remove', member }),
              },
            ]
          : [],
      ]}
    />
  )
}
