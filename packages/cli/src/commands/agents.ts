import { spawn } from 'node:child_process'

import type { Command } from 'commander'
import { WebSocket } from 'ws'

import {
  listAgentLogs,
  listBuildLogs,
  type ProvisionerJobLog,
  type WorkspaceAgentLog,
} from '@slipway/contract'
import type { TunnelClient } from '@slipway/tunnel'
import { CommandError } from '../errors.ts'
import { followBuild } from '../follow-build.ts'
import { type GlobalFlags, openSession } from '../session.ts'
import { openTunnel } from '../tunnel.ts'
import { readyAgent } from '../wait-for-agent.ts'
import { agentsOf, chooseAgent, findWorkspace, parseWorkspaceName } from '../workspace-name.ts'

/** `ping`, `logs` and `open`. */
export function agentCommands(program: Command): void {
  program
    .command('ping <workspace>')
    .description('Measure the way to a workspace')
    .option('-n, --num <count>', 'number of pings; 0 goes on until Ctrl-C', '10')
    .option('--wait <duration>', 'time between two pings, such as 1s or 200ms', '1s')
    .option('-t, --timeout <duration>', 'how long to wait for an answer', '5s')
    .action(async (name: string, own: { num: string; wait: string; timeout: string }, command: Command) => {
      const wanted = Number(own.num)
      if (!Number.isInteger(wanted) || wanted < 0)
        throw new CommandError(`--num must be a whole number, not ${JSON.stringify(own.num)}`)
      const wait = milliseconds(own.wait, '--wait')
      const timeout = milliseconds(own.timeout, '--timeout')
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const { agent } = await readyAgent(client, await findWorkspace(client, name), {
        agent: parseWorkspaceName(name).agent,
        autostart: false,
        wait: 'no',
        say: (line) => process.stderr.write(`${line}\n`),
      })
      using tunnel = await openTunnel(client, agent.id)
      const times: number[] = []
      for (let i = 0; wanted === 0 || i < wanted; i += 1) {
        const ms = await ping(tunnel, timeout)
        if (ms !== undefined) times.push(ms)
        process.stdout.write(
          ms === undefined
            ? `no answer from ${name} within ${timeout} ms\n`
            : `pong from ${name} via the server in ${ms.toFixed(1)} ms\n`,
        )
        if (i + 1 !== wanted) await new Promise((resolve) => setTimeout(resolve, wait))
      }
      if (times.length === 0) throw new CommandError(`${name} does not answer`)
      times.sort((a, b) => a - b)
      process.stdout.write(
        `min ${(times[0] ?? 0).toFixed(1)} ms, median ${(times[Math.floor(times.length / 2)] ?? 0).toFixed(1)} ms, max ${(times.at(-1) ?? 0).toFixed(1)} ms\n`,
      )
    })
  program
    .command('logs <workspace>')
    .description('Show the log of the latest build and of the agents')
    .option('-f, --follow', 'go on as new lines come')
    .action(async (name: string, own: { follow?: boolean }, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
      const workspace = await findWorkspace(client, name)
      if (own.follow === true && workspace.latest_build.job.completed_at === undefined)
        await followBuild(client, workspace.latest_build).catch(() => undefined)
      else
        for (const line of await client.call(listBuildLogs, {
          params: { workspacebuild: workspace.latest_build.id },
        }))
          process.stdout.write(buildLine(line))
      const current = await findWorkspace(client, name)
      for (const agent of agentsOf(current)) {
        let after = 0
        for (const line of await client.call(listAgentLogs, { params: { workspaceagent: agent.id } })) {
          process.stdout.write(agentLine(agent.name, line))
          after = line.id
        }
        if (own.follow !== true) continue
        const url = new URL(client.address(listAgentLogs, { params: { workspaceagent: agent.id } }))
        url.searchParams.set('follow', 'true')
        url.searchParams.set('after', String(after))
        const socket = new WebSocket(url.href.replace(/^http/, 'ws'), { headers: client.headers })
        socket.on('message', (data) => {
          const lines: WorkspaceAgentLog[] = JSON.parse(String(data))
          for (const line of lines) process.stdout.write(agentLine(agent.name, line))
        })
        await new Promise((resolve) => socket.on('close', resolve).on('error', resolve))
      }
    })
  const open = program.command('open').description('Open a workspace in a browser or an editor')
  open
    .command('vscode <workspace> [directory]')
    .description('Open a workspace in VS Code on this machine')
    .option('--test.open-error', 'print the address only')
    .action(async (name: string, directory: string | undefined, _own: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GlobalFlags>()
      const client = await openSession(flags)
      const workspace = await findWorkspace(client, name)
      const agent = chooseAgent(workspace, parseWorkspaceName(name).agent)
      const url = new URL('vscode://coder.coder-remote/open')
      url.searchParams.set('owner', workspace.owner_name)
      url.searchParams.set('workspace', workspace.name)
      url.searchParams.set('agent', agent.name)
      url.searchParams.set('url', client.url)
      const folder = directory ?? agent.expanded_directory
      if (folder !== undefined && folder !== '') url.searchParams.set('folder', folder)
      openAddress(url.href)
    })
  open
    .command('app <workspace> [app]')
    .description('Open an app of a workspace in the browser')
    .action(async (name: string, slug: string | undefined, _own: unknown, command: Command) => {
      const client = await openSession(command.optsWithGlobals<GlobalFlags>())
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
      )
    })
}

/** How long the first byte of the workspace's SSH server takes, in milliseconds; undefined without an answer. */
async function ping(tunnel: TunnelClient, timeout: number): Promise<number | undefined> {
  const start = performance.now()
  const stream = await tunnel.connect('ssh:22')
  const answered = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), timeout)
    const settle = (answer: boolean) => () => {
      clearTimeout(timer)
      resolve(answer)
    }
    stream.once('data', settle(true)).on('error', settle(false)).once('close', settle(false))
  })
  stream.destroy()
  return answered ? performance.now() - start : undefined
}

/** Reads `1s`, `200ms`, `1m` or a number of milliseconds. @throws CommandError naming the flag. */
function milliseconds(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text)
  if (match === null)
    throw new CommandError(`${flag} must be a time such as 1s or 200ms, not ${JSON.stringify(text)}`)
  return Number(match[1]) * (match[2] === 's' ? 1_000 : match[2] === 'm' ? 60_000 : 1)
}

function buildLine(line: ProvisionerJobLog): string {
  return `${line.created_at} [${line.log_level}] [provisioner|${line.stage}] ${line.output}\n`
}

function agentLine(agent: string, line: WorkspaceAgentLog): string {
  return `${line.created_at} [${line.level}] [agent.${agent}] ${line.output}\n`
}

/** Opens an address with what the system has for it; prints it when there is nothing. */
function openAddress(address: string): void {
  process.stdout.write(`${address}\n`)
  const program =
    process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open'
  const child = spawn(program, [address], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}
