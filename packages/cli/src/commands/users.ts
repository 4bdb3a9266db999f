import type { Command } from 'commander'

import {
  activateUser,
  createUser,
  deleteUser,
  getUser,
  listUsers,
  suspendUser,
  type User,
  updateUserRoles,
} from '@slipway/contract'
import { ago, type Column, type OutputFlags, printRows } from '../output.ts'
import { ask, askSecret, sure } from '../prompt.ts'
import { type GlobalFlags, openSession } from '../session.ts'

const COLUMNS: readonly Column<User>[] = [
  { name: 'username', value: (user) => user.username },
  { name: 'email', value: (user) => user.email },
  { name: 'created at', value: (user) => ago(user.created_at) },
  { name: 'status', value: (user) => user.status },
  { name: 'roles', value: (user) => user.roles.map((role) => role.name).join(', ') },
]

/** `users …`. */
export function userCommands(program: Command): void {
  const users = program.command('users').alias('user').description('Manage accounts')
  users
    .command('list')
    .description('List accounts')
    .option('--search <query>', 'search, such as status:active')
    .option('-c, --column <columns>', 'columns, separated by commas')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (own: OutputFlags & { search?: string }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const found = await client.call(listUsers, { query: { q: own.search ?? '' } })
      printRows(found.users, COLUMNS, own)
    })
  users
    .command('show <user>')
    .description('Show an account')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (user: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      printRows([await client.call(getUser, { params: { user } })], COLUMNS, own)
    })
  users
    .command('create')
    .description('Make an account')
    .option('-e, --email <email>')
    .option('-u, --username <name>')
    .option('-n, --full-name <name>')
    .option('-p, --password <password>')
    .option('--org <organization>', 'organization of the account', '00000000-0000-0000-0000-000000000000')
    .action(
      async (
        own: { email?: string; username?: string; fullName?: string; password?: string; org: string },
        command: Command,
      ) => {
        const client = await openSession(command.optsWithGlobals<GlobalFlags>())
        const email = own.email ?? (await ask('E-mail', '--email'))
        const username = own.username ?? (await ask('User name', '--username', email.split('@')[0]))
        const password = own.password ?? (await askSecret('Password', '--password'))
        const user = await client.call(createUser, {
          body: {
            email,
            username,
            password,
            login_type: 'password',
            organization_ids: [own.org],
            ...(own.fullName === undefined ? {} : { name: own.fullName }),
          },
        })
        process.stdout.write(`Made the account ${user.username}.\n`)
      },
    )
  for (const [name, route, done] of [
    ['suspend', suspendUser, 'is suspended'],
    ['activate', activateUser, 'is active'],
  ] as const)
    users
      .command(`${name} <user>`)
      .description(`${name === 'suspend' ? 'Take' : 'Give back'} access to the server`)
      .option('-y, --yes', 'do not ask')
      .action(async (user: string, own: { yes?: boolean }, command: Command) => {
        const client = await openSession(command.optsWithGlobals<GlobalFlags>())
        await sure(`${name} ${user}?`, own.yes ?? name === 'activate')
        const changed = await client.call(route, { params: { user } })
        process.stdout.write(`${changed.username} ${done}.\n`)
      })
  users
    .command('delete <user>')
    .description('Delete an account')
    .option('-y, --yes', 'do not ask')
    .action(async (user: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      await sure(`Delete ${user}? This cannot be undone.`, own.yes)
      await client.call(deleteUser, { params: { user } })
      process.stdout.write(`Deleted ${user}.\n`)
    })
  users
    .command('edit-roles <user>')
    .description('Replace the site roles of an account')
    .requiredOption('--roles <roles>', 'roles, separated by commas; empty for none')
    .option('-y, --yes', 'do not ask')
    .action(async (user: string, own: { roles: string; yes?: boolean }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      await sure(`Set the roles of ${user} to ${own.roles || 'none'}?`, own.yes)
      const roles = own.roles
        .split(',')
        .map((role) => role.trim())
        .filter((role) => role !== '')
      const changed = await client.call(updateUserRoles, { params: { user }, body: { roles } })
      process.stdout.write(`${changed.username} has the roles: ${roles.join(', ') || 'none'}.\n`)
    })
}
