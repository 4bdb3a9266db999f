import {
  DisplayApp,
  type WorkspaceAgent,
  type WorkspaceApp,
  type WorkspaceAppStatus,
  type WorkspaceResource,
} from '@slipway/contract'
import { agentHealth } from './agent-health.ts'
import type { AgentRecord, AppStatusRecord, ResourceRecord } from './store/record.ts'

/** What the presentation of agents depends on beside their rows. */
export interface AgentSurroundings {
  /** Host pattern of subdomain apps such as `*.apps.example.com`; empty without one. */
  readonly wildcardHost: string
  /** Undefined for resources of an import. */
  readonly workspace: { readonly name: string; readonly ownerName: string } | undefined
}

/** A resource as the API shows it. */
export function presentResource(row: ResourceRecord, around: AgentSurroundings): WorkspaceResource {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    job_id: row.job_id,
    workspace_transition: row.transition,
    type: row.type,
    name: row.name,
    hide: row.hide,
    icon: row.icon,
    daily_cost: row.daily_cost,
    metadata: metadataOf(row.metadata),
    agents: row.agents.map((agent) => presentAgent(agent, around)),
  }
}

function metadataOf(stored: unknown): { key: string; value: string; sensitive: boolean }[] {
  if (!Array.isArray(stored)) return []
  return stored.map((item: { key?: unknown; value?: unknown; sensitive?: unknown }) => ({
    key: String(item.key ?? ''),
    value: String(item.value ?? ''),
    sensitive: item.sensitive === true,
  }))
}

/** An agent as the API shows it. */
export function presentAgent(agent: AgentRecord, around: AgentSurroundings): WorkspaceAgent {
  const { status } = agent
  const blocking = agent.scripts.some((script) => script.run_on_start && script.start_blocks_login)
  return {
    id: agent.id,
    parent_id: agent.parent_id === null ? null : { uuid: agent.parent_id, valid: true },
    created_at: iso(agent.created_at),
    updated_at: iso(agent.updated_at),
    ...(agent.first_connected_at === null ? {} : { first_connected_at: iso(agent.first_connected_at) }),
    ...(agent.last_connected_at === null ? {} : { last_connected_at: iso(agent.last_connected_at) }),
    ...disconnectedAt(agent, status),
    started_at: agent.started_at === null ? null : iso(agent.started_at),
    ready_at: agent.ready_at === null ? null : iso(agent.ready_at),
    status,
    lifecycle_state: agent.lifecycle_state,
    name: agent.name,
    resource_id: agent.resource_id,
    ...(agent.auth_instance_id === null ? {} : { instance_id: agent.auth_instance_id }),
    architecture: agent.architecture,
    operating_system: agent.operating_system,
    environment_variables: textRecord(agent.environment_variables),
    directory: agent.directory,
    expanded_directory: agent.expanded_directory,
    version: agent.version,
    api_version: agent.api_version,
    apps: agent.apps.map((app) => presentApp(app, around)),
    scripts: agent.scripts.map((script) => ({
      id: script.id,
      log_source_id: script.log_source_id,
      log_path: script.log_path,
      display_name: script.display_name,
      script: script.script,
      cron: script.cron,
      run_on_start: script.run_on_start,
      run_on_stop: script.run_on_stop,
      start_blocks_login: script.start_blocks_login,
      timeout: script.timeout_seconds * 1e9,
      ...(script.exit_code === undefined ? {} : { exit_code: script.exit_code }),
      ...(script.status === undefined ? {} : { status: script.status }),
    })),
    log_sources: agent.log_sources.map((source) => ({
      id: source.id,
      workspace_agent_id: agent.id,
      created_at: iso(source.created_at),
      display_name: source.display_name,
      icon: source.icon,
    })),
    logs_length: agent.logs_length,
    logs_overflowed: agent.logs_overflowed,
    connection_timeout_seconds: agent.connection_timeout_seconds,
    troubleshooting_url: agent.troubleshooting_url,
    startup_script_behavior: blocking ? 'blocking' : 'non-blocking',
    display_apps: DisplayApp.enum.filter((app) => agent.display_apps.includes(app)),
    health: agentHealth(agent),
  }
}

function disconnectedAt(agent: AgentRecord, status: WorkspaceAgent['status']): { disconnected_at?: string } {
  // AC §2.1: an agent that fell silent has been gone since it was last heard of.
  const at =
    status === 'disconnected' ? (agent.disconnected_at ?? agent.last_connected_at) : agent.disconnected_at
  return at === null ? {} : { disconnected_at: iso(at) }
}

function presentApp(app: AgentRecord['apps'][number], around: AgentSurroundings): WorkspaceApp {
  return {
    id: app.id,
    slug: app.slug,
    display_name: app.display_name,
    icon: app.icon,
    ...(app.url === null ? {} : { url: app.url }),
    ...(app.command === null ? {} : { command: app.command }),
    external: app.external,
    subdomain: app.subdomain,
    ...(app.subdomain && around.wildcardHost !== '' && around.workspace !== undefined
      ? {
          subdomain_name: `${app.slug}--${around.workspace.name}--${around.workspace.ownerName}`,
        }
      : {}),
    sharing_level: app.sharing_level,
    ...(app.healthcheck_url === ''
      ? {}
      : {
          healthcheck: {
            url: app.healthcheck_url,
            interval: app.healthcheck_interval,
            threshold: app.healthcheck_threshold,
          },
        }),
    health: app.health,
    hidden: app.hidden,
    open_in: app.open_in,
    ...(app.display_group === null ? {} : { group: app.display_group }),
    tooltip: app.tooltip,
    statuses: app.statuses.map(presentAppStatus),
  }
}

/** A report of an app as the API shows it (WS-257). */
export function presentAppStatus(status: AppStatusRecord): WorkspaceAppStatus {
  return {
    id: status.id,
    created_at: iso(status.created_at),
    workspace_id: status.workspace_id,
    agent_id: status.agent_id,
    app_id: status.app_id,
    state: status.state,
    message: status.message,
    uri: status.uri,
    // What older clients read.
    icon: '',
    needs_user_attention: false,
  }
}

function textRecord(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, String(entry)]))
}

function iso(text: string): string {
  return new Date(text).toISOString()
}
