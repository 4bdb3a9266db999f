import type { Command } from 'commander'

import {
  getBuildByNumber,
  listAgentLogs,
  listBuildLogs,
  type ProvisionerJobLog,
  type Workspace,
  type WorkspaceAgent,
  type WorkspaceAgentLog,
  type WorkspaceBuild,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { followLogs } from '../follow-logs.ts'
import { openSession } from '../session.ts'
import { findWorkspace } from '../workspace-name.ts'

/** `logs`. */
export function logsCommand(program: Command): void {
  program
    .command('logs <workspace>')
    .option('-n, --build-number <number>', 'build; 0 is the latest, -1 the one before it', '0')
    .option('-f, --follow', 'go on as new lines come')
    .action(async (name: string, own: { buildNumber: string; follow?: boolean }, command: Command) => {
      const client = await openSession(command)
      const build = await buildOf(client, await findWorkspace(client, name), own.buildNumber)
      const log = client.address(listBuildLogs, { params: { workspacebuild: build.id } })
      const show = (line: ProvisionerJobLog): void => {
        process.stdout.write(buildLine(line))
      }
      if (own.follow === true) await followLogs(client, log, show)
      else
        for (const line of await client.call(listBuildLogs, { params: { workspacebuild: build.id } }))
          show(line)
      // Agents appear while a build runs.
      const ended = await buildNumbered(client, build)
      const agents = ended.resources.flatMap((resource) => resource.agents ?? [])
      await Promise.all(agents.map((agent) => showAgent(client, agent, own.follow === true)))
    })
}

async function buildOf(client: Connection, workspace: Workspace, text: string): Promise<WorkspaceBuild> {
  const wanted = Number(text)
  const latest = workspace.latest_build
  if (!Number.isInteger(wanted))
    throw new CommandError(`--build-number must be a whole number, not ${JSON.stringify(text)}`)
  const number = wanted > 0 ? wanted : latest.build_number + wanted
  if (number < 1 || number > latest.build_number)
    throw new CommandError(
      `${workspace.name} has builds 1 to ${latest.build_number}: there is no build ${text}`,
    )
  return number === latest.build_number ? latest : buildNumbered(client, { ...latest, build_number: number })
}

function buildNumbered(client: Connection, build: WorkspaceBuild): Promise<WorkspaceBuild> {
  return client.call(getBuildByNumber, {
    params: {
      user: build.workspace_owner_name,
      workspacename: build.workspace_name,
      buildnumber: String(build.build_number),
    },
  })
}

async function showAgent(client: Connection, agent: WorkspaceAgent, follow: boolean): Promise<void> {
  const at = { params: { workspaceagent: agent.id } }
  const show = (line: WorkspaceAgentLog): void => {
    process.stdout.write(agentLine(agent.name, line))
  }
  if (follow) await followLogs(client, client.address(listAgentLogs, at), show)
  else
    for (let after = 0, more = true; more; ) {
      const lines = await client.call(listAgentLogs, { ...at, query: { after } })
      for (const line of lines) show(line)
      after = lines.at(-1)?.id ?? after
      more = lines.length > 0
    }
}

function buildLine(line: ProvisionerJobLog): string {
  return `${line.created_at} [${line.log_level}] [provisioner|${line.stage}] ${line.output}\n`
}

function agentLine(agent: string, line: WorkspaceAgentLog): string {
  return `${line.created_at} [${line.level}] [agent.${agent}] ${line.output}\n`
}
