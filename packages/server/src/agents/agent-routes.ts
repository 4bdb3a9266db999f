import type { FastifyRequest } from 'fastify'

import * as contract from '@slipway/contract'
import { serveTunnel, TunnelRefusal } from '@slipway/tunnel'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, closeSoon, forSession, type SessionIncoming, tokenOf } from '../edge/index.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { listResources, presentAgent } from '../resources/index.ts'
import { noteUse } from '../workspaces/index.ts'
import { type AgentVisits, LOST, TUNNEL } from './agent-visits.ts'
import { type AgentLogQuery, answerAgentLogs } from './follow-logs.ts'
import { listeningPorts } from './listening-ports.ts'
import type { AgentMetadata } from './metadata.ts'
import { relayRequest } from './relay-request.ts'
import { type AgentRow, getAgent } from './store/agents.ts'
import { joinTerminal, terminalRequest } from './terminal.ts'
import type { AgentTunnels } from './tunnels.ts'

/** How terminals are called in the connection log (RB-110). */
const TERMINAL = { type: 'workspace_app', slug: 'terminal' } as const

/** What users do with agents: look, read logs, open terminals and byte streams (AC §4, §6, §9.5). */
export function agentRoutes(
  context: AppContext,
  tunnels: AgentTunnels,
  metadata: AgentMetadata,
  visits: AgentVisits,
): BoundRoute[] {
  const db = context.database.db
  const { agentOf, note, visited, mayStill, stillMay, rights } = visits
  /** Ends what shows something of the agent once its viewer may not read it any more; to look on is no use of a key. */
  const whileReadable = (
    raw: FastifyRequest,
    agentId: string,
    carrier: { once(event: 'close', listener: () => void): unknown },
    end: () => void,
  ): void => {
    const token = tokenOf({ cookies: raw.cookieValues, headers: raw.headers, query: raw.credentialSearch })
    const request = raw.context
    const still = (): Promise<boolean> =>
      mayStill(token, request, false, async (actor) => void (await getAgent(actor, db, agentId)))
    rights.watch(carrier, still, end)
  }
  const watchMetadata = async ({
    actor,
    params,
    events,
    raw,
  }: Pick<SessionIncoming<contract.Route>, 'actor' | 'params' | 'events' | 'raw'>): Promise<undefined> => {
    const agent = await agentOf(actor, params)
    const stream = await events()
    const carrier = {
      once: (_event: 'close', listener: () => void) =>
        stream.closed.addEventListener('abort', listener, { once: true }),
    }
    whileReadable(raw, agent.id, carrier, () => stream.close())
    await metadata.watch(agent.id, stream)
    return undefined
  }
  const agentLogs = async ({
    actor,
    params,
    query,
    ...request
  }: Pick<SessionIncoming<contract.Route>, 'actor' | 'params' | 'raw' | 'reply' | 'upgrade'> & {
    readonly query: AgentLogQuery
  }): Promise<contract.WorkspaceAgentLog[]> => {
    const agent = await agentOf(actor, params)
    return answerAgentLogs(context, agent, query, {
      ...request,
      upgrade: async () => {
        const socket = await request.upgrade()
        whileReadable(request.raw, agent.id, socket, () => closeSoon(socket, 1008, LOST))
        return socket
      },
    })
  }
  return [
    forSession(contract.getAgent, async ({ actor, params }) => {
      const agent = await agentOf(actor, params)
      const resources = await listResources(
        systemActor(
          'provisionerd',
          'resources of a build have no owner of their own; the agent was read as the caller',
        ),
        db,
        [agent.job_id],
      )
      const record = resources.flatMap((resource) => resource.agents).find((one) => one.id === agent.id)
      if (record === undefined)
        throw new ApiError(404, "Agent doesn't exist with that id, or you do not have access to it.")
      return presentAgent(record, {
        wildcardHost: context.config.wildcardAccessUrl,
        workspace: { name: agent.workspace_name, ownerName: agent.owner_username },
      })
    }),
    forSession(contract.listAgentLogs, agentLogs),
    forSession(contract.listAgentStartupLogs, agentLogs),
    forSession(contract.listListeningPorts, async ({ actor, params }) => {
      const agent = await agentOf(actor, params)
      requireConnected(agent)
      return { ports: await listeningPorts(context, agent, await tunnels.get(agent.id)) }
    }),
    forSession(contract.openTerminal, async (incoming) => {
      const { raw, upgrade } = incoming
      const agent = await visited(incoming, TERMINAL)
      const request = terminalRequest(raw.search)
      requireConnected(agent)
      await noteUse(context, agent.workspace_id)
      const socket = await upgrade()
      const noted = note(incoming, { ...TERMINAL, status: 101 })
      rights.watch(socket, stillMay(socket, raw, agent.id), () => closeSoon(socket, 1008, LOST))
      await joinTerminal(socket, tunnels.get(agent.id), request)
      await noted
      return undefined
    }),
    forSession(contract.openWorkspaceTunnel, async (incoming) => {
      const { raw, upgrade } = incoming
      const agent = await visited(incoming, TUNNEL)
      await noteUse(context, agent.workspace_id)
      const socket = await upgrade()
      const noted = note(incoming, { ...TUNNEL, status: 101 })
      rights.watch(socket, stillMay(socket, raw, agent.id), () => closeSoon(socket, 1008, LOST))
      serveTunnel(socket, {
        // Whoever may open a shell there may use the API of the agent too.
        request: (request, response) => relayRequest(context.log, tunnels.get(agent.id), request, response),
        connect: async (authority, _headers, signal) => {
          const tunnel = await tunnels.get(agent.id).catch((error: unknown) => {
            throw new TunnelRefusal(502, error instanceof Error ? error.message : String(error))
          })
          return tunnel.connect(authority, {}, signal)
        },
      })
      await noted
      return undefined
    }),
    forSession(contract.watchAgentMetadata, watchMetadata),
    forSession(contract.watchAgentMetadataWs, watchMetadata),
  ]
}

function requireConnected({ status }: AgentRow): void {
  if (status !== 'connected')
    throw badRequest(`Agent state is "${status}", it must be in the "connected" state.`)
}
