import type { Command } from 'commander'

import {
  getGroupSync,
  getOrganizationSync,
  getRoleSync,
  getWorkspaceSharing,
  type Route,
  updateGroupSync,
  updateOrganizationSync,
  updateRoleSync,
  updateWorkspaceSharing,
} from '@slipway/contract'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { openSession } from '../session.ts'
import { jsonBytes, standardInputObject } from '../standard-input.ts'

/** Settings that are read and written as one JSON object. */
interface Settings {
  readonly names: readonly [name: string, ...aliases: string[]]
  readonly what: string
  readonly get: Route
  readonly set: Route
  /** Whether each organization has its own, or the deployment has one for all. */
  readonly scope: 'organization' | 'deployment'
}

const SETTINGS: readonly Settings[] = [
  {
    names: ['group-sync', 'groupsync', 'group'],
    what: 'which groups the claims of the identity provider give',
    get: getGroupSync,
    set: updateGroupSync,
    scope: 'organization',
  },
  {
    names: ['role-sync', 'rolesync', 'role'],
    what: 'which roles the claims of the identity provider give',
    get: getRoleSync,
    set: updateRoleSync,
    scope: 'organization',
  },
  {
    names: ['organization-sync', 'organizationsync', 'org-sync', 'orgsync'],
    what: 'which organizations the claims of the identity provider give, in the whole deployment',
    get: getOrganizationSync,
    set: updateOrganizationSync,
    scope: 'deployment',
  },
  {
    names: ['workspace-sharing'],
    what: 'whose workspaces may be shared',
    get: getWorkspaceSharing,
    set: updateWorkspaceSharing,
    scope: 'organization',
  },
]

/** `organizations settings …`. */
export function settingsCommands(organizations: Command): void {
  const settings = organizations
    .command('settings')
    .alias('setting')
    .description('Read and write settings of an organization, as JSON')
  const show = settings.command('show').description('Print settings as JSON, in the form that `set` reads')
  const set = settings.command('set').description('Replace settings by the JSON object on standard input')
  for (const one of SETTINGS) {
    const [name, ...aliases] = one.names
    organizationOption(show.command(name))
      .aliases(aliases)
      .description(`Print ${one.what}`)
      .action(async (own: OrganizationFlags, command: Command) => {
        const client = await openSession(command)
        const params =
          one.scope === 'deployment' ? {} : { organization: (await chosenOrganization(client, own)).id }
        print(await client.call(one.get, { params }))
      })
    organizationOption(set.command(name))
      .aliases(aliases)
      .description(`Set ${one.what}`)
      .addHelpText('after', `\nFor example: slipway organizations settings set ${name} < settings.json`)
      .action(async (own: OrganizationFlags, command: Command) => {
        const body = jsonBytes(await standardInputObject('the settings'))
        const client = await openSession(command)
        const params =
          one.scope === 'deployment' ? {} : { organization: (await chosenOrganization(client, own)).id }
        print(await client.upload(one.set, body, 'application/json', { params }))
      })
  }
}

function print(settings: unknown): void {
  process.stdout.write(`${JSON.stringify(settings, null, 2)}\n`)
}
