import type { Command } from 'commander'

import {
  type AssignableRoles,
  type CustomRoleRequest,
  createCustomRole,
  deleteCustomRole,
  listGrantablePermissions,
  listMemberRoles,
  updateCustomRole,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { ask, interactive, sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { jsonBytes } from '../standard-input.ts'
import { askPermissions, ROLE_COLUMNS, readRole, roleNamed, type ShownRole } from './role-table.ts'

interface EditFlags extends OrganizationFlags, OutputFlags {
  readonly stdin?: boolean
  readonly dryRun?: boolean
}

const EXAMPLE = `
What --stdin reads:
  {
    "name": "auditor",
    "display_name": "Auditor",
    "organization_permissions": [{"resource_type": "audit_log", "action": "read"}]
  }
\`slipway organizations roles show <role> -o json\` prints a role that can be changed and read again.`

/** `organizations roles …`. */
export function roleCommands(organizations: Command): void {
  const roles = organizations
    .command('roles')
    .alias('role')
    .description('Manage the roles of an organization, and make custom ones')
  organizationOption(tableOptions(roles.command('show [roles...]'), ROLE_COLUMNS))
    .alias('list')
    .description('Show roles, all or those named')
    .action(async (names: string[], own: OrganizationFlags & OutputFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      const all = await client.call(listMemberRoles, { params: { organization } })
      const wanted = names.length === 0 ? all : names.map((name) => roleNamed(all, name))
      printRows(wanted, ROLE_COLUMNS, own)
    })
  organizationOption(tableOptions(roles.command('create [role]'), ROLE_COLUMNS))
    .description('Make a custom role; on a terminal, its permissions are asked for')
    .option('--stdin', 'read the role from standard input, as JSON')
    .option('--dry-run', 'print the role and make nothing')
    .addHelpText('after', EXAMPLE)
    .action(async (name: string | undefined, own: EditFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      const role = own.stdin === true ? await readRole(name) : await askRole(client, organization, name)
      await submit(client, createCustomRole, organization, role, own)
    })
  organizationOption(tableOptions(roles.command('update <role>'), ROLE_COLUMNS))
    .alias('edit')
    .description('Replace what a custom role grants; on a terminal, its permissions are asked for')
    .option('--stdin', 'read the role from standard input, as JSON')
    .option('--dry-run', 'print the role and change nothing')
    .addHelpText('after', EXAMPLE)
    .action(async (name: string, own: EditFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      const before = roleNamed(await client.call(listMemberRoles, { params: { organization } }), name)
      if (before.built_in)
        throw new CommandError(`${before.name} is built in: only custom roles can be changed`)
      const role =
        own.stdin === true
          ? await readRole(before.name)
          : await askRole(client, organization, before.name, before)
      await submit(client, updateCustomRole, organization, role, own)
    })
  organizationOption(roles.command('delete <role>'))
    .alias('rm')
    .description('Delete a custom role, which takes it from everybody who has it')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: OrganizationFlags & { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      await sure(`Delete the role ${name}?`, own.yes)
      await client.call(deleteCustomRole, { params: { organization, roleName: name } })
      process.stdout.write(`Deleted the role ${name}.\n`)
    })
}

async function askRole(
  client: Connection,
  organization: string,
  named?: string,
  before?: AssignableRoles,
): Promise<CustomRoleRequest> {
  if (!interactive()) throw new CommandError('--stdin is required: there is no terminal to ask on')
  const name = named ?? (await ask('Name of the role', 'a name'))
  const display = await ask('Name that people read', '--stdin', before?.display_name ?? '')
  const picked = await askPermissions(
    'What it allows in the organization',
    await client.call(listGrantablePermissions, { params: { organization } }),
    before?.organization_permissions,
  )
  return {
    name,
    display_name: display,
    ...(before?.assignable_by === undefined ? {} : { assignable_by: before.assignable_by }),
    ...(before === undefined
      ? {}
      : { organization_member_permissions: before.organization_member_permissions }),
    organization_permissions: picked,
  }
}

/** Sends a role and prints what became of it, or only prints what would be sent. */
async function submit(
  client: Connection,
  route: typeof createCustomRole | typeof updateCustomRole,
  organization: string,
  role: ShownRole,
  own: EditFlags,
): Promise<void> {
  if (own.dryRun === true) return printRow(role, ROLE_COLUMNS, own)
  const params = { organization }
  printRow(
    await client.upload(route, jsonBytes({ ...role }), 'application/json', { params }),
    ROLE_COLUMNS,
    own,
  )
}
