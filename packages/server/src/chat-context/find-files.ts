import type { WorkspaceFiles } from '@slipway/contract'
import { AgentFault, askAgent } from '@slipway/mcp-tools'
import { type AgentTunnels, chooseAgent, listLatestAgents } from '../agents/index.ts'
import { type Actor, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, forbidden, notFound } from '../errors/index.ts'
import { getWorkspace, workspaceObject } from '../workspaces/index.ts'

const FIND_MS = 10_000

/**
 * Files of a workspace by a part of their path, for whoever may connect to it (UI-1122). It is no use that keeps the
 * workspace running.
 *
 * @throws ApiError 404, 403, 400 when there is no agent that could be asked, 502 when it does not answer.
 */
export async function findFiles(
  context: AppContext,
  tunnels: AgentTunnels,
  actor: Actor,
  asked: { readonly workspace: string; readonly q?: string; readonly limit?: number },
): Promise<WorkspaceFiles> {
  const { db } = context.database
  const workspace = await getWorkspace(actor, db, asked.workspace)
  if (workspace.deleted) throw notFound()
  if (!isAllowed(actor, 'ssh', workspaceObject(workspace)))
    throw forbidden('You may not connect to this workspace.')
  const { agent } = chooseAgent(await listLatestAgents(actor, db, workspace))
  if (agent === undefined) throw badRequest('The workspace has no agent that chats can work in.')
  if (agent.status !== 'connected')
    throw badRequest(`Agent state is ${JSON.stringify(agent.status)}, it must be "connected".`)
  const query = new URLSearchParams({
    query: asked.q ?? '',
    ...(asked.limit === undefined ? {} : { limit: String(asked.limit) }),
  })
  const tunnel = await tunnels.get(agent.id)
  try {
    const answer = await askAgent(
      tunnel,
      { method: 'GET', path: `/api/v0/find-files?${query}` },
      AbortSignal.timeout(FIND_MS),
    )
    return readFiles(answer.bytes)
  } catch (error) {
    if (error instanceof AgentFault && error.status === 404)
      throw badRequest('The agent of the workspace is too old to look for files. Restart the workspace.')
    throw new ApiError(502, 'The agent of the workspace did not say which files there are.', {
      detail: error instanceof Error ? error.message : String(error),
      cause: error,
    })
  }
}

/** What an agent says is taken apart before it is believed. @throws Error for something else. */
function readFiles(bytes: Buffer): WorkspaceFiles {
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  if (typeof value !== 'object' || value === null || !('directory' in value) || !('files' in value))
    throw new Error('the agent answered something else than files')
  const { directory, files } = value
  if (typeof directory !== 'string' || !Array.isArray(files))
    throw new Error('the agent answered something else than files')
  return {
    directory,
    files: files
      .filter((file): file is string => typeof file === 'string')
      .map((file) => file.toWellFormed()),
    truncated: 'truncated' in value && value.truncated === true,
  }
}
