import type { Actor } from '../authz/index.ts'
import { ApiError } from '../errors/index.ts'
import { noteInLog } from './request-context.ts'

/** The workspace agent behind a request, loaded with its workspace and owner in one query (AC-13). */
export interface AgentCaller {
  readonly id: string
  readonly name: string
  readonly workspaceId: string
  readonly workspaceName: string
  readonly ownerId: string
  readonly ownerUsername: string
  readonly organizationId: string
  readonly templateId: string
  readonly buildId: string
  readonly jobId: string
  /** The owner, narrowed to what an agent may do. */
  readonly actor: Actor
}

/** Finds the agent that holds a token; undefined when there is none that may authenticate now (AC-4…AC-6). */
export type FindAgent = (token: string) => Promise<AgentCaller | undefined>

/**
 * The access rule of agent routes. Failures of the database pass through and become 500: an agent that is
 * told 401 might give up for good (AC-6, L-36).
 *
 * @throws ApiError 401 without a valid agent token.
 */
export async function requireAgent(token: string | undefined, find: FindAgent): Promise<AgentCaller> {
  if (token === undefined || token === '')
    throw new ApiError(401, 'Cookie "coder_session_token" or header "Coder-Session-Token" must be provided.')
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(token))
    throw new ApiError(401, 'Workspace agent token invalid.', {
      detail: 'An agent token must be a valid UUIDv4.',
    })
  const agent = await find(token)
  if (agent === undefined)
    throw new ApiError(401, 'Workspace agent not authorized.', {
      detail:
        'The agent cannot authenticate until the workspace provision job has been completed. If the job is no longer running, this agent is invalid.',
    })
  noteInLog({
    requestor_id: agent.ownerId,
    requestor_name: agent.ownerUsername,
    agent_name: agent.name,
    workspace_name: agent.workspaceName,
  })
  return agent
}
