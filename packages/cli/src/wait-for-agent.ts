import { setTimeout as wait } from 'node:timers/promises'

import { ApiFailure } from '@slipway/client'
import {
  createBuild,
  getAgent,
  getWorkspace,
  listAgentLogs,
  type Workspace,
  type WorkspaceAgent,
  type WorkspaceAgentLog,
} from '@slipway/contract'
import type { Connection } from './connection.ts'
import { CommandError } from './errors.ts'
import { followBuild } from './follow-build.ts'
import { followLogs } from './follow-logs.ts'
import { patiently } from './patience.ts'
import { chooseAgent } from './workspace-name.ts'

const FIRST_POLL_MS = 100
// Several commands may wait at once, and the limit of requests is shared by all that a user does.
const MAX_POLL_MS = 2_000
const POLL_GROWTH = 1.3

/** How long to wait for start scripts: `auto` waits when one of them keeps people out (AC-243). */
export type WaitMode = 'yes' | 'no' | 'auto'

interface ReadyOptions {
  readonly agent: string | undefined
  readonly autostart: boolean
  readonly wait: WaitMode
  readonly say: (text: string) => void
}

/**
 * Brings a workspace to where somebody can work in it: waits for a build that runs, starts a stopped one unless
 * told not to, and waits for the agent and, as `wait` says, for its start scripts, whose log it shows.
 *
 * @throws CommandError when it cannot be brought there, saying why.
 */
export async function readyAgent(
  client: Connection,
  workspace: Workspace,
  options: ReadyOptions,
): Promise<{ readonly workspace: Workspace; readonly agent: WorkspaceAgent }> {
  let current = await started(client, workspace, options.autostart, options.say)
  for (;;) {
    const agent = await agentReady(client, current, options)
    if (agent !== undefined) return { workspace: current, agent }
    // Somebody has stopped or restarted it meanwhile; what they stopped is not started again.
    current = await reload(client, current)
    if (current.latest_build.transition !== 'start')
      throw new CommandError(`workspace ${current.name} is ${current.latest_build.status}`)
    current = await started(client, current, false, options.say)
  }
}

/** The agent as soon as it is ready; undefined when the workspace has another build by then. */
async function agentReady(
  client: Connection,
  workspace: Workspace,
  { agent: name, wait: mode, say }: ReadyOptions,
): Promise<WorkspaceAgent | undefined> {
  let agent = chooseAgent(workspace, name)
  if (isReady(agent, mode)) return agent
  const at = { params: { workspaceagent: agent.id } }
  const ended = new AbortController()
  // What the scripts say is what one waits for; whoever may not read it waits all the same.
  const logs = followLogs<WorkspaceAgentLog>(
    client,
    client.address(listAgentLogs, at),
    (line) => say(line.output),
    ended.signal,
  ).catch(() => undefined)
  try {
    let said = ''
    for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * POLL_GROWTH, MAX_POLL_MS)) {
      const waiting =
        agent.status === 'connected'
          ? 'Waiting for the startup scripts …'
          : agent.status === 'timeout'
            ? 'The agent is taking too long to connect; still waiting …'
            : 'Waiting for the agent to connect …'
      if (waiting !== said) say(waiting)
      said = waiting
      await wait(pause)
      const [now, { latest_build: build }] = await patiently(() =>
        Promise.all([
          client.call(getAgent, at),
          client.call(getWorkspace, { params: { workspace: workspace.id } }),
        ]),
      )
      if (build.id !== workspace.latest_build.id) return undefined
      if (isReady(now, mode)) return now
      agent = now
    }
  } catch (error) {
    // The agents of a build go when another one takes its place.
    if (error instanceof ApiFailure && error.status === 404) return undefined
    throw error
  } finally {
    ended.abort()
    await logs
  }
}

async function started(
  client: Connection,
  workspace: Workspace,
  autostart: boolean,
  say: (text: string) => void,
): Promise<Workspace> {
  const build = workspace.latest_build
  switch (build.status) {
    case 'running':
      return workspace
    case 'pending':
    case 'starting':
    case 'stopping':
    case 'canceling':
      say(`Workspace ${workspace.name} is ${build.status} …`)
      await followBuild(client, build).catch((error: unknown) => {
        if (build.transition === 'start') throw error
      })
      return started(client, await reload(client, workspace), autostart, say)
    case 'stopped':
    case 'failed':
    case 'canceled': {
      if (!autostart)
        throw new CommandError(
          `workspace ${workspace.name} is ${build.status}: start it with \`slipway start ${workspace.name}\``,
        )
      say(`Starting workspace ${workspace.name} …`)
      const next = await startOrJoin(client, workspace)
      await followBuild(client, next)
      return reload(client, workspace)
    }
    case 'deleting':
    case 'deleted':
      throw new CommandError(`workspace ${workspace.name} is ${build.status}`)
  }
}

/** A start of the workspace: a new one, or the one that somebody else was quicker with. */
async function startOrJoin(client: Connection, workspace: Workspace): Promise<Workspace['latest_build']> {
  try {
    return await client.call(createBuild, {
      params: { workspace: workspace.id },
      body: { transition: 'start', reason: 'ssh_connection' },
    })
  } catch (error) {
    if (!(error instanceof ApiFailure && error.status === 409)) throw error
    const { latest_build: build } = await reload(client, workspace)
    if (build.id === workspace.latest_build.id || build.transition !== 'start') throw error
    return build
  }
}

function reload(client: Connection, workspace: Workspace): Promise<Workspace> {
  return patiently(() => client.call(getWorkspace, { params: { workspace: workspace.id } }))
}

function isReady(agent: WorkspaceAgent, mode: WaitMode): boolean {
  if (agent.status !== 'connected') return false
  if (mode === 'no' || (mode === 'auto' && agent.startup_script_behavior === 'non-blocking')) return true
  return agent.lifecycle_state !== 'created' && agent.lifecycle_state !== 'starting'
}
