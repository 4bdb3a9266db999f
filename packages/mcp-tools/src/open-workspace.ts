import {
  checkAuthorization,
  createBuild,
  getBuild,
  getWorkspace,
  getWorkspaceByName,
  type Workspace,
  type WorkspaceAgent,
} from '@slipway/contract'
import { type ToolContext, ToolFault } from './tool.ts'
import { waitFor } from './wait.ts'
import { parseWorkspaceArgument } from './workspace-argument.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** A workspace by its id, or by `[owner/]name`. */
export function findWorkspace({ api }: Pick<ToolContext, 'api'>, text: string): Promise<Workspace> {
  if (UUID.test(text)) return api.call(getWorkspace, { params: { workspace: text } })
  const { owner, name } = parseWorkspaceArgument(text)
  return api.call(getWorkspaceByName, { params: { user: owner ?? 'me', workspacename: name } })
}

/** All agents of the latest build. */
export function agentsOf({ latest_build }: Workspace): WorkspaceAgent[] {
  return latest_build.resources.flatMap((resource) => resource.agents ?? [])
}

/**
 * The agent that a workspace argument names, connected and with its startup scripts done; the workspace is started for
 * it when it is stopped (OA-92).
 *
 * @throws ToolFault `unauthorized` without the right to connect, when the workspace is in no state to be started, and
 *   when it has several agents and none is named.
 */
export async function openWorkspace(
  context: ToolContext,
  text: string,
): Promise<{ readonly workspace: Workspace; readonly agent: WorkspaceAgent }> {
  const wanted = parseWorkspaceArgument(text)
  const found = await findWorkspace(context, text)
  await requireSsh(context, found)
  const workspace = await started(context, found)
  const { id } = pickAgent(workspace, wanted.agent)
  context.progress(`waiting for the agent of ${workspace.name}`)
  const agent = await waitFor(`the agent of ${workspace.name}`, context.signal, async () => {
    const now = await context.api.call(getWorkspace, { params: { workspace: workspace.id } })
    const one = agentsOf(now).find((candidate) => candidate.id === id)
    if (one === undefined) throw new ToolFault(`${workspace.name} was rebuilt while its agent was waited for`)
    if (one.status === 'timeout')
      throw new ToolFault(`the agent of ${workspace.name} did not connect in time: look at its logs`)
    return one.status === 'connected' && scriptsAreDone(one) ? one : undefined
  })
  return { workspace, agent }
}

async function requireSsh({ api }: ToolContext, workspace: Workspace): Promise<void> {
  const { ssh } = await api.call(checkAuthorization, {
    body: {
      checks: {
        ssh: { action: 'ssh', object: { resource_type: 'workspace', resource_id: workspace.id } },
      },
    },
  })
  if (ssh !== true)
    throw new ToolFault(
      `unauthorized: you may see ${workspace.owner_name}/${workspace.name} but not connect to it`,
    )
}

async function started(context: ToolContext, workspace: Workspace): Promise<Workspace> {
  const { api, signal, progress } = context
  const { latest_build: build } = workspace
  if (build.transition === 'start' && build.job.status === 'succeeded') return workspace
  if (build.transition === 'start' && (build.job.status === 'pending' || build.job.status === 'running'))
    return built(context, workspace, build.id)
  if (build.status !== 'stopped') {
    // Of what waits for its turn the status does not say what it is.
    const state = build.status === 'pending' ? `pending (${build.transition})` : build.status
    throw new ToolFault(`${workspace.name} is ${state}: only a stopped workspace can be started`)
  }
  progress(`starting ${workspace.name}`)
  const { id } = await api.call(createBuild, {
    params: { workspace: workspace.id },
    body: { transition: 'start' },
    signal,
  })
  return built(context, workspace, id)
}

async function built(context: ToolContext, { id, name }: Workspace, buildId: string): Promise<Workspace> {
  await waitForBuild(context, buildId, name)
  return context.api.call(getWorkspace, { params: { workspace: id } })
}

async function waitForBuild({ api, signal, progress }: ToolContext, id: string, name: string): Promise<void> {
  await waitFor(`the build of ${name}`, signal, async () => {
    const { job } = await api.call(getBuild, { params: { workspacebuild: id } })
    progress(`the build of ${name} is ${job.status}`)
    switch (job.status) {
      case 'succeeded':
        return true
      case 'pending':
      case 'running':
      case 'canceling':
        return undefined
      case 'canceled':
      case 'failed':
      case 'unknown':
        throw new ToolFault(`${name} could not be started: ${job.error ?? `the build was ${job.status}`}`)
    }
  })
}

function pickAgent(workspace: Workspace, name: string | undefined): WorkspaceAgent {
  const agents = agentsOf(workspace)
  const names = agents.map((agent) => agent.name).join(', ')
  const [only, another] = agents
  if (only === undefined) throw new ToolFault(`${workspace.name} has no agent`)
  if (name !== undefined) {
    const named = agents.find((agent) => agent.name === name)
    if (named === undefined) throw new ToolFault(`${workspace.name} has no agent ${name}, but ${names}`)
    return named
  }
  if (another !== undefined)
    throw new ToolFault(
      `${workspace.name} has several agents: name one of ${names}, as in ${workspace.name}.${only.name}`,
    )
  return only
}

function scriptsAreDone({ lifecycle_state }: WorkspaceAgent): boolean {
  switch (lifecycle_state) {
    case 'created':
    case 'starting':
      return false
    case 'ready':
    case 'start_error':
    case 'start_timeout':
      return true
    case 'shutting_down':
    case 'shutdown_timeout':
    case 'shutdown_error':
    case 'off':
      throw new ToolFault('the workspace is shutting down')
  }
}
