import { type Static, Type } from 'typebox'

import { MinimalOrganization } from './audit.ts'
import { Pagination, Response, Time, Uuid } from './common.ts'
import { route } from './route.ts'
import { User } from './users.ts'

const tag = 'Connection Log'

/** How somebody has reached a workspace: the first four are sessions, the others are instants (RB-109). */
export const ConnectionType = Type.Enum([
  'ssh',
  'vscode',
  'jetbrains',
  'reconnecting_pty',
  'workspace_app',
  'port_forwarding',
  'tunnel',
])
export type ConnectionType = Static<typeof ConnectionType>

/** A session that the agent of the workspace has reported; it goes on while it has no end. */
export const ConnectionLogSSHInfo = Type.Object({
  connection_id: Uuid,
  disconnect_time: Type.Optional(Time),
  disconnect_reason: Type.Optional(Type.String()),
  exit_code: Type.Optional(Type.Integer()),
})

/** A visit through the server; nobody is the user of a public app's visitor. */
export const ConnectionLogWebInfo = Type.Object({
  user_agent: Type.String(),
  user: Type.Union([User, Type.Null()]),
  slug_or_port: Type.String(),
  status_code: Type.Integer(),
})

/** One entry of the connection log (RB-109). */
export const ConnectionLog = Type.Object({
  id: Uuid,
  connect_time: Time,
  organization: MinimalOrganization,
  workspace_owner_id: Uuid,
  workspace_owner_username: Type.String(),
  workspace_id: Uuid,
  workspace_name: Type.String(),
  agent_name: Type.String(),
  ip: Type.String(),
  type: ConnectionType,
  ssh_info: Type.Optional(ConnectionLogSSHInfo),
  web_info: Type.Optional(ConnectionLogWebInfo),
})
export type ConnectionLog = Static<typeof ConnectionLog>

export const ConnectionLogResponse = Type.Object({
  connection_logs: Type.Array(ConnectionLog),
  count: Type.Integer(),
  count_cap: Type.Integer(),
})

const q = Type.Optional(Type.String({ maxLength: 4096 }))

export const listConnectionLogs = route('GET /api/v2/connectionlog', {
  id: 'get-connection-logs',
  tag,
  query: Type.Object({
    q,
    limit: Pagination.limit,
    offset: Pagination.offset,
    after_id: Pagination.after_id,
  }),
  responses: { 200: ConnectionLogResponse },
})

/** All entries of a search as a file, youngest first (RB-128). */
export const exportConnectionLogs = route('GET /api/v2/connectionlog/export', {
  id: 'export-connection-logs',
  tag,
  query: Type.Object({ q, format: Type.Optional(Type.Enum(['jsonl', 'csv'])) }),
  responses: { 200: null },
  stream: 'bytes',
})

/** A session that has begun or ended in a workspace (AC-81). */
export const AgentConnectionReport = Type.Object({
  /** Chosen by the agent, the same for the beginning and the end. */
  id: Uuid,
  action: Type.Enum(['connect', 'disconnect']),
  type: Type.Enum(['ssh', 'vscode', 'jetbrains', 'reconnecting_pty']),
  time: Time,
  ip: Type.Optional(Type.String({ maxLength: 64 })),
  /** Of the program that the session ran; at the end only. */
  exit_code: Type.Optional(Type.Integer({ minimum: -2147483648, maximum: 2147483647 })),
  reason: Type.Optional(Type.String({ maxLength: 4096 })),
})
export type AgentConnectionReport = Static<typeof AgentConnectionReport>

export const reportAgentConnections = route('POST /api/v2/workspaceagents/me/connections', {
  id: 'report-agent-connections',
  tag: 'Agents',
  security: 'agent',
  body: Type.Object({ connections: Type.Array(AgentConnectionReport, { minItems: 1, maxItems: 256 }) }),
  responses: { 200: Response },
})
