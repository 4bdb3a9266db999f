import { text } from 'node:stream/consumers'

import * as contract from '@slipway/contract'
import { serveTunnel, TunnelRefusal } from '@slipway/tunnel'
import { type Actor, authorize, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { listResources, presentAgent } from '../resources/index.ts'
import { noteUse } from '../workspaces/index.ts'
import { answerAgentLogs } from './follow-logs.ts'
import { listeningPorts } from './listening-ports.ts'
import type { AgentMetadata } from './metadata.ts'
import { type AgentRow, agentObject, getAgent } from './store/agents.ts'
import { joinTerminal, terminalRequest } from './terminal.ts'
import type { AgentTunnels } from './tunnels.ts'

const PORTS_TIMEOUT_MS = 30_000

/** What users do with agents: look, read logs, open terminals and byte streams (AC §4, §6, §9.5). */
export function agentRoutes(
  context: AppContext,
  tunnels: AgentTunnels,
  metadata: AgentMetadata,
): BoundRoute[] {
  const db = context.database.db
  const agentOf = (actor: Actor, params: Readonly<Record<string, string>>): Promise<AgentRow> =>
    getAgent(actor, db, params.workspaceagent ?? '')
  const reachable = async (actor: Actor, params: Readonly<Record<string, string>>): Promise<AgentRow> => {
    const agent = await agentOf(actor, params)
    authorize(actor, 'ssh', agentObject(agent))
    return agent
  }
  return [
    forSession(contract.getAgent, async ({ actor, params }) => {
      const agent = await agentOf(actor, params)
      const resources = await listResources(systemActor('provisionerd'), db, [agent.job_id])
      const record = resources.flatMap((resource) => resource.agents).find((one) => one.id === agent.id)
      if (record === undefined)
        throw new ApiError(404, "Agent doesn't exist with that id, or you do not have access to it.")
      return presentAgent(record, {
        wildcardHost: context.config.wildcardAccessUrl,
        workspace: { name: agent.workspace_name, ownerName: agent.owner_username },
      })
    }),
    forSession(contract.listAgentLogs, async ({ actor, params, query, ...request }) =>
      answerAgentLogs(context, await agentOf(actor, params), query, request),
    ),
    forSession(contract.listAgentStartupLogs, async ({ actor, params, query, ...request }) =>
      answerAgentLogs(context, await agentOf(actor, params), query, request),
    ),
    forSession(contract.listListeningPorts, async ({ actor, params }) => {
      const agent = await agentOf(actor, params)
      requireConnected(agent)
      const tunnel = await tunnels.get(agent.id)
      const answer = await tunnel.request({
        method: 'GET',
        path: '/api/v0/listening-ports',
        signal: AbortSignal.timeout(PORTS_TIMEOUT_MS),
      })
      const body = await text(answer.body)
      if (answer.status !== 200)
        throw new ApiError(502, 'The agent could not list its ports.', { detail: body })
      return { ports: await listeningPorts(context, agent, body) }
    }),
    forSession(contract.openTerminal, async ({ actor, params, raw, upgrade }) => {
      const agent = await reachable(actor, params)
      const request = terminalRequest(raw.search)
      requireConnected(agent)
      await noteUse(context, agent.workspace_id)
      await joinTerminal(await upgrade(), tunnels.get(agent.id), request)
      return undefined
    }),
    forSession(contract.openWorkspaceTunnel, async ({ actor, params, upgrade }) => {
      const agent = await reachable(actor, params)
      await noteUse(context, agent.workspace_id)
      const socket = await upgrade()
      serveTunnel(socket, {
        request: (_request, response) => {
          response.writeHead(404, { 'content-type': 'text/plain' })
          response.end('Only byte streams are relayed: use CONNECT.')
        },
        connect: async (authority, _headers, signal) => {
          const tunnel = await tunnels.get(agent.id).catch((error: unknown) => {
            throw new TunnelRefusal(502, error instanceof Error ? error.message : String(error))
          })
          return tunnel.connect(authority, {}, signal)
        },
      })
      return undefined
    }),
    forSession(contract.watchAgentMetadata, async ({ actor, params, events }) => {
      const agent = await agentOf(actor, params)
      await metadata.watch(agent.id, await events())
      return undefined
    }),
    forSession(contract.watchAgentMetadataWs, async ({ actor, params, events }) => {
      const agent = await agentOf(actor, params)
      await metadata.watch(agent.id, await events())
      return undefined
    }),
  ]
}

function requireConnected({ status }: AgentRow): void {
  if (status !== 'connected')
    throw badRequest(`Agent state is "${status}", it must be in the "connected" state.`)
}
