import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import {
  createGroup,
  deleteGroup,
  type Group,
  getGroupByName,
  getMember,
  listMembers,
  listOrganizationGroups,
  updateGroup,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { listOption } from '../flags.ts'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { type Column, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'

const COLUMNS: readonly Column<Group>[] = [
  { name: 'id', value: (group) => group.id, extra: true },
  { name: 'name', value: (group) => group.name },
  { name: 'display name', value: (group) => group.display_name },
  { name: 'organization id', value: (group) => group.organization_id },
  { name: 'organization name', value: (group) => group.organization_name, extra: true },
  { name: 'members', value: (group) => group.members.map((member) => member.username).join(', ') },
  { name: 'member count', value: (group) => String(group.total_member_count), extra: true },
  { name: 'avatar url', value: (group) => group.avatar_url },
  { name: 'quota allowance', value: (group) => String(group.quota_allowance), extra: true },
  { name: 'source', value: (group) => group.source, extra: true },
]

interface DetailFlags extends OrganizationFlags {
  readonly avatarUrl?: string
  readonly displayName?: string
  readonly quotaAllowance?: string
}

interface EditFlags extends DetailFlags {
  readonly name?: string
  readonly addUsers?: readonly string[]
  readonly rmUsers?: readonly string[]
}

/** `groups …`. */
export function groupCommands(program: Command): void {
  const groups = program.command('groups')
  organizationOption(tableOptions(groups.command('list'), COLUMNS))
    .alias('ls')
    .description('List the groups of an organization')
    .action(async (own: OutputFlags & OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      printRows(await client.call(listOrganizationGroups, { params: { organization } }), COLUMNS, own)
    })
  detailOptions(groups.command('create <name>'))
    .description('Make a group')
    .action(async (name: string, own: DetailFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      const made = await client.call(createGroup, {
        params: { organization },
        body: { name, ...detailsIn(own) },
      })
      process.stdout.write(`Made the group ${made.name} in ${made.organization_name}.\n`)
    })
  detailOptions(groups.command('edit <name>'))
    .description('Change a group and who belongs to it')
    .option('-n, --name <name>', 'new name')
    .addOption(
      listOption('-a, --add-users <users>', 'members to add, by name, e-mail or id; separated by commas'),
    )
    .addOption(
      listOption(
        '-r, --rm-users <users>',
        'members to take away, by name, e-mail or id; separated by commas',
      ),
    )
    .action(async (name: string, own: EditFlags, command: Command) => {
      const [added, removed] = [peopleIn(own.addUsers), peopleIn(own.rmUsers)]
      const details = { ...detailsIn(own), ...(own.name === undefined ? {} : { name: own.name }) }
      if (Object.keys(details).length + added.length + removed.length === 0)
        throw new CommandError('say what to change: --name, --display-name, --add-users, …')
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      const group = await client.call(getGroupByName, {
        params: { organization, groupName: name },
        query: { exclude_members: true },
      })
      const changed = await client.call(updateGroup, {
        params: { group: group.id },
        body: {
          ...details,
          add_users: await idsOf(client, organization, added),
          remove_users: await idsOf(client, organization, removed),
        },
      })
      process.stdout.write(`Changed the group ${changed.name}.\n`)
    })
  organizationOption(groups.command('delete <name>'))
    .alias('rm')
    .description('Delete a group')
    .action(async (name: string, own: OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      const group = await client.call(getGroupByName, {
        params: { organization, groupName: name },
        query: { exclude_members: true },
      })
      await client.call(deleteGroup, { params: { group: group.id } })
      process.stdout.write(`Deleted the group ${group.name}.\n`)
    })
}

function detailOptions(command: Command): Command {
  return organizationOption(command)
    .option('-u, --avatar-url <url>', 'URL or emoji path of its picture')
    .option('--display-name <name>', 'name that people read')
    .option('--quota-allowance <credits>', 'credits a day that each member may spend on workspaces')
}

function detailsIn(own: DetailFlags) {
  const quota = own.quotaAllowance
  if (quota !== undefined && !/^\d{1,10}$/.test(quota))
    throw new CommandError(`--quota-allowance must be a number, not ${JSON.stringify(quota)}`)
  return {
    ...(own.avatarUrl === undefined ? {} : { avatar_url: own.avatarUrl }),
    ...(own.displayName === undefined ? {} : { display_name: own.displayName }),
    ...(quota === undefined ? {} : { quota_allowance: Number(quota) }),
  }
}

function peopleIn(lists: readonly string[] | undefined): string[] {
  return (lists ?? []).flatMap((list) => list.split(',').map((name) => name.trim())).filter(Boolean)
}

/** Ids of members. @throws CommandError for somebody who is none. */
async function idsOf(client: Connection, organization: string, people: readonly string[]): Promise<string[]> {
  // Only a list shows whose an address is.
  const members = people.some(isEmail) ? await client.call(listMembers, { params: { organization } }) : []
  const ids: string[] = []
  for (const user of people) {
    const found = isEmail(user)
      ? members.find(({ email }) => email.toLowerCase() === user.toLowerCase())
      : await memberNamed(client, organization, user)
    if (found === undefined) throw new CommandError(`${user} is no member of the organization`)
    ids.push(found.user_id)
  }
  return ids
}

function isEmail(text: string): boolean {
  return text.includes('@')
}

async function memberNamed(client: Connection, organization: string, user: string) {
  try {
    return await client.call(getMember, { params: { organization, user } })
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return undefined
    throw error
  }
}
