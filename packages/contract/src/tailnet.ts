import { type Static, Type } from 'typebox'

import { DerpMap } from './derp.ts'
import { route } from './route.ts'

const tag = 'Agents'

/** How a client of the reference reaches agents (AC-130). */
export const AgentConnectionInfo = Type.Object({
  derp_map: DerpMap,
  derp_force_websockets: Type.Boolean(),
  disable_direct_connections: Type.Boolean(),
  hostname_suffix: Type.String(),
})
export type AgentConnectionInfo = Static<typeof AgentConnectionInfo>

const CoordinateQuery = Type.Object({
  /** Of the protocol, `major.minor`. */
  version: Type.Optional(Type.String({ maxLength: 32 })),
  /** Makes the client the peer that it was. */
  resume_token: Type.Optional(Type.String({ maxLength: 4_096 })),
})

export const getAgentConnection = route('GET /api/v2/workspaceagents/{workspaceagent}/connection', {
  id: 'get-connection-info-for-workspace-agent',
  tag,
  responses: { 200: AgentConnectionInfo },
})

export const getConnection = route('GET /api/v2/workspaceagents/connection', {
  id: 'get-connection-info-for-workspace-agent-generic',
  tag,
  responses: { 200: AgentConnectionInfo },
})

/** The client is the yamux client on it, and calls the coordinator for this one agent (AC-131). */
export const coordinateAgent = route('GET /api/v2/workspaceagents/{workspaceagent}/coordinate', {
  id: 'coordinate-workspace-agent',
  tag,
  query: CoordinateQuery,
  responses: { 101: null },
  stream: 'websocket',
})

/** The same for every agent that the user may reach (AC-132). */
export const connectTailnet = route('GET /api/v2/tailnet', {
  id: 'user-scoped-tailnet-rpc-connection',
  tag,
  query: CoordinateQuery,
  responses: { 101: null },
  stream: 'websocket',
})
