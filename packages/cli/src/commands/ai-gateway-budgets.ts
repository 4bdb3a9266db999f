import type { Command } from 'commander'

import {
  deleteGroupAIBudget,
  deleteOrganizationAIBudget,
  deleteUserAIBudgetOverride,
  type GroupAIBudget,
  getGroupAIBudget,
  getOrganizationAIBudget,
  getUser,
  getUserAIBudgetOverride,
  type OrganizationAIBudget,
  type User,
  type UserAIBudgetOverride,
  upsertGroupAIBudget,
  upsertOrganizationAIBudget,
  upsertUserAIBudgetOverride,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { dollars, micros } from '../dollars.ts'
import { unlessMissing } from '../errors.ts'
import {
  chosenGroup,
  chosenOrganization,
  groupName,
  type OrganizationFlags,
  organizationOption,
} from '../organization.ts'
import { type Column, day, type OutputFlags, printRow, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'

/** A budget and who has it, by name; programs get the budget. */
type Named<Budget> = { readonly budget: Budget; readonly of: string; readonly group: string }
const budgetIn = <Budget>({ budget }: Named<Budget>): Budget => budget

const GROUP_COLUMNS: readonly Column<Named<GroupAIBudget>>[] = [
  { name: 'group', value: (row) => row.group },
  { name: 'group id', value: ({ budget }) => budget.group_id, extra: true },
  { name: 'limit of each member', value: ({ budget }) => dollars(budget.spend_limit_micros, '') },
  { name: 'updated at', value: ({ budget }) => day(budget.updated_at) },
]

const USER_COLUMNS: readonly Column<Named<UserAIBudgetOverride>>[] = [
  { name: 'user', value: (row) => row.of },
  { name: 'user id', value: ({ budget }) => budget.user_id, extra: true },
  { name: 'limit', value: ({ budget }) => dollars(budget.spend_limit_micros, '') },
  { name: 'charged to group', value: (row) => row.group },
  { name: 'group id', value: ({ budget }) => budget.group_id, extra: true },
  { name: 'updated at', value: ({ budget }) => day(budget.updated_at) },
]

const ORGANIZATION_COLUMNS: readonly Column<Named<OrganizationAIBudget>>[] = [
  { name: 'organization', value: (row) => row.of },
  { name: 'organization id', value: ({ budget }) => budget.organization_id, extra: true },
  { name: 'limit of all members', value: ({ budget }) => dollars(budget.spend_limit_micros, '') },
  { name: 'updated at', value: ({ budget }) => day(budget.updated_at) },
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
      const group = await chosenGroup(client, own, name)
      const budget = await unlessMissing(
        client.call(getGroupAIBudget, { params: { group: group.id } }),
        `the group ${group.name} has no AI budget`,
      )
      printRow({ budget, of: group.name, group: group.name }, GROUP_COLUMNS, own, budgetIn)
    })
  organizationOption(tableOptions(group.command('set <group> <dollars>'), GROUP_COLUMNS))
    .description('Set what each member may spend; 0 blocks everything')
    .action(async (name: string, amount: string, own: Flags, command: Command) => {
      const body = { spend_limit_micros: micros(amount, 'the budget') }
      const client = await openSession(command)
      const group = await chosenGroup(client, own, name)
      const budget = await client.call(upsertGroupAIBudget, { params: { group: group.id }, body })
      printRow({ budget, of: group.name, group: group.name }, GROUP_COLUMNS, own, budgetIn)
    })
  organizationOption(group.command('delete <group>'))
    .alias('rm')
    .description('Take the budget of a group away, so that it limits nobody')
    .action(async (name: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const chosen = await chosenGroup(client, own, name)
      await unlessMissing(
        client.call(deleteGroupAIBudget, { params: { group: chosen.id } }),
        `the group ${chosen.name} has no AI budget`,
      )
      process.stdout.write(`The group ${chosen.name} has no AI budget.\n`)
    })
}

function userBudgets(user: Command): void {
  tableOptions(user.command('show <user>'), USER_COLUMNS)
    .description('Show the budget of a user, who is given by name or id')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const { id, username } = await knownUser(client, name)
      const budget = await unlessMissing(
        client.call(getUserAIBudgetOverride, { params: { user: id } }),
        ownNone(username),
      )
      const group = await groupName(client, budget.group_id)
      printRow({ budget, of: username, group }, USER_COLUMNS, own, budgetIn)
    })
  organizationOption(tableOptions(user.command('set <user> <dollars>'), USER_COLUMNS))
    .description('Set what a user may spend, whatever the budgets of their groups are; 0 blocks everything')
    .requiredOption('-g, --group <group>', 'group that it is charged to, by name or id; they must be in it')
    .action(
      async (name: string, amount: string, own: Flags & { readonly group: string }, command: Command) => {
        const limit = micros(amount, 'the budget')
        const client = await openSession(command)
        const user = await knownUser(client, name)
        const group = await chosenGroup(client, own, own.group)
        const budget = await client.call(upsertUserAIBudgetOverride, {
          params: { user: user.id },
          body: { group_id: group.id, spend_limit_micros: limit },
        })
        printRow({ budget, of: user.username, group: group.name }, USER_COLUMNS, own, budgetIn)
      },
    )
  user
    .command('delete <user>')
    .alias('rm')
    .description('Take the budget of a user away; those of their groups count again')
    .action(async (name: string, _own: unknown, command: Command) => {
      const client = await openSession(command)
      const { id, username } = await knownUser(client, name)
      await unlessMissing(
        client.call(deleteUserAIBudgetOverride, { params: { user: id } }),
        ownNone(username),
      )
      process.stdout.write(`The user ${username} has no AI budget of their own.\n`)
    })
}

function knownUser(client: Connection, name: string): Promise<User> {
  return unlessMissing(
    client.call(getUser, { params: { user: name } }),
    `there is no user ${name}, or you may not see them`,
  )
}

const ownNone = (username: string) => `the user ${username} has no AI budget of their own`

function organizationBudgets(organization: Command): void {
  organizationOption(tableOptions(organization.command('show'), ORGANIZATION_COLUMNS))
    .description('Show the budget of an organization')
    .action(async (own: Flags, command: Command) => {
      const client = await openSession(command)
      const { id, name } = await chosenOrganization(client, own)
      const budget = await unlessMissing(
        client.call(getOrganizationAIBudget, { params: { organization: id } }),
        `the organization ${name} has no AI budget`,
      )
      printRow({ budget, of: name, group: '' }, ORGANIZATION_COLUMNS, own, budgetIn)
    })
  organizationOption(tableOptions(organization.command('set <dollars>'), ORGANIZATION_COLUMNS))
    .description('Set what all members may spend together; 0 blocks everything')
    .action(async (amount: string, own: Flags, command: Command) => {
      const body = { spend_limit_micros: micros(amount, 'the budget') }
      const client = await openSession(command)
      const { id, name } = await chosenOrganization(client, own)
      const budget = await client.call(upsertOrganizationAIBudget, { params: { organization: id }, body })
      printRow({ budget, of: name, group: '' }, ORGANIZATION_COLUMNS, own, budgetIn)
    })
  organizationOption(organization.command('delete'))
    .alias('rm')
    .description('Take the budget of an organization away')
    .action(async (own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id, name } = await chosenOrganization(client, own)
      await unlessMissing(
        client.call(deleteOrganizationAIBudget, { params: { organization: id } }),
        `the organization ${name} has no AI budget`,
      )
      process.stdout.write(`The organization ${name} has no AI budget.\n`)
    })
}
