import type { Command } from 'commander'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
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
import { CommandError } from '../errors.ts'
import { followBuild } from '../follow-build.ts'
import { openSession } from '../session.ts'
import { findWorkspace } from '../workspace-name.ts'

/** `logs`. */
export function logsCommand(program: Command): void {
  program
    .command('logs <workspace>')
    .description('Show the log of a build and of its agents')
    .option('-n, --build-number <number>', 'build; 0 is the latest, -1 the one before it', '0')
    .option('-f, --follow', 'go on as new lines come')
    .action(async (name: string, own: { buildNumber: string; follow?: boolean }, command: Command) => {
      const client = await openSession(command)
      const build = await buildOf(client, await findWorkspace(client, name), own.buildNumber)
      if (own.follow === true && build.job.completed_at === undefined)
        // A build that fails has said so in its log.
        await followBuild(client, build).catch(() => undefined)
      else
        for (const line of await client.call(listBuildLogs, { params: { workspacebuild: build.id } }))
          process.stdout.write(buildLine(line))
      // Agents appear while a build runs.
      const ended = await buildNumbered(client, build)
      const agents = ended.resources.flatMap((resource) => resource.agents ?? [])
      await Promise.all(agents.map((agent) => showAgent(client, agent, own.follow === true)))
    })
}

async function buildOf(client: Client, workspace: Workspace, text: string): Promise<WorkspaceBuild> {
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

function buildNumbered(client: Client, build: WorkspaceBuild): Promise<WorkspaceBuild> {
  return client.call(getBuildByNumber, {
    params: {
      user: build.workspace_owner_name,
      workspacename: build.workspace_name,
      buildnumber: String(build.build_number),
    },
  })
}

async function showAgent(client: Client, agent: WorkspaceAgent, follow: boolean): Promise<void> {
  const at = { params: { workspaceagent: agent.id } }
  let after = 0
  for (const line of await client.call(listAgentLogs, at)) {
    process.stdout.write(agentLine(agent.name, line))
    after = line.id
  }
  if (!follow) return
  const address = client.address(listAgentLogs, { ...at, query: { follow: 'true', after } })
  const socket = new WebSocket(address.replace(/^http/, 'ws'), { headers: client.headers })
  socket.on('message', (data) => {
    const lines: WorkspaceAgentLog[] = JSON.parse(String(data))
    for (const line of lines) process.stdout.write(agentLine(agent.name, line))
  })
  await new Promise((resolve) => socket.on('close', resolve).on('error', resolve))
}

function buildLine(line: ProvisionerJobLog): string {
  return `${line.created_at} [${line.log_level}] [provisioner|${line.stage}] ${line.output}\n`
}

function agentLine(agent: string, line: WorkspaceAgentLog): string {
  return `${line.created_at} [${line.level}] [agent.${agent}] ${line.output}\n`
}
