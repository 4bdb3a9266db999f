import { useQuery } from '@tanstack/react-query'
import { Boxes, ShieldCheck, UserMinus, UserPlus, UsersRound } from 'lucide-react'
import { useState } from 'react'

import type { OrganizationMemberWithUserData } from '@slipway/contract'
import { queries } from '../api/client.ts'
import { filterFault } from '../api/errors.ts'
import { useGo } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { Mark } from '../ui/form.tsx'
import { ListView, NothingFound } from '../ui/list-view.tsx'
import { Menu } from '../ui/menu.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { accountColumns } from '../users/account-columns.tsx'
import { roleTitle as siteRoleTitle } from '../users/user-look.ts'
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
  const address = useListAddress()
  const list = useQuery({ ...membersQuery(organization.id, address), enabled: may.viewMembers })
  const [asked, setAsked] = useState<Asked>()
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
        value={address.filter}
        onChange={address.setFilter}
        presets={PRESETS}
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
          rows={list.data?.members}
          rowKey={(row) => row.user_id}
          rowLabel={(row) => row.username}
          stale={list.isPlaceholderData}
          actions={(row) => <RowMenu member={row} onAsk={setAsked} />}
          empty={
            address.narrowed ? (
              <NothingFound icon={UsersRound} title="Nobody matches the filter" address={address} />
            ) : (
              <EmptyState icon={UsersRound} title="This organization has no members">
                Whoever is added may use its templates.
              </EmptyState>
            )
          }
        />
      </ListView>
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
  accountColumns.member,
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
          <Mark key={`site ${role.name}`}>{siteRoleTitle(role)} (deployment)</Mark>
        ))}
        {row.roles.length + row.global_roles.length === 0 ? <span className="text-ink-3">Member</span> : null}
      </span>
    ),
  },
  accountColumns.login,
  accountColumns.seen,
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
                hint: self ? 'You cannot change your own' : undefined,
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
