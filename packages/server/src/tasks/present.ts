import type { Task, TaskState, TaskStateEntry } from '@slipway/contract'
import { agentHealth } from '../resources/index.ts'
import { statusOf } from '../workspaces/index.ts'
import type { TaskRow } from './store/tasks.ts'

/** A task as the API shows it (WS-250). */
export function presentTask(row: TaskRow): Task {
  const { job_status: job, build_transition: transition, agent_lifecycle: lifecycle } = row
  return {
    id: row.id,
    organization_id: row.organization_id,
    owner_id: row.owner_id,
    owner_name: row.owner_name,
    owner_avatar_url: row.owner_avatar_url,
    name: row.name,
    display_name: row.display_name,
    template_id: row.template_id,
    template_version_id: row.template_version_id,
    template_name: row.template_name,
    template_display_name: row.template_display_name,
    template_icon: row.template_icon,
    workspace_id: row.workspace_id,
    workspace_name: row.workspace_name ?? '',
    ...(job === null || transition === null ? {} : { workspace_status: statusOf(job, transition) }),
    ...(row.build_number === null ? {} : { workspace_build_number: row.build_number }),
    workspace_agent_id: row.agent_id,
    workspace_agent_lifecycle: lifecycle,
    workspace_agent_health:
      lifecycle === null ? null : agentHealth({ status: row.agent_status, lifecycle_state: lifecycle }),
    workspace_app_id: row.app_id,
    initial_prompt: row.prompt,
    status: row.status,
    current_state: currentState(row),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

/** What the program said last in this run of the workspace, or how far its start has come (WS-256). */
function currentState(row: TaskRow): TaskStateEntry | null {
  const { app_state: state, app_state_at: at, build_created_at: builtAt } = row
  const ofEarlierRun = row.build_transition === 'start' && at !== null && builtAt !== null && builtAt > at
  if (state !== null && at !== null && !ofEarlierRun)
    return {
      timestamp: at.toISOString(),
      state: stateOf(state),
      message: row.app_message ?? '',
      uri: row.app_uri ?? '',
    }
  if (row.status !== 'initializing') return null
  return {
    timestamp: (builtAt ?? row.created_at).toISOString(),
    state: 'working',
    message: progressOf(row),
    uri: '',
  }
}

function stateOf(state: NonNullable<TaskRow['app_state']>): TaskState {
  return state === 'failure' ? 'failed' : state
}

function progressOf(row: TaskRow): string {
  if (row.job_status === 'running') return 'Workspace is starting'
  if (row.agent_lifecycle === null) return 'Workspace has no app that carries out tasks'
  if (row.agent_lifecycle === 'created' || row.agent_status === 'connecting') return 'Agent is connecting'
  return row.agent_lifecycle === 'starting' ? 'Agent is starting' : 'App is initializing'
}
