import type { Command } from 'commander'

import {
  addMember,
  assignMemberRoles,
  getMember,
  listMembers,
  type OrganizationMemberWithUserData,
  removeMember,
} from '@slipway/contract'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { ago, type Column, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'

const COLUMNS: readonly Column<OrganizationMemberWithUserData>[] = [
  { name: 'user id', value: (member) => member.user_id, extra: true },
  { name: 'username', value: (member) => member.username },
  { name: 'name', value: (member) => member.name, extra: true },
  { name: 'email', value: (member) => member.email, extra: true },
  { name: 'status', value: (member) => member.status, extra: true },
  { name: 'organization id', value: (member) => member.organization_id, extra: true },
  { name: 'created at', value: (member) => ago(member.created_at), extra: true },
  { name: 'updated at', value: (member) => ago(member.updated_at), extra: true },
  {
    name: 'organization roles',
    value: (member) => member.roles.map((role) => role.display_name || role.name).join(', '),
  },
]

/** `organizations members …`. */
export function memberCommands(organizations: Command): void {
  const members = organizations.command('members').alias('member').description('Manage who belongs to it')
  organizationOption(tableOptions(members.command('list'), COLUMNS))
    .alias('ls')
    .description('List the members of an organization')
    .action(async (own: OutputFlags & OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      printRows(await client.call(listMembers, { params: { organization } }), COLUMNS, own)
    })
  organizationOption(members.command('add <user>'))
    .description('Make somebody a member, given by name or id')
    .action(async (user: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization, name } = await chosenOrganization(client, own)
      await client.call(addMember, { params: { organization, user } })
      process.stdout.write(`${user} is a member of ${name}.\n`)
    })
  organizationOption(members.command('remove <user>'))
    .alias('rm')
    .alias('delete')
    .description('Take somebody out of an organization and its groups')
    .action(async (user: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization, name } = await chosenOrganization(client, own)
      await client.call(removeMember, { params: { organization, user } })
      process.stdout.write(`${user} is no longer a member of ${name}.\n`)
    })
  organizationOption(members.command('edit-roles <user> [roles...]'))
    .alias('edit-role')
    .description('Replace the roles that a member has in the organization; without any, all are taken away')
    .action(async (user: string, roles: string[], own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      await client.call(assignMemberRoles, { params: { organization, user }, body: { roles } })
      const changed = await client.call(getMember, { params: { organization, user } })
      const names = changed.roles.map((role) => role.name).join(', ')
      process.stdout.write(`${changed.username} has the roles: ${names || 'none'}.\n`)
    })
}
