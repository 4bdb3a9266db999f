import type { Command } from 'commander'

import {
  cancelBuild,
  createBuild,
  getTemplate,
  listBuildParameters,
  listTemplateVersionParameters,
  type Workspace,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { endOfBuild, followBuild, followOwnBuild } from '../follow-build.ts'
import { furtherValues, type NamedValue, type ParameterFlags, parameterOptions } from '../parameter-flags.ts'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { findWorkspace } from '../workspace-name.ts'

interface StartFlags extends ParameterFlags {
  readonly wait: boolean
}

/** `start`, `stop`, `restart`, `update`, `delete` and `cancel`. */
export function transitionCommands(program: Command): void {
  parameterOptions(program.command('start <workspace>'))
    .option('--no-wait', 'do not wait for the build')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: StartFlags, command: Command) => {
      const client = await openSession(command)
      const workspace = await findWorkspace(client, name)
      if (workspace.latest_build.status === 'running') {
        process.stdout.write(`The ${workspace.name} workspace is already running!\n`)
        return
      }
      if (workspace.latest_build.status === 'starting') await followBuild(client, workspace.latest_build)
      else await start(client, workspace, workspace.latest_build.template_version_id, own)
      process.stdout.write(`The ${workspace.name} workspace has been started!\n`)
    })
  program
    .command('stop <workspace>')
    .option('--no-wait', 'do not wait for the build')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { wait: boolean; yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const workspace = await findWorkspace(client, name)
      await sure(`Stop ${workspace.name}? What runs in it ends.`, own.yes)
      await stop(client, workspace, own.wait)
      process.stdout.write(`The ${workspace.name} workspace has been stopped!\n`)
    })
  parameterOptions(program.command('restart <workspace>'))
    .option('--no-wait', 'do not wait for the last build')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: StartFlags, command: Command) => {
      const client = await openSession(command)
      const workspace = await findWorkspace(client, name)
      await sure(`Restart ${workspace.name}?`, own.yes)
      const version = workspace.latest_build.template_version_id
      const values = await valuesOf(client, workspace, version, own)
      if (workspace.latest_build.status !== 'stopped') await stop(client, workspace, true)
      await start(client, workspace, version, own, values)
      process.stdout.write(`The ${workspace.name} workspace has been started!\n`)
    })
  parameterOptions(program.command('update <workspace>'))
    .option('--no-wait', 'do not wait for the last build')
    .action(async (name: string, own: StartFlags, command: Command) => {
      const client = await openSession(command)
      const workspace = await findWorkspace(client, name)
      if (!workspace.outdated && own.alwaysPrompt !== true) {
        process.stdout.write(`The ${workspace.name} workspace is up to date.\n`)
        return
      }
      const template = await client.call(getTemplate, { params: { template: workspace.template_id } })
      const values = await valuesOf(client, workspace, template.active_version_id, own)
      if (workspace.latest_build.transition === 'start') await stop(client, workspace, true)
      await start(client, workspace, template.active_version_id, own, values)
      process.stdout.write(`The ${workspace.name} workspace has been updated!\n`)
    })
  program
    .command('delete <workspace>')
    .option('--orphan', 'leave what it has made behind, without asking a provisioner')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { orphan?: boolean; yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const workspace = await findWorkspace(client, name)
      await sure(
        own.orphan === true
          ? `Delete ${workspace.name} and leave behind what it has made?`
          : `Delete ${workspace.name}? Its files will be gone.`,
        own.yes,
      )
      const made = await client.call(createBuild, {
        params: { workspace: workspace.id },
        body: { transition: 'delete', reason: 'cli', ...(own.orphan === true ? { orphan: true } : {}) },
      })
      await followOwnBuild(client, made)
      process.stdout.write(`${workspace.name} has been deleted.\n`)
    })
  program
    .command('cancel <workspace>')
    .option('--no-wait', 'do not wait until the build has ended')
    .action(async (name: string, own: { wait: boolean }, command: Command) => {
      const client = await openSession(command)
      const { name: workspace, latest_build: build } = await findWorkspace(client, name)
      if (!UNDER_WAY.has(build.job.status))
        throw new CommandError(`no build of ${workspace} is under way: its last one is ${build.job.status}`)
      await client.call(cancelBuild, { params: { workspacebuild: build.id } })
      if (!own.wait) {
        process.stdout.write(`The build of ${workspace} is being canceled.\n`)
        return
      }
      const { job } = await endOfBuild(client, build)
      if (job.status === 'succeeded') throw new CommandError('the build has succeeded all the same')
      process.stdout.write(`The build of ${workspace} has been canceled.\n`)
    })
}

/** What the job of a build is that can be canceled; the second time by force (WS-317). */
const UNDER_WAY: ReadonlySet<string> = new Set(['pending', 'running', 'canceling'])

async function stop(client: Connection, workspace: Workspace, wait: boolean): Promise<void> {
  const made = await client.call(createBuild, {
    params: { workspace: workspace.id },
    body: { transition: 'stop', reason: 'cli' },
  })
  if (wait) await followOwnBuild(client, made)
}

async function start(
  client: Connection,
  workspace: Workspace,
  version: string,
  own: StartFlags,
  values?: readonly NamedValue[],
): Promise<void> {
  const made = await client.call(createBuild, {
    params: { workspace: workspace.id },
    body: {
      transition: 'start',
      reason: 'cli',
      rich_parameter_values: [...(values ?? (await valuesOf(client, workspace, version, own)))],
      ...(version === workspace.latest_build.template_version_id ? {} : { template_version_id: version }),
    },
  })
  if (own.wait) await followOwnBuild(client, made)
}

async function valuesOf(
  client: Connection,
  workspace: Workspace,
  version: string,
  own: StartFlags,
): Promise<NamedValue[]> {
  const [parameters, last] = await Promise.all([
    client.call(listTemplateVersionParameters, { params: { templateversion: version } }),
    client.call(listBuildParameters, { params: { workspacebuild: workspace.latest_build.id } }),
  ])
  return furtherValues(parameters, last, own)
}
