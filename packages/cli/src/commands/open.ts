import type { Command } from 'commander'

import { createSessionKey } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags } from '../flags.ts'
import { openAddress } from '../open-address.ts'
import { openSession } from '../session.ts'
import { chooseAgent, findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

/** `open vscode` and `open app`. */
export function openCommands(program: Command): void {
  const open = program.command('open').description('Open a workspace in a browser or an editor')
  open
    .command('vscode <workspace> [directory]')
    .description('Open a workspace in VS Code on this machine')
    .option(
      '--generate-token',
      'give the editor a session of its own',
      process.env.CODER_OPEN_VSCODE_GENERATE_TOKEN === 'true',
    )
    .action(
      async (
        name: string,
        directory: string | undefined,
        own: { generateToken?: boolean },
        command: Command,
      ) => {
        const client = await openSession(command)
        const workspace = await findWorkspace(client, name)
        const agent = chooseAgent(workspace, parseWorkspaceName(name).agent)
        const url = new URL('vscode://coder.coder-remote/open')
        url.searchParams.set('owner', workspace.owner_name)
        url.searchParams.set('workspace', workspace.name)
        url.searchParams.set('agent', agent.name)
        url.searchParams.set('url', client.url)
        const folder = directory ?? agent.expanded_directory
        if (folder !== undefined && folder !== '') url.searchParams.set('folder', folder)
        if (own.generateToken === true)
          url.searchParams.set('token', (await client.call(createSessionKey, { params: { user: 'me' } })).key)
        openAddress(url.href, flagsOf<GlobalFlags>(command))
      },
    )
  open
    .command('app <workspace> [app]')
    .description('Open an app of a workspace in the browser')
    .option(
      '--region <region>',
      'region of the app; there is one, primary',
      process.env.CODER_OPEN_APP_REGION ?? 'primary',
    )
    .action(async (name: string, slug: string | undefined, own: { region: string }, command: Command) => {
      if (own.region !== 'primary')
        throw new CommandError(`there is no region ${own.region}: the only one is primary`)
      const client = await openSession(command)
      const workspace = await findWorkspace(client, name)
      const agent = chooseAgent(workspace, parseWorkspaceName(name).agent)
      const app = slug === undefined ? undefined : agent.apps.find((one) => one.slug === slug)
      if (app === undefined) {
        const known = agent.apps.map((one) => one.slug).join(', ')
        throw new CommandError(
          known === '' ? `${workspace.name} has no apps` : `name an app of ${workspace.name}: ${known}`,
        )
      }
      openAddress(
        app.external && app.url !== undefined
          ? app.url
          : `${client.url}/@${workspace.owner_name}/${workspace.name}.${agent.name}/apps/${app.slug}/`,
        flagsOf<GlobalFlags>(command),
      )
    })
}
