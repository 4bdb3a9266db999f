import path from 'node:path'

import type { Command } from 'commander'

import {
  createSessionKey,
  getAppHost,
  type Workspace,
  type WorkspaceAgent,
  type WorkspaceApp,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags, option } from '../flags.ts'
import { openAddress, opensAddresses } from '../open-address.ts'
import { openSession } from '../session.ts'
import { chooseAgent, findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

/** `open vscode` and `open app`. */
export function openCommands(program: Command): void {
  const open = program.command('open')
  open
    .command('vscode <workspace> [directory]')
    .description('Open a workspace in VS Code on this machine')
    .addOption(
      option('--generate-token', 'give the editor a session of its own', 'CODER_OPEN_VSCODE_GENERATE_TOKEN'),
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
        const folder = folderIn(agent, directory)
        if (folder !== '') url.searchParams.set('folder', folder)
        if (own.generateToken === true)
          url.searchParams.set('token', (await client.call(createSessionKey, { params: { user: 'me' } })).key)
        openAddress(url.href, flagsOf<GlobalFlags>(command))
      },
    )
  open
    .command('app <workspace> [app]')
    .description('Open an app of a workspace in the browser')
    .addOption(
      option(
        '--region <region>',
        'region of the app; there is one, primary',
        'CODER_OPEN_APP_REGION',
      ).default('primary'),
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
      const flags = flagsOf<GlobalFlags>(command)
      const address = await addressOf(client, workspace, agent, app)
      if (!takesKey(app) || !opensAddresses(flags)) return openAddress(address, flags)
      const { key } = await client.call(createSessionKey, { params: { user: 'me' } })
      openAddress(address.replaceAll(TOKEN, encodeURIComponent(key)), flags, process.stdout, address)
    })
}

/** A folder of the workspace; relative ones begin at the agent's own. */
function folderIn(agent: WorkspaceAgent, directory = ''): string {
  const own = agent.expanded_directory ?? ''
  if (directory === '' || own === '') return directory || own
  return directory.startsWith('~') ? directory : path.posix.resolve(own, directory)
}

const TOKEN = '$SESSION_TOKEN'
/** Programs on this machine that may be handed a key of the user; nothing else is, above all no web page (L-S3). */
const TRUSTED = new Set(
  'vscode vscode-insiders windsurf devin cursor jetbrains-gateway jetbrains kiro positron antigravity'
    .split(' ')
    .map((scheme) => `${scheme}:`),
)
/** Addresses that a browser itself would run. */
const FORBIDDEN = new Set(['javascript:', 'data:', 'vbscript:', 'blob:', 'file:'])

function takesKey(app: WorkspaceApp): boolean {
  const { url = '' } = app
  return app.external && url.includes(TOKEN) && TRUSTED.has(URL.parse(url)?.protocol ?? '')
}

async function addressOf(
  client: Connection,
  workspace: Workspace,
  agent: WorkspaceAgent,
  app: WorkspaceApp,
): Promise<string> {
  if (app.external) {
    const protocol = URL.parse(app.url ?? '')?.protocol
    if (app.url === undefined || protocol === undefined || FORBIDDEN.has(protocol))
      throw new CommandError(
        `the template gives ${app.slug} an address that cannot be opened: ${app.url ?? ''}`,
      )
    return app.url
  }
  const place = `${client.url}/@${workspace.owner_name}/${workspace.name}.${agent.name}`
  if (app.command !== undefined && app.command !== '')
    return `${place}/terminal?app=${encodeURIComponent(app.slug)}`
  if (!app.subdomain) return `${place}/apps/${app.slug}/`
  const { host } = await client.call(getAppHost)
  if (host === '' || app.subdomain_name === undefined)
    throw new CommandError(
      `${app.slug} needs a host name of its own, and this deployment has none: set a wildcard access URL`,
    )
  return `${new URL(client.url).protocol}//${host.replace('*', app.subdomain_name)}/`
}
