import { type Static, Type } from 'typebox'

import { Response, Time, Uuid } from './common.ts'
import {
  AgentSubsystem,
  WorkspaceAgentLifecycle,
  WorkspaceAgentScriptStatus,
  WorkspaceAppHealth,
  WorkspaceAppStatusState,
} from './resources.ts'
import { route } from './route.ts'

const tag = 'Agents'
const security = 'agent'

/** A script as an agent runs it; `timeout` in seconds, 0 is none. */
export const ManifestScript = Type.Object({
  id: Uuid,
  log_source_id: Uuid,
  log_path: Type.String(),
  display_name: Type.String(),
  script: Type.String(),
  cron: Type.String(),
  start_blocks_login: Type.Boolean(),
  run_on_start: Type.Boolean(),
  run_on_stop: Type.Boolean(),
  timeout: Type.Integer(),
})
export type ManifestScript = Static<typeof ManifestScript>

/** A value that the agent measures; times in seconds. */
export const ManifestMetadata = Type.Object({
  key: Type.String(),
  display_name: Type.String(),
  script: Type.String(),
  interval: Type.Integer(),
  timeout: Type.Integer(),
})
export type ManifestMetadata = Static<typeof ManifestMetadata>

/** An app whose health the agent checks; times in seconds. */
export const ManifestApp = Type.Object({
  id: Uuid,
  slug: Type.String(),
  url: Type.String(),
  healthcheck: Type.Object({ url: Type.String(), interval: Type.Integer(), threshold: Type.Integer() }),
  health: WorkspaceAppHealth,
})
export type ManifestApp = Static<typeof ManifestApp>

/** A secret of the owner in the clear; at least one of variable and file is not empty (AC-70). */
export const ManifestSecret = Type.Object({
  env_name: Type.String(),
  file_path: Type.String(),
  value: Type.String(),
})
export type ManifestSecret = Static<typeof ManifestSecret>

/** What an agent needs to know of itself (AC-70). */
export const AgentManifest = Type.Object({
  agent_id: Uuid,
  agent_name: Type.String(),
  owner_id: Uuid,
  owner_username: Type.String(),
  workspace_id: Uuid,
  workspace_name: Type.String(),
  git_auth_configs: Type.Integer(),
  vs_code_port_proxy_uri: Type.String(),
  motd_file: Type.String(),
  directory: Type.String(),
  environment_variables: Type.Record(Type.String(), Type.String()),
  disable_direct_connections: Type.Boolean(),
  apps: Type.Array(ManifestApp),
  scripts: Type.Array(ManifestScript),
  metadata: Type.Array(ManifestMetadata),
  secrets: Type.Array(ManifestSecret),
  // The task that the workspace is of, where an app of this agent carries it out (WS-259).
  task: Type.Optional(Type.Object({ id: Uuid, app_url: Type.String() })),
})
export type AgentManifest = Static<typeof AgentManifest>

export const getAgentManifest = route('GET /api/v2/workspaceagents/me/manifest', {
  id: 'get-agent-manifest',
  tag,
  security,
  responses: { 200: AgentManifest },
})

/** The agent dials this; the control plane is the HTTP/2 client on it. */
export const openAgentTunnel = route('GET /api/v2/workspaceagents/me/tunnel', {
  id: 'open-agent-tunnel',
  tag,
  security,
  responses: { 101: null },
  stream: 'websocket',
})

/** Another replica dials this, with a token of its own, for an agent that is connected here. */
export const openRelayedTunnel = route('GET /api/v2/replicas/agents/{workspaceagent}/tunnel', {
  id: 'open-relayed-tunnel',
  tag,
  security: 'none',
  responses: { 101: null },
  stream: 'websocket',
})

/** The command line dials this and is the HTTP/2 client on it; streams reach the agent. */
export const openWorkspaceTunnel = route('GET /api/v2/workspaceagents/{workspaceagent}/tunnel', {
  id: 'open-workspace-agent-tunnel',
  tag,
  responses: { 101: null },
  stream: 'websocket',
})

export const AgentStartup = Type.Object({
  version: Type.String({ pattern: '^v\\d+\\.\\d+\\.\\d+', maxLength: 64 }),
  expanded_directory: Type.String({ maxLength: 4096 }),
  subsystems: Type.Optional(Type.Array(AgentSubsystem, { maxItems: 8 })),
})
export type AgentStartup = Static<typeof AgentStartup>

export const reportAgentStartup = route('POST /api/v2/workspaceagents/me/startup', {
  id: 'report-agent-startup',
  tag,
  security,
  body: AgentStartup,
  responses: { 200: Response },
})

export const AgentLifecycleReport = Type.Object({
  state: WorkspaceAgentLifecycle,
  changed_at: Type.Optional(Time),
})
export type AgentLifecycleReport = Static<typeof AgentLifecycleReport>

export const reportAgentLifecycle = route('POST /api/v2/workspaceagents/me/lifecycle', {
  id: 'report-agent-lifecycle',
  tag,
  security,
  body: AgentLifecycleReport,
  responses: { 200: Response },
})

/** Results of metadata scripts. */
export const AgentMetadataReport = Type.Object({
  metadata: Type.Array(
    Type.Object({
      key: Type.String({ maxLength: 128 }),
      value: Type.String({ maxLength: 65_536 }),
      error: Type.String({ maxLength: 65_536 }),
    }),
    { maxItems: 256 },
  ),
})
export type AgentMetadataReport = Static<typeof AgentMetadataReport>

export const reportAgentMetadata = route('POST /api/v2/workspaceagents/me/metadata', {
  id: 'report-agent-metadata',
  tag,
  security,
  body: AgentMetadataReport,
  responses: { 200: Response },
})

/** Sessions that are open now. */
export const AgentStats = Type.Object({
  session_counts: Type.Record(Type.String({ maxLength: 64 }), Type.Integer({ minimum: 0 })),
})
export type AgentStats = Static<typeof AgentStats>

export const reportAgentStats = route('POST /api/v2/workspaceagents/me/stats', {
  id: 'report-agent-stats',
  tag,
  security,
  body: AgentStats,
  responses: { 200: Type.Object({ report_interval_seconds: Type.Integer() }) },
})

export const AgentAppHealthReport = Type.Object({
  updates: Type.Array(Type.Object({ id: Uuid, health: WorkspaceAppHealth }), { maxItems: 256 }),
})
export type AgentAppHealthReport = Static<typeof AgentAppHealthReport>

export const reportAppHealth = route('POST /api/v2/workspaceagents/me/app-health', {
  id: 'report-app-health',
  tag,
  security,
  body: AgentAppHealthReport,
  responses: { 200: Response },
})

/** What a program of an app says of its work (AC-85); the icon and the wish for attention are read by nobody any more. */
export const PatchAppStatus = Type.Object({
  app_slug: Type.String({ minLength: 1, maxLength: 64 }),
  state: WorkspaceAppStatusState,
  message: Type.String({ maxLength: 160 }),
  uri: Type.Optional(Type.String({ maxLength: 2048 })),
  icon: Type.Optional(Type.String({ maxLength: 256 })),
  needs_user_attention: Type.Optional(Type.Boolean()),
})
export type PatchAppStatus = Static<typeof PatchAppStatus>

export const patchAgentAppStatus = route('PATCH /api/v2/workspaceagents/me/app-status', {
  id: 'patch-workspace-agent-app-status',
  tag,
  security,
  body: PatchAppStatus,
  responses: { 200: Response },
})

export const AgentScriptReport = Type.Object({
  script_id: Uuid,
  start: Time,
  end: Time,
  exit_code: Type.Integer({ minimum: -2147483648, maximum: 2147483647 }),
  stage: Type.Enum(['start', 'stop', 'cron']),
  status: WorkspaceAgentScriptStatus,
})
export type AgentScriptReport = Static<typeof AgentScriptReport>

export const reportScriptCompleted = route('POST /api/v2/workspaceagents/me/script-completed', {
  id: 'report-script-completed',
  tag,
  security,
  body: AgentScriptReport,
  responses: { 200: Response },
})
