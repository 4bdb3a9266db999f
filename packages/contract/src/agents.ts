import { type Static, Type } from 'typebox'

import { Response, Time, Uuid } from './common.ts'
import { LogLevel, WorkspaceAgent, WorkspaceAgentLogSource } from './resources.ts'
import { route } from './route.ts'
import { ServerSentEvent } from './workspaces.ts'

export const WorkspaceAgentLog = Type.Object({
  created_at: Time,
  id: Type.Integer(),
  level: LogLevel,
  output: Type.String(),
  source_id: Uuid,
})
export type WorkspaceAgentLog = Static<typeof WorkspaceAgentLog>

export const WorkspaceAgentListeningPort = Type.Object({
  network: Type.String(),
  port: Type.Integer(),
  process_name: Type.String(),
})
export type WorkspaceAgentListeningPort = Static<typeof WorkspaceAgentListeningPort>

export const WorkspaceAgentListeningPortsResponse = Type.Object({
  ports: Type.Optional(Type.Array(WorkspaceAgentListeningPort)),
})
export type WorkspaceAgentListeningPortsResponse = Static<typeof WorkspaceAgentListeningPortsResponse>

export const PostLogSourceRequest = Type.Object({
  id: Uuid,
  display_name: Type.Optional(Type.String({ maxLength: 256 })),
  icon: Type.Optional(Type.String({ maxLength: 256 })),
})
export type PostLogSourceRequest = Static<typeof PostLogSourceRequest>

export const Log = Type.Object({
  created_at: Type.Optional(Type.String()),
  level: Type.Optional(LogLevel),
  output: Type.String(),
})
export type Log = Static<typeof Log>

export const PatchLogs = Type.Object({
  log_source_id: Type.Optional(Uuid),
  logs: Type.Array(Log, { maxItems: 10_000 }),
})
export type PatchLogs = Static<typeof PatchLogs>

export const getAgent = route('GET /api/v2/workspaceagents/{workspaceagent}', {
  id: 'get-workspace-agent-by-id',
  tag: 'Agents',
  responses: { 200: WorkspaceAgent },
})

export const listAgentLogs = route('GET /api/v2/workspaceagents/{workspaceagent}/logs', {
  id: 'get-logs-by-workspace-agent',
  tag: 'Agents',
  query: Type.Object({
    before: Type.Optional(Type.Integer()),
    after: Type.Optional(Type.Integer()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    follow: Type.Optional(Type.String()),
    no_compression: Type.Optional(Type.Boolean()),
    format: Type.Optional(Type.Enum(['json', 'text'])),
  }),
  responses: { 200: Type.Array(WorkspaceAgentLog) },
})

export const listAgentStartupLogs = route('GET /api/v2/workspaceagents/{workspaceagent}/startup-logs', {
  id: 'removed-get-logs-by-workspace-agent',
  tag: 'Agents',
  query: Type.Object({
    before: Type.Optional(Type.Integer()),
    after: Type.Optional(Type.Integer()),
    follow: Type.Optional(Type.String()),
    no_compression: Type.Optional(Type.Boolean()),
  }),
  responses: { 200: Type.Array(WorkspaceAgentLog) },
})

export const listListeningPorts = route('GET /api/v2/workspaceagents/{workspaceagent}/listening-ports', {
  id: 'get-listening-ports-for-workspace-agent',
  tag: 'Agents',
  responses: { 200: WorkspaceAgentListeningPortsResponse },
})

export const openTerminal = route('GET /api/v2/workspaceagents/{workspaceagent}/pty', {
  id: 'open-pty-to-workspace-agent',
  tag: 'Agents',
  responses: { 101: null },
  stream: 'websocket',
})

export const watchAgentMetadata = route('GET /api/v2/workspaceagents/{workspaceagent}/watch-metadata', {
  id: 'watch-for-workspace-agent-metadata-updates',
  tag: 'Agents',
  responses: { 200: null },
  stream: 'sse',
})

export const watchAgentMetadataWs = route('GET /api/v2/workspaceagents/{workspaceagent}/watch-metadata-ws', {
  id: 'watch-for-workspace-agent-metadata-updates-via-websockets',
  tag: 'Agents',
  responses: { 101: null, 200: ServerSentEvent },
  stream: 'websocket',
})

export const createAgentLogSource = route('POST /api/v2/workspaceagents/me/log-source', {
  id: 'post-workspace-agent-log-source',
  tag: 'Agents',
  security: 'agent',
  body: PostLogSourceRequest,
  responses: { 200: WorkspaceAgentLogSource, 201: WorkspaceAgentLogSource },
})

export const appendAgentLogs = route('PATCH /api/v2/workspaceagents/me/logs', {
  id: 'patch-workspace-agent-logs',
  tag: 'Agents',
  security: 'agent',
  body: PatchLogs,
  responses: { 200: Response },
})
