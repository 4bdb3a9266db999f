import { type Command, Option } from 'commander'

import type { Client } from '@slipway/client'
import { getOrganization, listOrganizationsOfUser, type Organization } from '@slipway/contract'
import { CommandError } from './errors.ts'

/** What `--org` says. */
export interface OrganizationFlags {
  readonly org?: string
}

/** Adds `-O/--org` to a command (OP-187). */
export function organizationOption(command: Command): Command {
  return command.addOption(new Option('-O, --org <organization>', 'organization, by name or id'))
}

/**
 * The organization that a command works in: the named one, also when one is not a member of it, else the only one
 * (OP-187).
 *
 * @throws CommandError listing the organizations when there are several.
 */
export async function chosenOrganization(client: Client, flags: OrganizationFlags): Promise<Organization> {
  const named = flags.org ?? process.env.CODER_ORGANIZATION
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
