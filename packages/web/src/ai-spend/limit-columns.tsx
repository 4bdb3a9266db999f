import type { Group, GroupAILimits, GroupAIModelPolicy, OrganizationGroupAISpend } from '@slipway/contract'
import { dollars } from '../chats/chat-words.ts'
import { GroupIcon } from '../groups/group-icon.tsx'
import { groupTitle } from '../groups/group-words.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import type { Column } from '../ui/table.tsx'
import { SpendMeter } from './spend-meter.tsx'
import { policyWords } from './spend-words.ts'

/** A group with all that is set for it. */
export interface LimitedGroup {
  readonly group: Group
  readonly budget: number | null
  readonly limits: GroupAILimits | null
  readonly policy: GroupAIModelPolicy | null
  /** Undefined until it is known. */
  readonly spend: OrganizationGroupAISpend | undefined
}

export function limitColumns(organization: string): readonly Column<LimitedGroup>[] {
  return [
    {
      id: 'group',
      header: 'Group',
      cell: ({ group }) => (
        <span className="flex min-w-0 items-center gap-3">
          <GroupIcon url={group.avatar_url} />
          <span className="min-w-0">
            <AppLink
              href={paths.groupAi(organization, group.name)}
              className="block truncate font-medium hover:text-accent"
            >
              <bdi>{groupTitle(group)}</bdi>
            </AppLink>
            <span className="block truncate text-xs text-ink-2">
              {group.total_member_count === 1 ? '1 member' : `${group.total_member_count} members`}
            </span>
          </span>
        </span>
      ),
    },
    {
      id: 'spent',
      header: 'Spent together',
      className: '@max-xl:pl-14',
      cell: ({ group, spend }) =>
        spend === undefined ? null : (
          <SpendMeter
            label={`Spent by ${groupTitle(group)}`}
            spent={spend.current_spend_micros}
            limit={spend.total_spend_limit_micros}
          />
        ),
    },
    {
      id: 'budget',
      header: 'Each member',
      align: 'end',
      from: 'md',
      cell: ({ budget }) => <span className="whitespace-nowrap">{limitText(budget)}</span>,
    },
    {
      id: 'rate',
      header: 'Tokens per minute',
      align: 'end',
      from: 'xl',
      cell: ({ limits }) =>
        limits?.tokens_per_minute == null ? (
          <span className="text-ink-3">–</span>
        ) : (
          limits.tokens_per_minute.toLocaleString('en-US')
        ),
    },
    {
      id: 'models',
      header: 'Models',
      from: 'lg',
      cell: ({ policy }) => (
        <span className="block max-w-52 truncate text-ink-2" title={policyWords(policy)}>
          {policyWords(policy)}
        </span>
      ),
    },
  ]
}

function limitText(micros: number | null) {
  return micros === null ? <span className="text-ink-3">no limit</span> : dollars(micros)
}
