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
import { type Column, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { ask, interactive, pickSeveral, sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { jsonBytes, standardInputObject } from '../standard-input.ts'

/** What tables show of a role, of one that is only asked for as well. */
interface ShownRole {
  readonly name?: unknown
  readonly display_name?: unknown
  readonly organization_id?: unknown
  readonly built_in?: unknown
  readonly site_permissions?: unknown
  readonly organization_permissions?: unknown
  readonly user_permissions?: unknown
}

const COLUMNS: readonly Column<ShownRole>[] = [
  { name: 'name', value: (role) => text(role.name) },
  { name: 'display name', value: (role) => text(role.display_name) },
  { name: 'organization id', value: (role) => text(role.organization_id), extra: true },
  { name: 'built in', value: (role) => text(role.built_in), extra: true },
  { name: 'site permissions', value: (role) => count(role.site_permissions) },
  { name: 'organization permissions', value: (role) => count(role.organization_permissions) },
  { name: 'user permissions', value: (role) => count(role.user_permissions) },
]

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
  organizationOption(tableOptions(roles.command('show [roles...]'), COLUMNS))
    .alias('list')
    .description('Show roles, all or those named')
    .action(async (names: string[], own: OrganizationFlags & OutputFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      const all = await client.call(listMemberRoles, { params: { organization } })
      const wanted = names.length === 0 ? all : names.map((name) => roleNamed(all, name))
      printRows(wanted, COLUMNS, own)
    })
  organizationOption(tableOptions(roles.command('create [role]'), COLUMNS))
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
  organizationOption(tableOptions(roles.command('update <role>'), COLUMNS))
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

function roleNamed(roles: readonly AssignableRoles[], name: string): AssignableRoles {
  const found = roles.find((role) => role.name.toLowerCase() === name.toLowerCase())
  if (found === undefined)
    throw new CommandError(
      `there is no role ${name}: choose from ${roles.map((role) => role.name).join(', ')}`,
    )
  return found
}

/** The role on standard input, which is the named one. What it grants is for the server to judge (RB-37, RB-38). */
async function readRole(name: string | undefined): Promise<ShownRole> {
  const role: ShownRole = await standardInputObject('the role')
  if (name !== undefined && role.name !== undefined && role.name !== name)
    throw new CommandError(`standard input holds the role ${JSON.stringify(role.name)}, not ${name}`)
  if (name === undefined && role.name === undefined)
    throw new CommandError('the role has no name: put one into its JSON, or behind the command')
  return { name, ...role }
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
  const catalogue = await client.call(listGrantablePermissions, { params: { organization } })
  const held = before?.organization_permissions.map((one) => `${one.resource_type}:${one.action}`) ?? []
  const choices = catalogue.flatMap((one) => one.grantable.map((action) => `${one.resource_type}:${action}`))
  const picked = await pickSeveral(
    'What it allows in the organization',
    '--stdin',
    [...new Set([...choices, ...held])].map((value) => ({ value, label: value })),
    held,
  )
  return {
    name,
    display_name: display,
    ...(before?.assignable_by === undefined ? {} : { assignable_by: before.assignable_by }),
    organization_permissions: picked.map((one) => {
      const [resource_type = '', action = ''] = one.split(':')
      return { resource_type, action }
    }),
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
  if (own.dryRun === true) return printRow(role, COLUMNS, own)
  const params = { organization }
  printRow(await client.upload(route, jsonBytes({ ...role }), 'application/json', { params }), COLUMNS, own)
}

function text(value: unknown): string {
  return value === undefined ? '' : String(value)
}

function count(permissions: unknown): string {
  const number = Array.isArray(permissions) ? permissions.length : 0
  return number === 1 ? '1 permission' : `${number} permissions`
}
