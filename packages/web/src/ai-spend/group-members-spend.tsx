import { useQuery } from '@tanstack/react-query'
import { UsersRound } from 'lucide-react'
import { useState } from 'react'

import type { Group, GroupMemberAISpend, ReducedUser } from '@slipway/contract'
import { groupTitle } from '../groups/group-words.ts'
import { groupMembersQuery } from '../groups/queries.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { useOrganization } from '../organizations/organization-context.ts'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Menu } from '../ui/menu.tsx'
import { Section } from '../ui/page.tsx'
import { Pagination } from '../ui/pagination.tsx'
import { Person } from '../ui/person.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { OverrideDialog } from './override-dialog.tsx'
import { membersSpendQuery } from './queries.ts'
import { RemoveOverrideDialog } from './remove-override-dialog.tsx'
import { SpendMeter } from './spend-meter.tsx'

interface Member {
  readonly user: ReducedUser
  /** Undefined until it is known, or for those whose spend the viewer may not read. */
  readonly spend: GroupMemberAISpend | undefined
}

/** What each member has spent at the expense of the group, and who has a budget of their own. */
export function GroupMembersSpend({ group, locked }: { readonly group: Group; readonly locked: boolean }) {
  const { organization } = useOrganization()
  const address = useListAddress()
  const permissions = usePermissions()
  const list = useQuery(groupMembersQuery(organization.id, group.name, { filter: '', page: address.page }))
  const users = list.data?.users ?? []
  const spend = useQuery(
    membersSpendQuery(
      group.id,
      users.map(({ id }) => id),
    ),
  )
  const [asked, setAsked] = useState<{ readonly what: 'set' | 'remove'; readonly member: Member }>()
  const rows =
    // Meters make rows taller.
    list.data === undefined || spend.isLoading
      ? undefined
      : users.map(
          (user): Member => ({ user, spend: spend.data?.members.find(({ user_id }) => user_id === user.id) }),
        )
  // A budget of one's own is written as the user and as the group.
  const mayOverride = !locked && permissions?.updateUsers === true
  const budget = asked?.member.spend?.group_budget
  return (
    <Section title="Members" help="What they have spent on this group’s budget." flush>
      {list.isError || spend.isError ? (
        <div className="p-4">
          <ErrorNotice
            error={list.error ?? spend.error}
            title="The spend of the members could not be read"
            onRetry={() => void (list.isError ? list.refetch() : spend.refetch())}
          />
        </div>
      ) : null}
      {list.isError && list.data === undefined ? null : (
        <>
          <Table
            label="Spend of members"
            columns={columnsOf(group)}
            rows={rows}
            rowKey={({ user }) => user.id}
            rowLabel={({ user }) => user.username}
            stale={list.isPlaceholderData}
            {...(mayOverride
              ? {
                  actions: (member: Member) => {
                    const own = member.spend?.group_budget?.limit_source === 'user_override'
                    return (
                      <Menu
                        label={`Actions for ${member.user.username}`}
                        groups={[
                          [
                            {
                              id: 'set',
                              label: own ? 'Change own budget' : 'Set own budget',
                              onSelect: () => setAsked({ what: 'set', member }),
                            },
                          ],
                          own
                            ? [
                                {
                                  id: 'remove',
                                  label: 'Remove own budget',
                                  danger: true,
                                  onSelect: () => setAsked({ what: 'remove', member }),
                                },
                              ]
                            : [],
                        ]}
                      />
                    )
                  },
                }
              : {})}
            empty={
              <EmptyState
                icon={UsersRound}
                title="Nobody is in this group"
                action={
                  <AppLink href={paths.group(organization.name, group.name)} className={buttonClass({})}>
                    Go to its members
                  </AppLink>
                }
              >
                What its members spend on its budget is listed here.
              </EmptyState>
            }
          />
          <Pagination page={address.page} count={list.data?.count ?? 0} onPage={address.setPage} />
        </>
      )}
      {asked?.what === 'set' ? (
        <OverrideDialog
          user={asked.member.user}
          groups={[{ id: group.id, label: groupTitle(group) }]}
          present={
            budget?.limit_source === 'user_override'
              ? { group_id: group.id, spend_limit_micros: budget.spend_limit_micros }
              : null
          }
          onClose={() => setAsked(undefined)}
        />
      ) : null}
      {asked?.what === 'remove' ? (
        <RemoveOverrideDialog user={asked.member.user} onClose={() => setAsked(undefined)} />
      ) : null}
    </Section>
  )
}

function columnsOf(group: Group): readonly Column<Member>[] {
  return [
    {
      id: 'member',
      header: 'Member',
      cell: ({ user }) => <Person username={user.username} name={user.name} avatarUrl={user.avatar_url} />,
    },
    {
      id: 'budget',
      header: 'Counted here',
      from: 'md',
      cell: ({ spend }) =>
        spend === undefined ? null : spend.group_budget?.limit_source === 'user_override' ? (
          <Mark>Own budget</Mark>
        ) : spend.effective_group_id !== null && spend.effective_group_id !== group.id ? (
          <span className="whitespace-nowrap text-ink-2">in another group</span>
        ) : (
          <span className="whitespace-nowrap text-ink-2">as a member</span>
        ),
    },
    {
      id: 'spent',
      header: 'Spent',
      className: '@max-xl:pl-14',
      cell: ({ user, spend }) =>
        spend === undefined ? null : (
          <SpendMeter
            label={`Spent by ${user.username}`}
            spent={spend.group_spend_micros}
            limit={spend.group_budget?.spend_limit_micros ?? null}
          />
        ),
    },
  ]
}
