import type { Command } from 'commander'

import {
  exportOrganizationAISpend,
  type Group,
  getOrganizationGroupsAISpend,
  getUserAISpend,
  listOrganizationGroups,
  type OrganizationGroupAISpend,
  type UserAISpendStatus,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { dollars } from '../dollars.ts'
import { chosenOrganization, groupName, type OrganizationFlags, organizationOption } from '../organization.ts'
import { type Column, day, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { textAt } from '../text-at.ts'

/** Groups that one request may ask for (AG-116). */
const MAX_GROUPS = 100

/** What a user has spent, and how people call the group that it counts for. */
interface UserSpend {
  readonly spend: UserAISpendStatus
  readonly group: string
}

const USER_COLUMNS: readonly Column<UserSpend>[] = [
  { name: 'user id', value: ({ spend }) => spend.user_id, extra: true },
  { name: 'spent', value: ({ spend }) => dollars(spend.current_spend_micros, '') },
  {
    name: 'limit',
    value: ({ spend }) => dollars(spend.effective_budget?.spend_limit_micros ?? null, 'none'),
  },
  { name: 'limit of', value: ({ spend }) => spend.effective_budget?.limit_source.replace('_', ' ') ?? '' },
  { name: 'group', value: ({ group }) => group },
  { name: 'group id', value: ({ spend }) => spend.effective_group_id ?? '', extra: true },
  { name: 'from', value: ({ spend }) => day(spend.period_start) },
  { name: 'to', value: ({ spend }) => day(spend.period_end) },
]

type GroupSpend = OrganizationGroupAISpend & { readonly name: string }

const GROUP_COLUMNS: readonly Column<GroupSpend>[] = [
  { name: 'group', value: (spend) => spend.name },
  { name: 'group id', value: (spend) => spend.group_id, extra: true },
  { name: 'spent', value: (spend) => dollars(spend.current_spend_micros, '') },
  { name: 'limit of each member', value: (spend) => dollars(spend.spend_limit_micros, 'none') },
  { name: 'limit of all', value: (spend) => dollars(spend.total_spend_limit_micros, 'none') },
]

/** `ai-gateway spend …`. */
export function spendCommands(gateway: Command): void {
  const spend = gateway.command('spend').description('See what models have cost in this period')
  tableOptions(spend.command('show [user]'), USER_COLUMNS)
    .description('Show what a user has spent, and may spend; yourself when absent')
    .action(async (user: string | undefined, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const spend = await client.call(getUserAISpend, { params: { user: user ?? 'me' } })
      const id = spend.effective_group_id
      const group = id === null || own.output === 'json' ? '' : await groupName(client, id)
      printRow({ spend, group }, USER_COLUMNS, own, (row) => row.spend)
    })
  organizationOption(tableOptions(spend.command('groups'), GROUP_COLUMNS))
    .description('Show what the groups of an organization have spent')
    .action(async (own: OutputFlags & OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id } = await chosenOrganization(client, own)
      const groups = await client.call(listOrganizationGroups, { params: { organization: id } })
      printRows(await spendOf(client, id, groups), GROUP_COLUMNS, own)
    })
  organizationOption(spend.command('export'))
    .description('Print the spend of an organization as CSV, one line for each user, group and model')
    .option('--from <time>', 'such as 2026-01-01T00:00:00Z; this month when absent')
    .option('--to <time>', 'at most 31 days later')
    .action(
      async (own: OrganizationFlags & { readonly from?: string; readonly to?: string }, command: Command) => {
        const client = await openSession(command)
        const { id: organization } = await chosenOrganization(client, own)
        const address = client.address(exportOrganizationAISpend, {
          params: { organization },
          query: {
            ...(own.from === undefined ? {} : { period_start: own.from }),
            ...(own.to === undefined ? {} : { period_end: own.to }),
          },
        })
        process.stdout.write(await textAt(client, address))
      },
    )
}

async function spendOf(
  client: Connection,
  organization: string,
  groups: readonly Group[],
): Promise<GroupSpend[]> {
  const found: GroupSpend[] = []
  for (let from = 0; from < groups.length; from += MAX_GROUPS) {
    const some = groups.slice(from, from + MAX_GROUPS)
    const answer = await client.call(getOrganizationGroupsAISpend, {
      params: { organization },
      query: { group_ids: some.map(({ id }) => id).join(',') },
    })
    for (const one of answer.groups)
      found.push({ ...one, name: some.find(({ id }) => id === one.group_id)?.name ?? '' })
  }
  return found
}
