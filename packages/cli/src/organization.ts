import type { Command } from 'commander'

import {
  type Group,
  getGroup,
  getGroupByName,
  getOrganization,
  listOrganizationsOfUser,
  type Organization,
} from '@slipway/contract'
import type { Connection } from './connection.ts'
import { CommandError } from './errors.ts'
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

/** A group of {@link chosenOrganization} by its name, or of any organization by its id. @throws ApiFailure 404. */
export async function chosenGroup(
  client: Connection,
  flags: OrganizationFlags,
  nameOrId: string,
): Promise<Group> {
  const query = { exclude_members: true }
  if (UUID.test(nameOrId)) return client.call(getGroup, { params: { group: nameOrId }, query })
  const { id: organization } = await chosenOrganization(client, flags)
  return client.call(getGroupByName, { params: { organization, groupName: nameOrId }, query })
}
