import type { Command } from 'commander'

import {
  createOrganization,
  deleteOrganization,
  getOrganization,
  listOrganizations,
  listOrganizationsOfUser,
  type Organization,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { ago, type Column, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { memberCommands } from './organization-members.ts'
import { roleCommands } from './organization-roles.ts'
import { settingsCommands } from './organization-settings.ts'

const COLUMNS: readonly Column<Organization>[] = [
  { name: 'id', value: (organization) => organization.id },
  { name: 'name', value: (organization) => organization.name },
  { name: 'display name', value: (organization) => organization.display_name },
  { name: 'icon', value: (organization) => organization.icon, extra: true },
  { name: 'description', value: (organization) => organization.description, extra: true },
  { name: 'created at', value: (organization) => ago(organization.created_at), extra: true },
  { name: 'updated at', value: (organization) => ago(organization.updated_at), extra: true },
  { name: 'default', value: (organization) => String(organization.is_default) },
]

interface CreateFlags {
  readonly displayName?: string
  readonly description?: string
  readonly icon?: string
  readonly yes?: boolean
}

/** `organizations …`. */
export function organizationCommands(program: Command): void {
  const organizations = program.command('organizations')
  tableOptions(organizations.command('list'), COLUMNS)
    .alias('ls')
    .description('List the organizations that you may see')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printRows(await client.call(listOrganizations), COLUMNS, own)
    })
  organizationOption(organizations.command('show [selected|me|id|name]'))
    .description(
      'Show an organization: the one that commands work in (selected, which is the default), all of your own (me), or any by id or name',
    )
    .option('--only-id', 'print nothing but the id')
    .option(
      '-c, --column <columns>',
      `columns of the table, separated by commas: ${COLUMNS.map(({ name }) => name).join(', ')}`,
    )
    .option('-o, --output <format>', 'text, table or json', 'text')
    .action(
      async (
        which: string | undefined,
        own: OutputFlags & OrganizationFlags & { onlyId?: boolean },
        command: Command,
      ) => {
        const client = await openSession(command)
        const found = await shown(client, which ?? 'selected', own)
        if (own.onlyId === true) process.stdout.write(found.map(({ id }) => `${id}\n`).join(''))
        else if (own.output !== 'text') printRows(found, COLUMNS, own)
        else for (const { name, id } of found) process.stdout.write(`${name} (${id})\n`)
      },
    )
  organizations
    .command('create <name>')
    .description('Make an organization')
    .option('--display-name <name>', 'name that people read; the name itself when absent')
    .option('--description <text>', 'what it is for')
    .option('--icon <url>', 'URL or emoji path of its icon')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: CreateFlags, command: Command) => {
      const client = await openSession(command)
      await sure(`Make the organization ${name}?`, own.yes)
      const made = await client.call(createOrganization, {
        body: {
          name,
          ...(own.displayName === undefined ? {} : { display_name: own.displayName }),
          ...(own.description === undefined ? {} : { description: own.description }),
          ...(own.icon === undefined ? {} : { icon: own.icon }),
        },
      })
      process.stdout.write(`Made the organization ${made.name} (${made.id}).\n`)
    })
  organizations
    .command('delete <organization>')
    .alias('rm')
    .description('Delete an organization, which must be empty; by name or id')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const found = await client.call(getOrganization, { params: { organization: name } })
      await sure(`Delete the organization ${found.name}? This cannot be undone.`, own.yes)
      await client.call(deleteOrganization, { params: { organization: found.id } })
      process.stdout.write(`Deleted the organization ${found.name}.\n`)
    })
  memberCommands(organizations)
  roleCommands(organizations)
  settingsCommands(organizations)
}

async function shown(
  client: Connection,
  which: string,
  flags: OrganizationFlags,
): Promise<readonly Organization[]> {
  switch (which) {
    case 'selected':
      return [await chosenOrganization(client, flags)]
    case 'me': {
      const own = await client.call(listOrganizationsOfUser, { params: { user: 'me' } })
      if (own.length === 0) throw new CommandError('you belong to no organization')
      return own
    }
    default:
      return [await client.call(getOrganization, { params: { organization: which } })]
  }
}
