import { ApiFailure, type Client, ConnectionFailure } from '@slipway/client'
import {
  createBuild,
  getAgent,
  getWorkspace,
  listAgentLogs,
  type Workspace,
  type WorkspaceAgent,
} from '@slipway/contract'
import { CommandError } from './errors.ts'
import { followBuild } from './follow-build.ts'
import { chooseAgent } from './workspace-name.ts'

const POLL_MS = 250
const PATIENCE_MS = 60_000

/** How long to wait for start scripts: `auto` waits when one of them keeps people out (AC-243). */
export type WaitMode = 'yes' | 'no' | 'auto'

/**
 * Brings a workspace to where somebody can work in it: waits for a build that runs, starts a stopped one unless
 * told not to, and waits for the agent and, as `wait` says, for its start scripts.
 *
 * @throws CommandError when it cannot be brought there, saying why.
 */
export async function readyAgent(
  client: Client,
  workspace: Workspace,
  options: {
    readonly agent: string | undefined
    readonly autostart: boolean
    readonly wait: WaitMode
    readonly say: (text: string) => void
  },
): Promise<{ readonly workspace: Workspace; readonly agent: WorkspaceAgent }> {
  const { say } = options
  const current = await started(client, workspace, options.autostart, say)
  let agent = chooseAgent(current, options.agent)
  let said = ''
  let shown = 0
  for (;;) {
    if (agent.status === 'connected' && scriptsDone(agent, options.wait)) return { workspace: current, agent }
    const waiting =
      agent.status === 'connected'
        ? 'Waiting for the startup scripts …'
        : agent.status === 'timeout'
          ? 'The agent is taking too long to connect; still waiting …'
          : 'Waiting for the agent to connect …'
    if (waiting !== said) say(waiting)
    said = waiting
    await pause()
    const at = { params: { workspaceagent: agent.id } }
    agent = await patiently(() => client.call(getAgent, at))
    // What the scripts say is what one waits for.
    if (agent.status === 'connected')
      for (const line of await patiently(() =>
        client.call(listAgentLogs, { ...at, query: { after: shown } }),
      )) {
        say(line.output)
        shown = line.id
      }
  }
}

async function started(
  client: Client,
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
      const next = await client.call(createBuild, {
        params: { workspace: workspace.id },
        body: { transition: 'start', reason: 'ssh_connection' },
      })
      await followBuild(client, next)
      return reload(client, workspace)
    }
    case 'deleting':
    case 'deleted':
      throw new CommandError(`workspace ${workspace.name} is ${build.status}`)
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

/** Asks again while the server is in trouble or cannot be reached, for a minute. @throws what it failed with last. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const end = performance.now() + PATIENCE_MS
  for (;;)
    try {
      return await call()
    } catch (error) {
      const passing =
        error instanceof ConnectionFailure || (error instanceof ApiFailure && error.status >= 500)
      if (!passing || performance.now() > end) throw error
      await pause()
    }
}

function reload(client: Client, workspace: Workspace): Promise<Workspace> {
  return client.call(getWorkspace, { params: { workspace: workspace.id } })
}

function scriptsDone(agent: WorkspaceAgent, wait: WaitMode): boolean {
  if (wait === 'no') return true
  if (wait === 'auto' && agent.startup_script_behavior === 'non-blocking') return true
  return agent.lifecycle_state !== 'created' && agent.lifecycle_state !== 'starting'
}
