import type { Client } from '@slipway/client'
import { createBuild, getAgent, getWorkspace, type Workspace, type WorkspaceAgent } from '@slipway/contract'
import { CommandError } from './errors.ts'
import { followBuild } from './follow-build.ts'
import { chooseAgent } from './workspace-name.ts'

const POLL_MS = 250

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
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    agent = await client.call(getAgent, { params: { workspaceagent: agent.id } })
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

function reload(client: Client, workspace: Workspace): Promise<Workspace> {
  return client.call(getWorkspace, { params: { workspace: workspace.id } })
}

function scriptsDone(agent: WorkspaceAgent, wait: WaitMode): boolean {
  if (wait === 'no') return true
  if (wait === 'auto' && agent.startup_script_behavior === 'non-blocking') return true
  return agent.lifecycle_state !== 'created' && agent.lifecycle_state !== 'starting'
}
