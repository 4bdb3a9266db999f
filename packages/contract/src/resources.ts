import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'

export const WorkspaceAppHealth = Type.Enum(['disabled', 'initializing', 'healthy', 'unhealthy'])
export type WorkspaceAppHealth = Static<typeof WorkspaceAppHealth>

export const Healthcheck = Type.Object({
  interval: Type.Integer(),
  threshold: Type.Integer(),
  url: Type.String(),
})
export type Healthcheck = Static<typeof Healthcheck>

export const WorkspaceAppOpenIn = Type.Enum(['slim-window', 'tab'])
export type WorkspaceAppOpenIn = Static<typeof WorkspaceAppOpenIn>

export const WorkspaceAppSharingLevel = Type.Enum(['owner', 'authenticated', 'organization', 'public'])
export type WorkspaceAppSharingLevel = Static<typeof WorkspaceAppSharingLevel>

export const WorkspaceAppStatusState = Type.Enum(['working', 'idle', 'complete', 'failure'])
export type WorkspaceAppStatusState = Static<typeof WorkspaceAppStatusState>

export const WorkspaceAppStatus = Type.Object({
  agent_id: Uuid,
  app_id: Uuid,
  created_at: Time,
  icon: Type.String(),
  id: Uuid,
  message: Type.String(),
  needs_user_attention: Type.Boolean(),
  state: WorkspaceAppStatusState,
  uri: Type.String(),
  workspace_id: Uuid,
})
export type WorkspaceAppStatus = Static<typeof WorkspaceAppStatus>

export const WorkspaceApp = Type.Object({
  command: Type.Optional(Type.String()),
  display_name: Type.String(),
  external: Type.Boolean(),
  group: Type.Optional(Type.String()),
  health: WorkspaceAppHealth,
  healthcheck: Type.Optional(Healthcheck),
  hidden: Type.Boolean(),
  icon: Type.String(),
  id: Uuid,
  open_in: WorkspaceAppOpenIn,
  sharing_level: WorkspaceAppSharingLevel,
  slug: Type.String(),
  statuses: Type.Optional(Type.Array(WorkspaceAppStatus)),
  subdomain: Type.Boolean(),
  subdomain_name: Type.Optional(Type.String()),
  tooltip: Type.Optional(Type.String()),
  url: Type.Optional(Type.String()),
})
export type WorkspaceApp = Static<typeof WorkspaceApp>

export const DisplayApp = Type.Enum([
  'vscode',
  'vscode_insiders',
  'web_terminal',
  'port_forwarding_helper',
  'ssh_helper',
])
export type DisplayApp = Static<typeof DisplayApp>

export const WorkspaceAgentHealth = Type.Object({
  healthy: Type.Boolean(),
  reason: Type.String(),
})
export type WorkspaceAgentHealth = Static<typeof WorkspaceAgentHealth>

export const DERPRegion = Type.Object({
  latency_ms: Type.Number(),
  preferred: Type.Boolean(),
})
export type DERPRegion = Static<typeof DERPRegion>

export const WorkspaceAgentLifecycle = Type.Enum([
  'created',
  'starting',
  'start_timeout',
  'start_error',
  'ready',
  'shutting_down',
  'shutdown_timeout',
  'shutdown_error',
  'off',
])
export type WorkspaceAgentLifecycle = Static<typeof WorkspaceAgentLifecycle>

export const WorkspaceAgentLogSource = Type.Object({
  created_at: Time,
  display_name: Type.String(),
  icon: Type.String(),
  id: Uuid,
  workspace_agent_id: Uuid,
})
export type WorkspaceAgentLogSource = Static<typeof WorkspaceAgentLogSource>

export const WorkspaceAgentMetadataDescription = Type.Object({
  display_name: Type.String(),
  interval: Type.Integer(),
  key: Type.String(),
  script: Type.String(),
  timeout: Type.Integer(),
})
export type WorkspaceAgentMetadataDescription = Static<typeof WorkspaceAgentMetadataDescription>

export const WorkspaceAgentMetadataResult = Type.Object({
  age: Type.Integer(),
  collected_at: Time,
  error: Type.String(),
  value: Type.String(),
})
export type WorkspaceAgentMetadataResult = Static<typeof WorkspaceAgentMetadataResult>

export const WorkspaceAgentMetadata = Type.Object({
  description: WorkspaceAgentMetadataDescription,
  result: WorkspaceAgentMetadataResult,
})
export type WorkspaceAgentMetadata = Static<typeof WorkspaceAgentMetadata>

export const NullUUID = Type.Object({
  uuid: Type.String(),
  valid: Type.Boolean(),
})
export type NullUUID = Static<typeof NullUUID>

export const WorkspaceAgentScriptStatus = Type.Enum(['ok', 'exit_failure', 'timed_out', 'pipes_left_open'])
export type WorkspaceAgentScriptStatus = Static<typeof WorkspaceAgentScriptStatus>

export const WorkspaceAgentScript = Type.Object({
  cron: Type.String(),
  display_name: Type.String(),
  exit_code: Type.Optional(Type.Integer()),
  id: Uuid,
  log_path: Type.String(),
  log_source_id: Uuid,
  run_on_start: Type.Boolean(),
  run_on_stop: Type.Boolean(),
  script: Type.String(),
  start_blocks_login: Type.Boolean(),
  status: Type.Optional(WorkspaceAgentScriptStatus),
  timeout: Type.Integer(),
})
export type WorkspaceAgentScript = Static<typeof WorkspaceAgentScript>

export const WorkspaceAgentStartupScriptBehavior = Type.Enum(['blocking', 'non-blocking'])
export type WorkspaceAgentStartupScriptBehavior = Static<typeof WorkspaceAgentStartupScriptBehavior>

export const WorkspaceAgentStatus = Type.Enum(['connecting', 'connected', 'disconnected', 'timeout'])
export type WorkspaceAgentStatus = Static<typeof WorkspaceAgentStatus>

export const AgentSubsystem = Type.Enum(['envbox', 'envbuilder', 'exectrace'])
export type AgentSubsystem = Static<typeof AgentSubsystem>

export const WorkspaceAgent = Type.Object({
  api_version: Type.String(),
  apps: Type.Array(WorkspaceApp),
  architecture: Type.String(),
  connection_timeout_seconds: Type.Integer(),
  created_at: Time,
  directory: Type.Optional(Type.String()),
  disconnected_at: Type.Optional(Time),
  display_apps: Type.Array(DisplayApp),
  environment_variables: Type.Record(Type.String(), Type.String()),
  expanded_directory: Type.Optional(Type.String()),
  first_connected_at: Type.Optional(Time),
  health: WorkspaceAgentHealth,
  id: Uuid,
  instance_id: Type.Optional(Type.String()),
  last_connected_at: Type.Optional(Time),
  latency: Type.Optional(Type.Record(Type.String(), DERPRegion)),
  lifecycle_state: WorkspaceAgentLifecycle,
  log_sources: Type.Array(WorkspaceAgentLogSource),
  logs_length: Type.Integer(),
  logs_overflowed: Type.Boolean(),
  metadata: Type.Optional(Type.Array(WorkspaceAgentMetadata)),
  name: Type.String(),
  operating_system: Type.String(),
  parent_id: Type.Union([NullUUID, Type.Null()]),
  ready_at: Type.Union([Time, Type.Null()]),
  resource_id: Uuid,
  scripts: Type.Array(WorkspaceAgentScript),
  started_at: Type.Union([Time, Type.Null()]),
  startup_script_behavior: WorkspaceAgentStartupScriptBehavior,
  status: WorkspaceAgentStatus,
  subsystems: Type.Optional(Type.Array(AgentSubsystem)),
  troubleshooting_url: Type.String(),
  updated_at: Time,
  version: Type.String(),
})
export type WorkspaceAgent = Static<typeof WorkspaceAgent>

export const WorkspaceResourceMetadata = Type.Object({
  key: Type.String(),
  sensitive: Type.Boolean(),
  value: Type.String(),
})
export type WorkspaceResourceMetadata = Static<typeof WorkspaceResourceMetadata>

export const WorkspaceTransition = Type.Enum(['start', 'stop', 'delete'])
export type WorkspaceTransition = Static<typeof WorkspaceTransition>

export const WorkspaceResource = Type.Object({
  agents: Type.Optional(Type.Array(WorkspaceAgent)),
  created_at: Time,
  daily_cost: Type.Integer(),
  hide: Type.Boolean(),
  icon: Type.String(),
  id: Uuid,
  job_id: Uuid,
  metadata: Type.Optional(Type.Array(WorkspaceResourceMetadata)),
  name: Type.String(),
  type: Type.String(),
  workspace_transition: WorkspaceTransition,
})
export type WorkspaceResource = Static<typeof WorkspaceResource>

export const LogLevel = Type.Enum(['trace', 'debug', 'info', 'warn', 'error'])
export type LogLevel = Static<typeof LogLevel>

export const LogSource = Type.Enum(['provisioner_daemon', 'provisioner'])
export type LogSource = Static<typeof LogSource>

export const ProvisionerJobLog = Type.Object({
  created_at: Time,
  id: Type.Integer(),
  log_level: LogLevel,
  log_source: LogSource,
  output: Type.String(),
  stage: Type.String(),
})
export type ProvisionerJobLog = Static<typeof ProvisionerJobLog>
