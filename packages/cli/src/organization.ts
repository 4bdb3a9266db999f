import type { Command } from 'commander'

import { ApiFailure } from '@slipway/client'
import {
  type Group,
  getGroup,
  getGroupByName,
  getOrganization,
  listOrganizationsOfUser,
  type Organization,
} from '@slipway/contract'
import type { Connection } from './connection.ts'
import { CommandError, unlessMissing } from './errors.ts'
import { option } from './flags.ts'

/** What `--org` says. */
export interface OrganizationFlags {
  readonly org?: string
}

/** Adds `-O/--org` to a command (OP-187). */
export function organizationOption(command: Command): Command {
  return command.addOption(
    option('-O, --org <organization>', 'organization, by name or id', 'CODER_ORGANIZATION'),
  )
}

/**
 * The organization that a command works in: the named one, also when one is not a member of it, else the only one
 * (OP-187).
 *
 * @throws CommandError listing the organizations when there are several.
 */
export async function chosenOrganization(
  client: Connection,
  flags: OrganizationFlags,
): Promise<Organization> {
  const named = flags.org
  if (named !== undefined && named !== '')
    return client.call(getOrganization, { params: { organization: named } })
  const organizations = await client.call(listOrganizationsOfUser, { params: { user: 'me' } })
  const [only, another] = organizations
  if (only === undefined) throw new CommandError('you belong to no organization: name one with --org')
  if (another === undefined) return only
  throw new CommandError(
    `name an organization with --org: ${organizations.map(({ name }) => name).join(', ')}`,
  )
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** A group of {@link chosenOrganization} by its name, or of any organization by its id. @throws CommandError for none. */
export async function chosenGroup(
  client: Connection,
  flags: OrganizationFlags,
  nameOrId: string,
): Promise<Group> {
  const query = { exclude_members: true }
  if (UUID.test(nameOrId))
    return unlessMissing(
      client.call(getGroup, { params: { group: nameOrId }, query }),
      `there is no group ${nameOrId}, or you may not see it`,
    )
  const { id: organization, name } = await chosenOrganization(client, flags)
  return unlessMissing(
    client.call(getGroupByName, { params: { organization, groupName: nameOrId }, query }),
    `there is no group ${nameOrId} in the organization ${name}, or you may not see it: \`slipway groups list\` has those that you may`,
  )
}

/** What people call a group; its id where they may not see it. */
export async function groupName(client: Connection, group: string): Promise<string> {
  try {
    return (await client.call(getGroup, { params: { group }, query: { exclude_members: true } })).name
  } catch (error) {
    if (error instanceof ApiFailure && (error.status === 404 || error.status === 403)) return group
    throw error
  }
}
