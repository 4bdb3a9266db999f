import type { Command } from 'commander'

import {
  favoriteWorkspace,
  listWorkspaces,
  unfavoriteWorkspace,
  updateWorkspace,
  type Workspace,
  type WorkspaceAgent,
} from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { ago, type Column, day, type OutputFlags, printRows, span, until } from '../output.ts'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { agentsOf, findWorkspace } from '../workspace-name.ts'

const COLUMNS: readonly Column<Workspace>[] = [
  { name: 'favorite', value: (workspace) => String(workspace.favorite), extra: true },
  { name: 'workspace', value: (workspace) => `${workspace.owner_name}/${workspace.name}` },
  { name: 'organization id', value: (workspace) => workspace.organization_id, extra: true },
  { name: 'organization name', value: (workspace) => workspace.organization_name, extra: true },
  { name: 'template', value: (workspace) => workspace.template_name },
  { name: 'status', value: (workspace) => workspace.latest_build.status },
  { name: 'healthy', value: (workspace) => String(workspace.health.healthy) },
  { name: 'last built', value: (workspace) => ago(workspace.latest_build.created_at) },
  { name: 'last used', value: (workspace) => ago(workspace.last_used_at), extra: true },
  { name: 'current version', value: (workspace) => workspace.latest_build.template_version_name },
  { name: 'outdated', value: (workspace) => String(workspace.outdated) },
  { name: 'starts at', value: (workspace) => workspace.autostart_schedule ?? '' },
  {
    name: 'starts next',
    value: ({ next_start_at: next }) => (next === null ? '' : day(next)),
    extra: true,
  },
  { name: 'stops after', value: ({ ttl_ms: ttl }) => (ttl === undefined ? '' : span(ttl)) },
  {
    name: 'stops next',
    value: ({ latest_build: { deadline, transition } }) =>
      deadline === null || transition !== 'start' ? '' : until(deadline),
    extra: true,
  },
  { name: 'daily cost', value: (workspace) => String(workspace.latest_build.daily_cost), extra: true },
]

const DETAILS: readonly Column<WorkspaceAgent>[] = [
  { name: 'version', value: (agent) => agent.version },
  { name: 'system', value: (agent) => `${agent.operating_system}/${agent.architecture}` },
  { name: 'directory', value: (agent) => agent.expanded_directory ?? agent.directory ?? '' },
  { name: 'apps', value: (agent) => agent.apps.map((app) => `${app.slug} (${app.health})`).join(', ') },
]

/** Orders of `list`, by the word of `--sort`. */
const ORDERS: ReadonlyMap<string, (found: readonly Workspace[]) => readonly Workspace[]> = new Map([
  // The server's own: favorites first, then what runs, then by owner and name.
  ['name', (found) => found],
  ['last-used', (found) => found.toSorted((a, b) => Date.parse(b.last_used_at) - Date.parse(a.last_used_at))],
])
const ORDER_WORDS = [...ORDERS.keys()].join(' or ')

/** `list`, `show`, `rename`, `favorite` and `unfavorite`. */
export function workspaceCommands(program: Command): void {
  program
    .command('list')
    .option('-a, --all', 'workspaces of all owners')
    .option('--search <query>', 'search, such as status:running (default: owner:me, or all with --all)')
    .option(
      '-c, --column <columns>',
      `columns, separated by commas: ${COLUMNS.map(({ name }) => name).join(', ')}`,
    )
    .option('--sort <order>', `order: ${ORDER_WORDS}; favorites come first by name`, 'name')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (own: OutputFlags & { all?: boolean; search?: string; sort: string }, command: Command) => {
      const order = ORDERS.get(own.sort)
      if (order === undefined)
        throw new CommandError(`--sort must be ${ORDER_WORDS}, not ${JSON.stringify(own.sort)}`)
      const client = await openSession(command)
      const found = await client.call(listWorkspaces, {
        query: { q: own.search ?? (own.all === true ? '' : 'owner:me'), limit: 0 },
      })
      if (found.workspaces.length === 0 && own.output !== 'json')
        process.stderr.write('No workspaces found! Make one: slipway create <name>\n')
      else printRows(order(found.workspaces), COLUMNS, own)
    })
  program
    .command('show <workspace>')
    .option('--details', 'show more of every agent and resource')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (name: string, own: OutputFlags & { details?: boolean }, command: Command) => {
      const client = await openSession(command)
      const workspace = await findWorkspace(client, name)
      if (own.output === 'json') {
        process.stdout.write(`${JSON.stringify(workspace, null, 2)}\n`)
        return
      }
      printRows([workspace], COLUMNS, own)
      process.stdout.write('\n')
      printRows(
        agentsOf(workspace),
        [
          { name: 'agent', value: (agent) => agent.name },
          { name: 'status', value: (agent) => agent.status },
          { name: 'lifecycle', value: (agent) => agent.lifecycle_state },
          ...(own.details === true ? DETAILS : []),
          { name: 'access', value: (agent) => `slipway ssh ${workspace.name}.${agent.name}` },
        ],
        own,
      )
      if (own.details !== true) return
      process.stdout.write('\n')
      printRows(
        workspace.latest_build.resources,
        [
          { name: 'resource', value: (resource) => `${resource.type}.${resource.name}` },
          {
            name: 'metadata',
            value: ({ metadata }) =>
              (metadata ?? []).map((one) => `${one.key}=${one.sensitive ? '***' : one.value}`).join(', '),
          },
        ],
        own,
      )
    })
  program
    .command('rename <workspace> <name>')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, next: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const workspace = await findWorkspace(client, name)
      await sure(`Rename ${workspace.name} to ${next}? Templates that use the name may lose data.`, own.yes)
      await client.call(updateWorkspace, { params: { workspace: workspace.id }, body: { name: next } })
      process.stdout.write(`${workspace.name} is called ${next} now.\n`)
    })
  for (const [name, route, said] of [
    ['favorite', favoriteWorkspace, 'comes first in lists now'],
    ['unfavorite', unfavoriteWorkspace, 'is no favorite any more'],
  ] as const)
    program.command(`${name} <workspace>`).action(async (text: string, _own: object, command: Command) => {
      const client = await openSession(command)
      const workspace = await findWorkspace(client, text)
      await client.call(route, { params: { workspace: workspace.id } })
      process.stdout.write(`${workspace.name} ${said}.\n`)
    })
}
