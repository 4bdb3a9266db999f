import type { MatchedProvisioners, Workspace, WorkspaceBuild, WorkspaceStatus } from '@slipway/contract'
import { BuildReason } from '@slipway/contract'
import { type Matching, presentJob, presentMatching, type QueuePlace } from '../provisioning/index.ts'
import {
  type AgentRecord,
  agentHealth,
  presentAppStatus,
  presentResource,
  type ResourceRecord,
} from '../resources/index.ts'
import { nextStartOf } from './lifecycle.ts'
import type { BuildRow } from './store/builds.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

/** What presenting depends on beside the rows. */
export interface Surroundings {
  readonly now: Date
  readonly wildcardHost: string
  readonly allowRenames: boolean
}

/** Rows that belong to the job of a build. */
export interface JobParts {
  readonly resources: readonly ResourceRecord[]
  readonly place?: QueuePlace | undefined
  readonly matching?: Matching | undefined
}

/** The table of WS §9.2. */
export function statusOf(
  job: BuildRow['job']['job_status'],
  transition: BuildRow['transition'],
): WorkspaceStatus {
  switch (job) {
    case 'pending':
    case 'canceling':
    case 'canceled':
    case 'failed':
      return job
    case 'running':
      return transition === 'start' ? 'starting' : transition === 'stop' ? 'stopping' : 'deleting'
    case 'succeeded':
      return transition === 'start' ? 'running' : transition === 'stop' ? 'stopped' : 'deleted'
  }
}

/** A build as the API shows it. */
export function presentBuild(row: BuildRow, parts: JobParts, around: Surroundings): WorkspaceBuild {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    workspace_id: row.workspace_id,
    workspace_name: row.workspace_name,
    workspace_owner_id: row.owner_id,
    workspace_owner_name: row.owner_name,
    workspace_owner_avatar_url: row.owner_avatar_url,
    template_version_id: row.template_version_id,
    template_version_name: row.template_version_name,
    build_number: row.build_number,
    transition: row.transition,
    initiator_id: row.initiator_id,
    initiator_name: row.initiator_name,
    job: presentJob(row.job, parts.place),
    reason: BuildReason.enum.find((reason) => reason === row.reason) ?? 'initiator',
    resources: parts.resources.map((resource) =>
      presentResource(resource, {
        wildcardHost: around.wildcardHost,
        workspace: { name: row.workspace_name, ownerName: row.owner_name },
      }),
    ),
    deadline: row.deadline?.toISOString() ?? null,
    max_deadline: row.max_deadline?.toISOString() ?? null,
    status: statusOf(row.job.job_status, row.transition),
    daily_cost: row.daily_cost,
    matched_provisioners: matched(parts.matching),
    template_version_preset_id: row.template_version_preset_id,
    has_ai_task: row.has_ai_task,
    has_external_agent: row.has_external_agent,
  }
}

function matched(matching: Matching | undefined): MatchedProvisioners | null {
  return matching === undefined ? null : presentMatching(matching)
}

/** A workspace as the API shows it to this viewer (WS-142). */
export function presentWorkspace(
  row: WorkspaceRow,
  parts: JobParts & { readonly sharedWith: Workspace['shared_with'] },
  around: Surroundings,
  viewerId: string,
): Workspace {
  const failing = parts.resources.flatMap((resource) => resource.agents).filter(isFailing)
  const ttl = row.template_allow_user_autostop ? row.ttl : row.template_default_ttl
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    owner_id: row.owner_id,
    owner_name: row.owner_name,
    owner_avatar_url: row.owner_avatar_url,
    organization_id: row.organization_id,
    organization_name: row.organization_name,
    template_id: row.template_id,
    template_name: row.template_name,
    template_display_name: row.template_display_name,
    template_icon: row.template_icon,
    template_allow_user_cancel_workspace_jobs: row.template_allow_user_cancel_workspace_jobs,
    template_active_version_id: row.template_active_version_id,
    template_require_active_version: row.template_require_active_version,
    template_use_classic_parameter_flow: row.template_use_classic_parameter_flow,
    latest_build: presentBuild(latestBuildOf(row), parts, around),
    latest_app_status: row.latest_app_status === null ? null : presentAppStatus(row.latest_app_status),
    outdated: row.template_version_id !== row.template_active_version_id,
    name: row.name,
    ...(row.autostart_schedule === null ? {} : { autostart_schedule: row.autostart_schedule }),
    ...(ttl === null || ttl === 0 ? {} : { ttl_ms: ttl / 1_000_000 }),
    last_used_at: row.last_used_at.toISOString(),
    deleting_at: row.deleting_at?.toISOString() ?? null,
    dormant_at: row.dormant_at?.toISOString() ?? null,
    health: { healthy: failing.length === 0, failing_agents: failing.map((agent) => agent.id) },
    automatic_updates: row.automatic_updates === 'always' ? 'always' : 'never',
    allow_renames: around.allowRenames,
    favorite: row.favorite && row.owner_id === viewerId,
    next_start_at: nextStartOf(row, around.now)?.toISOString() ?? null,
    is_prebuild: false,
    shared_with: parts.sharedWith ?? [],
    ...(row.task_id === null ? {} : { task_id: { uuid: row.task_id, valid: true } }),
  }
}

/** WS-143: agents of the latest start build that are not well; sub-agents do not count. */
function isFailing(agent: AgentRecord): boolean {
  return agent.parent_id === null && !agentHealth(agent).healthy
}

/** The latest build, which a workspace row holds among its own columns. */
export function latestBuildOf(row: WorkspaceRow): BuildRow {
  return {
    id: row.build_id,
    created_at: row.build_created_at,
    updated_at: row.build_updated_at,
    workspace_id: row.id,
    workspace_name: row.name,
    owner_id: row.owner_id,
    owner_name: row.owner_name,
    owner_avatar_url: row.owner_avatar_url,
    organization_id: row.organization_id,
    template_id: row.template_id,
    template_version_id: row.template_version_id,
    template_version_name: row.template_version_name,
    build_number: row.build_number,
    transition: row.transition,
    initiator_id: row.initiator_id,
    initiator_name: row.initiator_name,
    job_id: row.job.id,
    job: row.job,
    reason: row.reason as BuildRow['reason'],
    deadline: row.deadline,
    max_deadline: row.max_deadline,
    daily_cost: row.daily_cost,
    template_version_preset_id: row.template_version_preset_id,
    has_ai_task: row.has_ai_task,
    has_external_agent: row.has_external_agent,
  }
}
