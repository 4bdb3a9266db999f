import { type AgentAccess, agentApiAccess, ToolFault } from '@slipway/mcp-tools'
import type { TunnelClient } from '@slipway/tunnel'
import { type AgentTunnels, agentObject, getAgent } from '../agents/index.ts'
import { isAllowed } from '../authz/index.ts'
import type { ConnectionLogger } from '../connection-log/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { noteUse } from '../workspaces/index.ts'
import type { Outer } from './in-process-api.ts'

/** What reaching agents takes. */
export interface AgentParts {
  readonly context: AppContext
  readonly tunnels: AgentTunnels
  readonly connections: ConnectionLogger
  /** @throws ApiError 403 when the session has to prove first who holds it (L-32). */
  readonly requireProof: (caller: Pick<Outer, 'key' | 'owner'>) => Promise<void>
}

/** Works in the workspaces of the caller through the tunnels of their agents (OA-89). */
export function tunnelAccess(parts: AgentParts, outer: Outer): AgentAccess {
  return agentApiAccess(async (agentId, work) => work(await reach(parts, outer, agentId)))
}

/**
 * The tunnel of an agent that the caller may connect to; the visit is noted, refused ones too (RB-110).
 *
 * @throws ToolFault `unauthorized` without `workspace:ssh`, and where only browsers may connect; ApiError.
 */
async function reach(parts: AgentParts, outer: Outer, agentId: string): Promise<TunnelClient> {
  const { context, tunnels, connections } = parts
  const note = (status: number): Promise<void> =>
    connections.record({
      kind: 'visit',
      type: 'tunnel',
      agentId,
      time: context.clock.now(),
      ip: outer.context.remoteAddress,
      userId: outer.owner.id,
      userAgent: outer.raw.headers['user-agent'] ?? '',
      slugOrPort: '',
      status,
    })
  try {
    const agent = await getAgent(outer.actor, context.database.db, agentId)
    if (!isAllowed(outer.actor, 'ssh', agentObject(agent)))
      throw new ToolFault(`unauthorized: you may see ${agent.workspace_name} but not connect to it`)
    if (context.config.browserOnly)
      throw new ToolFault('unauthorized: non-browser connections are disabled for this deployment')
    await parts.requireProof(outer)
    await noteUse(context, agent.workspace_id)
  } catch (error) {
    if (error instanceof ToolFault || (error instanceof ApiError && error.status < 500)) await note(403)
    throw error
  }
  await note(101)
  return tunnels.get(agentId)
}
