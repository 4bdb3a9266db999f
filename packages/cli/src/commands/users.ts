import { randomInt } from 'node:crypto'

import type { Command } from 'commander'

import {
  activateUser,
  createUser,
  deleteUser,
  getOidcClaims,
  getUser,
  issueOidcToken,
  listSiteRoles,
  listUsers,
  suspendUser,
  type User,
  updateUserRoles,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { ago, type Column, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { ask, askNewSecret, interactive, pickSeveral, sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { siteRoleCommands } from './site-roles.ts'

const LOGIN_TYPES = ['password', 'none', 'github', 'oidc'] as const
// Without characters that look alike.
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789'

const COLUMNS: readonly Column<User>[] = [
  { name: 'id', value: (user) => user.id, extra: true },
  { name: 'username', value: (user) => user.username },
  { name: 'name', value: (user) => user.name ?? '', extra: true },
  { name: 'email', value: (user) => user.email },
  { name: 'created at', value: (user) => ago(user.created_at) },
  { name: 'updated at', value: (user) => ago(user.updated_at), extra: true },
  { name: 'status', value: (user) => user.status },
  { name: 'login type', value: (user) => user.login_type, extra: true },
  { name: 'roles', value: (user) => user.roles.map((role) => role.name).join(', ') },
]

const CLAIM_COLUMNS: readonly Column<readonly [name: string, value: unknown]>[] = [
  { name: 'key', value: ([name]) => name },
  { name: 'value', value: ([, value]) => (typeof value === 'string' ? value : JSON.stringify(value)) },
]

interface CreateFlags extends OrganizationFlags {
  readonly email?: string
  readonly username?: string
  readonly fullName?: string
  readonly password?: string
  readonly loginType?: string
  readonly disableLogin?: boolean
  readonly serviceAccount?: boolean
}

/** `users …`. */
export function userCommands(program: Command): void {
  const users = program.command('users')
  tableOptions(users.command('list'), COLUMNS)
    .alias('ls')
    .description('List accounts')
    .option('--search <query>', 'search, such as status:active')
    .option('--github-user-id <id>', 'the account that is linked to this GitHub user')
    .action(async (own: OutputFlags & { search?: string; githubUserId?: string }, command: Command) => {
      if (own.githubUserId !== undefined && !/^\d+$/.test(own.githubUserId))
        throw new CommandError(`--github-user-id must be a number, not ${JSON.stringify(own.githubUserId)}`)
      const words = [
        own.search,
        own.githubUserId === undefined ? undefined : `github_com_user_id:${own.githubUserId}`,
      ]
      const client = await openSession(command)
      const found = await client.call(listUsers, { query: { q: words.filter(Boolean).join(' ') } })
      printRows(found.users, COLUMNS, own)
    })
  tableOptions(users.command('show <user>'), COLUMNS)
    .description('Show an account; me is your own')
    .action(async (user: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRow(await client.call(getUser, { params: { user } }), COLUMNS, own)
    })
  organizationOption(users.command('create'))
    .description('Make an account')
    .option('-e, --email <email>', 'e-mail address')
    .option('-u, --username <name>', 'name that others see')
    .option('-n, --full-name <name>', 'full name')
    .option('-p, --password <password>', 'password; made up and shown once when nobody can be asked')
    .option('--login-type <type>', `how the account signs in: ${LOGIN_TYPES.join(', ')}`)
    .option('--disable-login', 'older way to write --login-type none')
    .option('--service-account', 'an account of a program, without e-mail and password')
    .action(async (own: CreateFlags, command: Command) => {
      const client = await openSession(command)
      const service = own.serviceAccount === true
      const type = loginTypeOf(own)
      if (type !== 'password' && own.password !== undefined)
        throw new CommandError(`an account that signs in by ${type} has no password: leave out --password`)
      const email = service ? own.email : (own.email ?? (await ask('E-mail', '--email')))
      const username = own.username ?? (await ask('User name', '--username', email?.split('@')[0]))
      const asked =
        type === 'password' && own.password === undefined && interactive()
          ? await askNewSecret('Password', '--password')
          : own.password
      const password = type === 'password' ? (asked ?? generatedPassword()) : undefined
      const organization = await chosenOrganization(client, own)
      const user = await client.call(createUser, {
        body: {
          username,
          login_type: type,
          organization_ids: [organization.id],
          ...(email === undefined ? {} : { email }),
          ...(password === undefined ? {} : { password }),
          ...(own.fullName === undefined ? {} : { name: own.fullName }),
          ...(service ? { service_account: true } : {}),
        },
      })
      process.stdout.write(`Made the account ${user.username}.\n`)
      if (password !== undefined && asked === undefined)
        process.stdout.write(`Its password, which is shown only now: ${password}\n`)
      if (type === 'password')
        process.stdout.write(`Sign in at ${client.url}, or with: slipway login ${client.url}\n`)
    })
  for (const [name, route, done] of [
    ['suspend', suspendUser, 'is suspended'],
    ['activate', activateUser, 'is active'],
  ] as const)
    users
      .command(`${name} <user>`)
      .description(`${name === 'suspend' ? 'Take' : 'Give back'} access to the server`)
      .option('-y, --yes', 'do not ask')
      .action(async (user: string, own: { yes?: boolean }, command: Command) => {
        const client = await openSession(command)
        await sure(`${name} ${user}?`, own.yes ?? name === 'activate')
        const changed = await client.call(route, { params: { user } })
        process.stdout.write(`${changed.username} ${done}.\n`)
      })
  users
    .command('delete <user>')
    .alias('rm')
    .description('Delete an account')
    .option('-y, --yes', 'do not ask')
    .action(async (user: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      await sure(`Delete ${user}? This cannot be undone.`, own.yes)
      await client.call(deleteUser, { params: { user } })
      process.stdout.write(`Deleted ${user}.\n`)
    })
  users
    .command('edit-roles <user>')
    .description('Replace the site roles of an account')
    .option('--roles <roles>', 'roles, separated by commas; empty for none; asked for when absent')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { roles?: string; yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const user = await client.call(getUser, { params: { user: name } })
      const roles = own.roles === undefined ? await askRoles(client, user) : rolesIn(own.roles)
      await sure(`Set the roles of ${user.username} to ${roles.join(', ') || 'none'}?`, own.yes)
      const changed = await client.call(updateUserRoles, { params: { user: user.id }, body: { roles } })
      const names = changed.roles.map((role) => role.name).join(', ')
      process.stdout.write(`${changed.username} has the roles: ${names || 'none'}.\n`)
    })
  siteRoleCommands(users)
  tableOptions(users.command('oidc-claims'), CLAIM_COLUMNS)
    .description('Show what the identity provider said of you at the last sign-in')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const answer = await client.call(getOidcClaims)
      if (own.output === 'json') process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
      else printRows(Object.entries(answer.claims), CLAIM_COLUMNS, own)
    })
  users
    .command('oidc-token')
    .description(
      'Print your own fresh access token of the identity provider, where the deployment hands it out',
    )
    .option('-o, --output <format>', 'text, or json with the time at which it ends', 'text')
    .action(async (own: { readonly output: string }, command: Command) => {
      if (own.output !== 'text' && own.output !== 'json')
        throw new CommandError('--output must be text or json')
      const client = await openSession(command)
      const token = await client.call(issueOidcToken, { params: { user: 'me' } })
      process.stdout.write(
        own.output === 'json' ? `${JSON.stringify(token, null, 2)}\n` : `${token.access_token}\n`,
      )
    })
}

async function askRoles(client: Connection, user: User): Promise<string[]> {
  const all = interactive() ? await client.call(listSiteRoles) : []
  return pickSeveral(
    `Site roles of ${user.username}`,
    '--roles',
    all
      .filter((role) => role.assignable && role.name !== 'member')
      .map((role) => ({ value: role.name, label: role.display_name || role.name })),
    user.roles.map((role) => role.name),
  )
}

function rolesIn(list: string): string[] {
  return list
    .split(',')
    .map((role) => role.trim())
    .filter((role) => role !== '')
}

function loginTypeOf(own: CreateFlags): (typeof LOGIN_TYPES)[number] {
  if (own.loginType === undefined)
    return own.disableLogin === true || own.serviceAccount === true ? 'none' : 'password'
  const known = LOGIN_TYPES.find((type) => type === own.loginType)
  if (known === undefined)
    throw new CommandError(`--login-type must be one of ${LOGIN_TYPES.join(', ')}, not ${own.loginType}`)
  return known
}

function generatedPassword(): string {
  return Array.from({ length: 20 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}
