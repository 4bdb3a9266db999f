import { ApiFailure } from '@slipway/client'
import { getWorkspaceByName, type Workspace, type WorkspaceAgent } from '@slipway/contract'
import type { Connection } from './connection.ts'
import { CommandError } from './errors.ts'

/** A workspace as people name it, taken apart (AC-242). */
export interface WorkspaceName {
  readonly owner: string
  readonly workspace: string
  readonly agent: string | undefined
}

/**
 * Reads `ws`, `ws.agent`, `owner/ws`, `owner/ws.agent`, `owner--ws`, `owner--ws--agent` and, as host names read,
 * `agent.ws.owner`.
 *
 * @throws CommandError for anything else.
 */
export function parseWorkspaceName(text: string): WorkspaceName {
  const dashed = text.split('--')
  if (!text.includes('/') && dashed.length >= 2 && dashed.length <= 3) {
    const [owner = '', workspace = '', agent] = dashed
    return { owner, workspace, agent }
  }
  const reversed = /^([^/.]+)\.([^/.]+)\.([^/.]+)$/.exec(text)
  if (reversed !== null) {
    const [, agent, workspace = '', owner = ''] = reversed
    return { owner, workspace, agent }
  }
  const match = /^(?:([^/.]+)\/)?([^/.]+)(?:\.([^/.]+))?$/.exec(text)
  const [, owner = 'me', workspace, agent] = match ?? []
  if (workspace === undefined)
    throw new CommandError(`${JSON.stringify(text)} is no workspace: name it [owner/]workspace[.agent]`)
  return { owner, workspace, agent }
}

/** The workspace of this name. @throws CommandError when there is none. */
export async function findWorkspace(
  client: Connection,
  text: string,
  includeDeleted = false,
): Promise<Workspace> {
  const { owner, workspace } = parseWorkspaceName(text)
  try {
    return await client.call(getWorkspaceByName, {
      params: { user: owner, workspacename: workspace },
      query: { include_deleted: includeDeleted },
    })
  } catch (error) {
    if (!(error instanceof ApiFailure && error.status === 404)) throw error
    throw new CommandError(
      `workspace ${owner === 'me' ? '' : `${owner}/`}${workspace} was not found, or you have no access to it: \`slipway list\` shows yours`,
    )
  }
}

/** All agents of the latest build. */
export function agentsOf(workspace: Workspace): WorkspaceAgent[] {
  return workspace.latest_build.resources.flatMap((resource) => resource.agents ?? [])
}

/** The agent that is meant: the named one, or the only one. @throws CommandError listing them otherwise. */
export function chooseAgent(workspace: Workspace, name: string | undefined): WorkspaceAgent {
  const agents = agentsOf(workspace)
  const names = agents.map((agent) => agent.name).join(', ')
  if (name !== undefined) {
    const found = agents.find((agent) => agent.name === name)
    if (found === undefined)
      throw new CommandError(
        `${workspace.name} has no agent ${name}: it has ${names === '' ? 'none' : names}`,
      )
    return found
  }
  const [only, another] = agents
  if (only === undefined) throw new CommandError(`${workspace.name} has no agent: is it started?`)
  if (another !== undefined)
    throw new CommandError(
      `${workspace.name} has several agents: name one of ${names} as ${workspace.name}.<agent>`,
    )
  return only
}
