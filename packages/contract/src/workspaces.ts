import { type Static, Type } from 'typebox'

import { Pagination, Response, Time, Uuid } from './common.ts'
import { ProvisionerJob, ProvisionerJobStatus } from './provisioning.ts'
import {
  NullUUID,
  WorkspaceAgentLifecycle,
  WorkspaceAppStatus,
  WorkspaceResource,
  WorkspaceTransition,
} from './resources.ts'
import { route } from './route.ts'
import { MatchedProvisioners } from './template-versions.ts'
import { WorkspaceAgentPortShareLevel } from './templates.ts'

export const AutomaticUpdates = Type.Enum(['always', 'never'])
export type AutomaticUpdates = Static<typeof AutomaticUpdates>

export const WorkspaceBuildParameter = Type.Object({
  name: Type.String(),
  value: Type.String(),
})
export type WorkspaceBuildParameter = Static<typeof WorkspaceBuildParameter>

export const CreateWorkspaceRequest = Type.Object({
  automatic_updates: Type.Optional(AutomaticUpdates),
  autostart_schedule: Type.Optional(Type.String()),
  name: Type.String(),
  rich_parameter_values: Type.Optional(Type.Array(WorkspaceBuildParameter)),
  template_id: Type.Optional(Uuid),
  template_version_id: Type.Optional(Uuid),
  template_version_preset_id: Type.Optional(Uuid),
  ttl_ms: Type.Optional(Type.Integer()),
})
export type CreateWorkspaceRequest = Static<typeof CreateWorkspaceRequest>

export const WorkspaceHealth = Type.Object({
  failing_agents: Type.Optional(Type.Array(Uuid)),
  healthy: Type.Boolean(),
})
export type WorkspaceHealth = Static<typeof WorkspaceHealth>

export const BuildReason = Type.Enum([
  'initiator',
  'autostart',
  'autostop',
  'dormancy',
  'dashboard',
  'cli',
  'ssh_connection',
  'vscode_connection',
  'jetbrains_connection',
  'task_auto_pause',
  'task_manual_pause',
  'task_resume',
])
export type BuildReason = Static<typeof BuildReason>

export const WorkspaceStatus = Type.Enum([
  'pending',
  'starting',
  'running',
  'stopping',
  'stopped',
  'failed',
  'canceling',
  'canceled',
  'deleting',
  'deleted',
])
export type WorkspaceStatus = Static<typeof WorkspaceStatus>

export const WorkspaceBuild = Type.Object({
  build_number: Type.Integer(),
  created_at: Time,
  daily_cost: Type.Integer(),
  // WS-9: null is no deadline.
  deadline: Type.Union([Time, Type.Null()]),
  has_ai_task: Type.Boolean(),
  has_external_agent: Type.Boolean(),
  id: Uuid,
  initiator_id: Uuid,
  initiator_name: Type.String(),
  job: ProvisionerJob,
  matched_provisioners: Type.Union([MatchedProvisioners, Type.Null()]),
  max_deadline: Type.Union([Time, Type.Null()]),
  reason: BuildReason,
  resources: Type.Array(WorkspaceResource),
  status: WorkspaceStatus,
  template_version_id: Uuid,
  template_version_name: Type.String(),
  template_version_preset_id: Type.Union([Uuid, Type.Null()]),
  transition: WorkspaceTransition,
  updated_at: Time,
  workspace_id: Uuid,
  workspace_name: Type.String(),
  workspace_owner_avatar_url: Type.String(),
  workspace_owner_id: Uuid,
  workspace_owner_name: Type.String(),
})
export type WorkspaceBuild = Static<typeof WorkspaceBuild>

export const SharedWorkspaceActorType = Type.Enum(['group', 'user'])
export type SharedWorkspaceActorType = Static<typeof SharedWorkspaceActorType>

export const WorkspaceRole = Type.Enum(['admin', 'use', ''])
export type WorkspaceRole = Static<typeof WorkspaceRole>

export const SharedWorkspaceActor = Type.Object({
  actor_type: SharedWorkspaceActorType,
  avatar_url: Type.String(),
  id: Uuid,
  name: Type.String(),
  roles: Type.Array(WorkspaceRole),
})
export type SharedWorkspaceActor = Static<typeof SharedWorkspaceActor>

export const Workspace = Type.Object({
  allow_renames: Type.Boolean(),
  automatic_updates: AutomaticUpdates,
  autostart_schedule: Type.Optional(Type.String()),
  created_at: Time,
  deleting_at: Type.Union([Time, Type.Null()]),
  dormant_at: Type.Union([Time, Type.Null()]),
  favorite: Type.Boolean(),
  health: WorkspaceHealth,
  id: Uuid,
  is_prebuild: Type.Boolean(),
  last_used_at: Time,
  latest_app_status: Type.Union([WorkspaceAppStatus, Type.Null()]),
  latest_build: WorkspaceBuild,
  name: Type.String(),
  next_start_at: Type.Union([Time, Type.Null()]),
  organization_id: Uuid,
  organization_name: Type.String(),
  outdated: Type.Boolean(),
  owner_avatar_url: Type.String(),
  owner_id: Uuid,
  owner_name: Type.String(),
  // In lists that ask for it: values of the latest build, and what the caller may do (WS-305).
  parameters: Type.Optional(Type.Array(WorkspaceBuildParameter)),
  permissions: Type.Optional(Type.Array(Type.String())),
  shared_with: Type.Optional(Type.Array(SharedWorkspaceActor)),
  task_id: Type.Optional(NullUUID),
  template_active_version_id: Uuid,
  template_allow_user_cancel_workspace_jobs: Type.Boolean(),
  template_display_name: Type.String(),
  template_icon: Type.String(),
  template_id: Uuid,
  template_name: Type.String(),
  template_require_active_version: Type.Boolean(),
  template_use_classic_parameter_flow: Type.Boolean(),
  ttl_ms: Type.Optional(Type.Integer()),
  updated_at: Time,
})
export type Workspace = Static<typeof Workspace>

export const WorkspacesResponse = Type.Object({
  count: Type.Integer(),
  workspaces: Type.Array(Workspace),
})
export type WorkspacesResponse = Static<typeof WorkspacesResponse>

export const UpdateWorkspaceRequest = Type.Object({
  name: Type.Optional(Type.String()),
})
export type UpdateWorkspaceRequest = Static<typeof UpdateWorkspaceRequest>

export const UpdateWorkspaceAutostartRequest = Type.Object({
  schedule: Type.Optional(Type.String()),
})
export type UpdateWorkspaceAutostartRequest = Static<typeof UpdateWorkspaceAutostartRequest>

export const UpdateWorkspaceTTLRequest = Type.Object({
  ttl_ms: Type.Optional(Type.Integer()),
})
export type UpdateWorkspaceTTLRequest = Static<typeof UpdateWorkspaceTTLRequest>

export const UpdateWorkspaceAutomaticUpdatesRequest = Type.Object({
  automatic_updates: AutomaticUpdates,
})
export type UpdateWorkspaceAutomaticUpdatesRequest = Static<typeof UpdateWorkspaceAutomaticUpdatesRequest>

export const PutExtendWorkspaceRequest = Type.Object({
  deadline: Time,
})
export type PutExtendWorkspaceRequest = Static<typeof PutExtendWorkspaceRequest>

export const UpdateWorkspaceDormancy = Type.Object({
  dormant: Type.Optional(Type.Boolean()),
})
export type UpdateWorkspaceDormancy = Static<typeof UpdateWorkspaceDormancy>

export const UsageAppName = Type.Enum(['vscode', 'jetbrains', 'reconnecting-pty', 'ssh'])
export type UsageAppName = Static<typeof UsageAppName>

export const PostWorkspaceUsageRequest = Type.Object({
  agent_id: Type.Optional(Uuid),
  app_name: Type.Optional(UsageAppName),
})
export type PostWorkspaceUsageRequest = Static<typeof PostWorkspaceUsageRequest>

export const ServerSentEventType = Type.Enum(['ping', 'data', 'error'])
export type ServerSentEventType = Static<typeof ServerSentEventType>

export const ServerSentEvent = Type.Object({
  data: Type.Optional(Type.Unknown()),
  type: ServerSentEventType,
})
export type ServerSentEvent = Static<typeof ServerSentEvent>

export const WorkspaceAgentPortShareProtocol = Type.Enum(['http', 'https'])
export type WorkspaceAgentPortShareProtocol = Static<typeof WorkspaceAgentPortShareProtocol>

export const WorkspaceAgentPortShare = Type.Object({
  agent_name: Type.String(),
  port: Type.Integer(),
  protocol: WorkspaceAgentPortShareProtocol,
  share_level: WorkspaceAgentPortShareLevel,
  workspace_id: Uuid,
})
export type WorkspaceAgentPortShare = Static<typeof WorkspaceAgentPortShare>

export const WorkspaceAgentPortShares = Type.Object({
  shares: Type.Array(WorkspaceAgentPortShare),
})
export type WorkspaceAgentPortShares = Static<typeof WorkspaceAgentPortShares>

export const UpsertWorkspaceAgentPortShareRequest = Type.Object({
  agent_name: Type.String({ minLength: 1, maxLength: 64 }),
  port: Type.Integer({ minimum: 9, maximum: 65_535 }),
  protocol: Type.Optional(WorkspaceAgentPortShareProtocol),
  share_level: WorkspaceAgentPortShareLevel,
})
export type UpsertWorkspaceAgentPortShareRequest = Static<typeof UpsertWorkspaceAgentPortShareRequest>

export const DeleteWorkspaceAgentPortShareRequest = Type.Object({
  agent_name: Type.String({ minLength: 1, maxLength: 64 }),
  port: Type.Integer({ minimum: 9, maximum: 65_535 }),
})
export type DeleteWorkspaceAgentPortShareRequest = Static<typeof DeleteWorkspaceAgentPortShareRequest>

export const createOrganizationWorkspace = route(
  'POST /api/v2/organizations/{organization}/members/{user}/workspaces',
  {
    id: 'create-user-workspace-by-organization',
    tag: 'Workspaces',
    body: CreateWorkspaceRequest,
    responses: { 201: Workspace },
  },
)

export const createWorkspace = route('POST /api/v2/users/{user}/workspaces', {
  id: 'create-user-workspace',
  tag: 'Workspaces',
  body: CreateWorkspaceRequest,
  responses: { 201: Workspace },
})

export const getWorkspaceByName = route('GET /api/v2/users/{user}/workspace/{workspacename}', {
  id: 'get-workspace-metadata-by-user-and-workspace-name',
  tag: 'Workspaces',
  query: Type.Object({
    include_deleted: Type.Optional(Type.Boolean()),
  }),
  responses: { 200: Workspace },
})

export const listWorkspaces = route('GET /api/v2/workspaces', {
  id: 'list-workspaces',
  tag: 'Workspaces',
  query: Type.Object({
    ...Pagination,
    // `parameters`, `permissions` or both, with a comma between (WS-305).
    include: Type.Optional(Type.String()),
    q: Type.Optional(Type.String()),
  }),
  responses: { 200: WorkspacesResponse },
})

export const getWorkspace = route('GET /api/v2/workspaces/{workspace}', {
  id: 'get-workspace-metadata-by-id',
  tag: 'Workspaces',
  query: Type.Object({
    include_deleted: Type.Optional(Type.Boolean()),
  }),
  responses: { 200: Workspace },
})

export const updateWorkspace = route('PATCH /api/v2/workspaces/{workspace}', {
  id: 'update-workspace-metadata-by-id',
  tag: 'Workspaces',
  body: UpdateWorkspaceRequest,
  responses: { 204: null },
})

export const setAutostart = route('PUT /api/v2/workspaces/{workspace}/autostart', {
  id: 'update-workspace-autostart-schedule-by-id',
  tag: 'Workspaces',
  body: UpdateWorkspaceAutostartRequest,
  responses: { 204: null },
})

export const setTtl = route('PUT /api/v2/workspaces/{workspace}/ttl', {
  id: 'update-workspace-ttl-by-id',
  tag: 'Workspaces',
  body: UpdateWorkspaceTTLRequest,
  responses: { 204: null },
})

export const setAutomaticUpdates = route('PUT /api/v2/workspaces/{workspace}/autoupdates', {
  id: 'update-workspace-automatic-updates-by-id',
  tag: 'Workspaces',
  body: UpdateWorkspaceAutomaticUpdatesRequest,
  responses: { 204: null },
})

export const favoriteWorkspace = route('PUT /api/v2/workspaces/{workspace}/favorite', {
  id: 'favorite-workspace-by-id',
  tag: 'Workspaces',
  responses: { 204: null },
})

export const unfavoriteWorkspace = route('DELETE /api/v2/workspaces/{workspace}/favorite', {
  id: 'unfavorite-workspace-by-id',
  tag: 'Workspaces',
  responses: { 204: null },
})

export const extendWorkspace = route('PUT /api/v2/workspaces/{workspace}/extend', {
  id: 'extend-workspace-deadline-by-id',
  tag: 'Workspaces',
  body: PutExtendWorkspaceRequest,
  responses: { 200: Response },
})

export const ResolveAutostartResponse = Type.Object({ parameter_mismatch: Type.Boolean() })
export type ResolveAutostartResponse = Static<typeof ResolveAutostartResponse>

export const resolveAutostart = route('GET /api/v2/workspaces/{workspace}/resolve-autostart', {
  id: 'resolve-workspace-autostart-by-id',
  tag: 'Workspaces',
  responses: { 200: ResolveAutostartResponse },
})

export const setDormant = route('PUT /api/v2/workspaces/{workspace}/dormant', {
  id: 'update-workspace-dormancy-status-by-id',
  tag: 'Workspaces',
  body: UpdateWorkspaceDormancy,
  responses: { 200: Workspace },
})

export const reportUsage = route('POST /api/v2/workspaces/{workspace}/usage', {
  id: 'post-workspace-usage-by-id',
  tag: 'Workspaces',
  body: PostWorkspaceUsageRequest,
  responses: { 204: null },
})

export const watchWorkspace = route('GET /api/v2/workspaces/{workspace}/watch', {
  id: 'watch-workspace-by-id',
  tag: 'Workspaces',
  responses: { 200: null },
  stream: 'sse',
})

export const watchWorkspaceWs = route('GET /api/v2/workspaces/{workspace}/watch-ws', {
  id: 'watch-workspace-by-id-via-websockets',
  tag: 'Workspaces',
  responses: { 101: null, 200: ServerSentEvent },
  stream: 'websocket',
})

/** What comes next of the way to an agent: one member is there. */
export const ConnectionWatchEvent = Type.Object({
  build_update: Type.Optional(
    Type.Object({ transition: WorkspaceTransition, job_status: ProvisionerJobStatus }),
  ),
  agent_update: Type.Optional(Type.Object({ lifecycle: WorkspaceAgentLifecycle, id: Uuid })),
  /** 1: several agents, 2: none of that name, 3: none at all, 6: the watcher may not look any more. */
  error: Type.Optional(
    Type.Object({
      code: Type.Integer(),
      retryable: Type.Boolean(),
      message: Type.String(),
      details: Type.String(),
    }),
  ),
})
export type ConnectionWatchEvent = Static<typeof ConnectionWatchEvent>

/** Messages of JSON until there is nothing to wait for (AC-246). */
export const watchAgentConnection = route('GET /api/v2/workspaces/{workspace}/agent-connection-watch', {
  id: 'workspace-agent-connection-watch',
  tag: 'Workspaces',
  query: Type.Object({ agent_name: Type.Optional(Type.String({ maxLength: 64 })) }),
  responses: { 101: null, 200: ConnectionWatchEvent },
  stream: 'websocket',
})

/** One message for each build that has ended, of the workspaces that the watcher may read (WS-203). */
export const watchAllBuilds = route('GET /api/experimental/watch-all-workspacebuilds', {
  id: 'watch-all-workspace-builds',
  tag: 'Workspaces',
  responses: { 101: null },
  stream: 'websocket',
})

export const listPortShares = route('GET /api/v2/workspaces/{workspace}/port-share', {
  id: 'get-workspace-agent-port-shares',
  tag: 'Workspaces',
  responses: { 200: WorkspaceAgentPortShares },
})

export const upsertPortShare = route('POST /api/v2/workspaces/{workspace}/port-share', {
  id: 'upsert-workspace-agent-port-share',
  tag: 'Workspaces',
  body: UpsertWorkspaceAgentPortShareRequest,
  responses: { 200: WorkspaceAgentPortShare },
})

export const deletePortShare = route('DELETE /api/v2/workspaces/{workspace}/port-share', {
  id: 'delete-workspace-agent-port-share',
  tag: 'Workspaces',
  body: DeleteWorkspaceAgentPortShareRequest,
  responses: { 200: null },
})
