import type { Command } from 'commander'

import {
  type AssignableRoles,
  type CustomRoleRequest,
  createSiteRole,
  deleteSiteRole,
  listGrantableSitePermissions,
  listSiteRoles,
  updateSiteRole,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { ask, interactive, sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { jsonBytes } from '../standard-input.ts'
import { askPermissions, ROLE_COLUMNS, readRole, roleNamed, type ShownRole } from './role-table.ts'

interface EditFlags extends OutputFlags {
  readonly stdin?: boolean
  readonly dryRun?: boolean
}

const EXAMPLE = `
What --stdin reads:
  {
    "name": "log-reader",
    "display_name": "Log Reader",
    "site_permissions": [{"resource_type": "audit_log", "action": "read"}]
  }
\`slipway users roles show <role> -o json\` prints a role that can be changed and read again.`

/** `users roles …`: the roles of the deployment, which count in every organization (RB-136). */
export function siteRoleCommands(users: Command): void {
  const roles = users
    .command('roles')
    .alias('role')
    .description('Manage the roles of the deployment, and make custom ones')
  tableOptions(roles.command('show [roles...]'), ROLE_COLUMNS)
    .alias('list')
    .description('Show roles, all or those named')
    .action(async (names: string[], own: OutputFlags, command: Command) => {
      const all = await (await openSession(command)).call(listSiteRoles)
      printRows(names.length === 0 ? all : names.map((name) => roleNamed(all, name)), ROLE_COLUMNS, own)
    })
  tableOptions(roles.command('create [role]'), ROLE_COLUMNS)
    .description('Make a custom role; on a terminal, its permissions are asked for')
    .option('--stdin', 'read the role from standard input, as JSON')
    .option('--dry-run', 'print the role and make nothing')
    .addHelpText('after', EXAMPLE)
    .action(async (name: string | undefined, own: EditFlags, command: Command) => {
      const client = await openSession(command)
      const role = own.stdin === true ? await readRole(name) : await askRole(client, name)
      await submit(client, createSiteRole, role, own)
    })
  tableOptions(roles.command('update <role>'), ROLE_COLUMNS)
    .alias('edit')
    .description('Replace what a custom role grants; on a terminal, its permissions are asked for')
    .option('--stdin', 'read the role from standard input, as JSON')
    .option('--dry-run', 'print the role and change nothing')
    .addHelpText('after', EXAMPLE)
    .action(async (name: string, own: EditFlags, command: Command) => {
      const client = await openSession(command)
      const before = roleNamed(await client.call(listSiteRoles), name)
      if (before.built_in)
        throw new CommandError(`${before.name} is built in: only custom roles can be changed`)
      const role =
        own.stdin === true ? await readRole(before.name) : await askRole(client, before.name, before)
      await submit(client, updateSiteRole, role, own)
    })
  roles
    .command('delete <role>')
    .alias('rm')
    .description('Delete a custom role, which takes it from everybody who has it')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      await sure(`Delete the role ${name}?`, own.yes)
      await client.call(deleteSiteRole, { params: { roleName: name } })
      process.stdout.write(`Deleted the role ${name}.\n`)
    })
}

async function askRole(
  client: Connection,
  named?: string,
  before?: AssignableRoles,
): Promise<CustomRoleRequest> {
  if (!interactive()) throw new CommandError('--stdin is required: there is no terminal to ask on')
  const name = named ?? (await ask('Name of the role', 'a name'))
  const display = await ask('Name that people read', '--stdin', before?.display_name ?? '')
  const picked = await askPermissions(
    'What it allows in the whole deployment',
    await client.call(listGrantableSitePermissions),
    before?.site_permissions,
  )
  return {
    name,
    display_name: display,
    ...(before === undefined ? {} : { user_permissions: before.user_permissions }),
    site_permissions: picked,
  }
}

/** Sends a role and prints what became of it, or only prints what would be sent. */
async function submit(
  client: Connection,
  route: typeof createSiteRole | typeof updateSiteRole,
  role: ShownRole,
  own: EditFlags,
): Promise<void> {
  if (own.dryRun === true) return printRow(role, ROLE_COLUMNS, own)
  printRow(await client.upload(route, jsonBytes({ ...role }), 'application/json', {}), ROLE_COLUMNS, own)
}
