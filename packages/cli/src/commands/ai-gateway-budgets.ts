import type { Command } from 'commander'

import {
  deleteGroupAIBudget,
  deleteOrganizationAIBudget,
  deleteUserAIBudgetOverride,
  type GroupAIBudget,
  getGroupAIBudget,
  getOrganizationAIBudget,
  getUserAIBudgetOverride,
  type OrganizationAIBudget,
  type UserAIBudgetOverride,
  upsertGroupAIBudget,
  upsertOrganizationAIBudget,
  upsertUserAIBudgetOverride,
} from '@slipway/contract'
import { dollars, micros } from '../dollars.ts'
import {
  chosenGroup,
  chosenOrganization,
  type OrganizationFlags,
  organizationOption,
} from '../organization.ts'
import { type Column, day, type OutputFlags, printRow, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'

const GROUP_COLUMNS: readonly Column<GroupAIBudget>[] = [
  { name: 'group id', value: (budget) => budget.group_id },
  { name: 'limit of each member', value: (budget) => dollars(budget.spend_limit_micros, '') },
  { name: 'updated at', value: (budget) => day(budget.updated_at) },
]

const USER_COLUMNS: readonly Column<UserAIBudgetOverride>[] = [
  { name: 'user id', value: (budget) => budget.user_id },
  { name: 'limit', value: (budget) => dollars(budget.spend_limit_micros, '') },
  { name: 'charged to group', value: (budget) => budget.group_id },
  { name: 'updated at', value: (budget) => day(budget.updated_at) },
]

const ORGANIZATION_COLUMNS: readonly Column<OrganizationAIBudget>[] = [
  { name: 'organization id', value: (budget) => budget.organization_id },
  { name: 'limit of all members', value: (budget) => dollars(budget.spend_limit_micros, '') },
  { name: 'updated at', value: (budget) => day(budget.updated_at) },
]

type Flags = OutputFlags & OrganizationFlags

/** `ai-gateway budget …`. */
export function budgetCommands(gateway: Command): void {
  const budget = gateway
    .command('budget')
    .alias('budgets')
    .description('Manage what may be spent on models in a period')
  groupBudgets(budget.command('group').description('What each member of a group may spend'))
  userBudgets(budget.command('user').description('What one user may spend instead'))
  organizationBudgets(
    budget.command('organization').alias('org').description('What all members may spend together'),
  )
}

function groupBudgets(group: Command): void {
  organizationOption(tableOptions(group.command('show <group>'), GROUP_COLUMNS))
    .description('Show the budget of a group, given by name or id')
    .action(async (name: string, own: Flags, command: Command) => {
      const client = await openSession(command)
      const params = { group: (await chosenGroup(client, own, name)).id }
      printRow(await client.call(getGroupAIBudget, { params }), GROUP_COLUMNS, own)
    })
  organizationOption(tableOptions(group.command('set <group> <dollars>'), GROUP_COLUMNS))
    .description('Set what each member may spend; 0 blocks everything')
    .action(async (name: string, amount: string, own: Flags, command: Command) => {
      const body = { spend_limit_micros: micros(amount, 'the budget') }
      const client = await openSession(command)
      const params = { group: (await chosenGroup(client, own, name)).id }
      printRow(await client.call(upsertGroupAIBudget, { params, body }), GROUP_COLUMNS, own)
    })
  organizationOption(group.command('delete <group>'))
    .alias('rm')
    .description('Take the budget of a group away, so that it limits nobody')
    .action(async (name: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const chosen = await chosenGroup(client, own, name)
      await client.call(deleteGroupAIBudget, { params: { group: chosen.id } })
      process.stdout.write(`The group ${chosen.name} has no AI budget.\n`)
    })
}

function userBudgets(user: Command): void {
  tableOptions(user.command('show <user>'), USER_COLUMNS)
    .description('Show the budget of a user, who is given by name or id')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const budget = await client.call(getUserAIBudgetOverride, { params: { user: name } })
      printRow(budget, USER_COLUMNS, own)
    })
  organizationOption(tableOptions(user.command('set <user> <dollars>'), USER_COLUMNS))
    .description('Set what a user may spend, whatever the budgets of their groups are; 0 blocks everything')
    .requiredOption('-g, --group <group>', 'group that it is charged to, by name or id; they must be in it')
    .action(
      async (name: string, amount: string, own: Flags & { readonly group: string }, command: Command) => {
        const limit = micros(amount, 'the budget')
        const client = await openSession(command)
        const { id } = await chosenGroup(client, own, own.group)
        const budget = await client.call(upsertUserAIBudgetOverride, {
          params: { user: name },
          body: { group_id: id, spend_limit_micros: limit },
        })
        printRow(budget, USER_COLUMNS, own)
      },
    )
  user
    .command('delete <user>')
    .alias('rm')
    .description('Take the budget of a user away; those of their groups count again')
    .action(async (name: string, _own: unknown, command: Command) => {
      const client = await openSession(command)
      await client.call(deleteUserAIBudgetOverride, { params: { user: name } })
      process.stdout.write(`The user ${name} has no AI budget of their own.\n`)
    })
}

function organizationBudgets(organization: Command): void {
  organizationOption(tableOptions(organization.command('show'), ORGANIZATION_COLUMNS))
    .description('Show the budget of an organization')
    .action(async (own: Flags, command: Command) => {
      const client = await openSession(command)
      const params = { organization: (await chosenOrganization(client, own)).id }
      printRow(await client.call(getOrganizationAIBudget, { params }), ORGANIZATION_COLUMNS, own)
    })
  organizationOption(tableOptions(organization.command('set <dollars>'), ORGANIZATION_COLUMNS))
    .description('Set what all members may spend together; 0 blocks everything')
    .action(async (amount: string, own: Flags, command: Command) => {
      const body = { spend_limit_micros: micros(amount, 'the budget') }
      const client = await openSession(command)
      const params = { organization: (await chosenOrganization(client, own)).id }
      printRow(await client.call(upsertOrganizationAIBudget, { params, body }), ORGANIZATION_COLUMNS, own)
    })
  organizationOption(organization.command('delete'))
    .alias('rm')
    .description('Take the budget of an organization away')
    .action(async (own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id, name } = await chosenOrganization(client, own)
      await client.call(deleteOrganizationAIBudget, { params: { organization: id } })
      process.stdout.write(`The organization ${name} has no AI budget.\n`)
    })
}
