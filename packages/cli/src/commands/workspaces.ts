import type { Command } from 'commander'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createWorkspace,
  getTemplateByName,
  getTemplateVersionByName,
  listTemplates,
  listTemplateVersionParameters,
  listTemplateVersionPresets,
  listWorkspaces,
  type Preset,
  type Template,
  updateWorkspace,
  type Workspace,
} from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { followBuild } from '../follow-build.ts'
import { ago, type Column, type OutputFlags, printRows } from '../output.ts'
import { chosenValues, givenValues, type ParameterFlags, parameterOptions } from '../parameter-flags.ts'
import { ask, sure } from '../prompt.ts'
import { type GlobalFlags, openSession } from '../session.ts'
import { agentsOf, findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

const COLUMNS: readonly Column<Workspace>[] = [
  { name: 'workspace', value: (workspace) => `${workspace.owner_name}/${workspace.name}` },
  { name: 'template', value: (workspace) => workspace.template_name },
  { name: 'status', value: (workspace) => workspace.latest_build.status },
  { name: 'healthy', value: (workspace) => String(workspace.health.healthy) },
  { name: 'last built', value: (workspace) => ago(workspace.latest_build.created_at) },
  { name: 'current version', value: (workspace) => workspace.latest_build.template_version_name },
  { name: 'outdated', value: (workspace) => String(workspace.outdated) },
]

interface BuildFlags extends ParameterFlags {
  readonly wait: boolean
}

interface CreateFlags extends BuildFlags {
  readonly template?: string
  readonly templateVersion?: string
  readonly preset?: string
  readonly automaticUpdates?: string
  readonly org: string
}

/** `create`, `list`, `show`, `start`, `stop`, `restart`, `delete` and `rename`. */
export function workspaceCommands(program: Command): void {
  parameterOptions(program.command('create [workspace]'))
    .description('Make a workspace')
    .option('-t, --template <name>', 'template to build it from', process.env.CODER_TEMPLATE_NAME)
    .option('--template-version <name>', 'version of the template')
    .option('--preset <name>', 'preset of the version; none for no preset')
    .option('--automatic-updates <always|never>', 'whether a start takes the active version')
    .option('--org <organization>', 'organization of the template', 'default')
    .option('--no-wait', 'do not wait for the build')
    .option('-y, --yes', 'take defaults instead of asking')
    .action(async (name: string | undefined, own: CreateFlags, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const wanted = name ?? (await ask('Name of the workspace', 'the name'))
      const { owner, workspace } = parseWorkspaceName(wanted)
      const template = await templateOf(client, own.template, own.org)
      const version = await versionOf(client, template, own.templateVersion)
      const preset = await presetOf(client, version, own.preset)
      const fixed = new Set(preset?.Parameters.map(({ Name }) => Name))
      const parameters = await client.call(listTemplateVersionParameters, {
        params: { templateversion: version },
      })
      const values = await chosenValues(
        parameters.map((one) => (fixed.has(one.name) ? { ...one, required: false } : one)),
        own,
      )
      const made = await client.call(createWorkspace, {
        params: { user: owner },
        body: {
          name: workspace,
          rich_parameter_values: values,
          ...(own.templateVersion === undefined
            ? { template_id: template.id }
            : { template_version_id: version }),
          ...(preset === undefined ? {} : { template_version_preset_id: preset.ID }),
          ...(own.automaticUpdates === undefined
            ? {}
            : { automatic_updates: automaticUpdates(own.automaticUpdates) }),
        },
      })
      if (own.wait) await followBuild(client, made.latest_build)
      process.stdout.write(
        `The ${workspace} workspace has been created! Connect with: slipway ssh ${workspace}\n`,
      )
    })
  program
    .command('list')
    .alias('ls')
    .description('List workspaces')
    .option('-a, --all', 'workspaces of all owners')
    .option('--search <query>', 'search, such as status:running', 'owner:me')
    .option('-c, --column <columns>', 'columns, separated by commas')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (own: OutputFlags & { all?: boolean; search: string }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const found = await client.call(listWorkspaces, {
        query: { q: own.all === true ? '' : own.search, limit: 0 },
      })
      if (found.workspaces.length === 0 && own.output !== 'json')
        process.stderr.write('No workspaces found! Make one: slipway create <name>\n')
      else printRows(found.workspaces, COLUMNS, own)
    })
  program
    .command('show <workspace>')
    .description('Show a workspace with its agents')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
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
          { name: 'access', value: (agent) => `slipway ssh ${workspace.name}.${agent.name}` },
        ],
        own,
      )
    })
  build(program, 'start', 'Start a workspace', ['start'])
  build(program, 'stop', 'Stop a workspace', ['stop'])
  build(program, 'restart', 'Stop a workspace and start it again', ['stop', 'start'])
  program
    .command('delete <workspace>')
    .alias('rm')
    .description('Delete a workspace')
    .option('--orphan', 'leave what it has made behind, without asking a provisioner')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { orphan?: boolean; yes?: boolean }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const workspace = await findWorkspace(client, name)
      await sure(`Delete ${workspace.name}? Its files will be gone.`, own.yes)
      const made = await client.call(createBuild, {
        params: { workspace: workspace.id },
        body: { transition: 'delete', ...(own.orphan === true ? { orphan: true } : {}) },
      })
      await followBuild(client, made)
      process.stdout.write(`${workspace.name} has been deleted.\n`)
    })
  program
    .command('rename <workspace> <name>')
    .description('Give a workspace another name')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, next: string, own: { yes?: boolean }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const workspace = await findWorkspace(client, name)
      await sure(`Rename ${workspace.name} to ${next}? Templates that use the name may lose data.`, own.yes)
      await client.call(updateWorkspace, { params: { workspace: workspace.id }, body: { name: next } })
      process.stdout.write(`${workspace.name} is called ${next} now.\n`)
    })
}

function build(
  program: Command,
  name: string,
  description: string,
  transitions: readonly ('start' | 'stop')[],
): void {
  const command = program.command(`${name} <workspace>`).description(description)
  if (transitions.includes('start')) parameterOptions(command)
  command
    .option('--no-wait', 'do not wait for the build')
    .option('-y, --yes', 'do not ask')
    .action(async (text: string, own: BuildFlags, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const workspace = await findWorkspace(client, text)
      if (transitions.length > 1) await sure(`Restart ${workspace.name}?`, own.yes)
      const values = await givenValues(own)
      for (const transition of transitions) {
        if (transition === 'stop' && transitions.length > 1 && workspace.latest_build.status === 'stopped')
          continue
        const made = await client.call(createBuild, {
          params: { workspace: workspace.id },
          body: {
            transition,
            reason: 'cli',
            ...(transition === 'start' ? { rich_parameter_values: values } : {}),
          },
        })
        const last = transition === transitions.at(-1)
        if (own.wait || !last) await followBuild(client, made)
      }
      process.stdout.write(
        `The ${workspace.name} workspace has been ${transitions.at(-1) === 'start' ? 'started' : 'stopped'}!\n`,
      )
    })
}

async function templateOf(client: Client, name: string | undefined, organization: string) {
  if (name !== undefined)
    return client.call(getTemplateByName, { params: { organization, templatename: name } })
  const templates = await client.call(listTemplates)
  const [only, another] = templates
  if (only === undefined)
    throw new CommandError('there is no template yet: make one with `slipway templates push`')
  if (another === undefined) return only
  throw new CommandError(
    `name a template with --template: ${templates.map((template) => template.name).join(', ')}`,
  )
}

async function versionOf(client: Client, template: Template, name: string | undefined): Promise<string> {
  if (name === undefined) return template.active_version_id
  const version = await client.call(getTemplateVersionByName, {
    params: { template: template.id, templateversionname: name },
  })
  return version.id
}

async function presetOf(
  client: Client,
  version: string,
  name: string | undefined,
): Promise<Preset | undefined> {
  if (name === undefined || name === 'none') return undefined
  const presets = await client.call(listTemplateVersionPresets, { params: { templateversion: version } })
  const found = presets.find((preset) => preset.Name.toLowerCase() === name.toLowerCase())
  if (found === undefined)
    throw new CommandError(
      `the template has no preset ${name}: it has ${presets.map((one) => one.Name).join(', ') || 'none'}`,
    )
  return found
}

function automaticUpdates(text: string): 'always' | 'never' {
  if (text === 'always' || text === 'never') return text
  throw new CommandError(`--automatic-updates must be always or never, not ${JSON.stringify(text)}`)
}
