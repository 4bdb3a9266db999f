import { type Static, Type } from 'typebox'

import { JobLogQuery, Pagination, Response, Time, Uuid } from './common.ts'
import { ProvisionerJobLog, WorkspaceResource, WorkspaceTransition } from './resources.ts'
import { route } from './route.ts'
import { WorkspaceBuild, WorkspaceBuildParameter } from './workspaces.ts'

export const ProvisionerLogLevel = Type.Enum(['debug'])
export type ProvisionerLogLevel = Static<typeof ProvisionerLogLevel>

export const CreateWorkspaceBuildOnSuccessRequest = Type.Object({
  rich_parameter_values: Type.Optional(Type.Array(WorkspaceBuildParameter)),
  template_version_id: Type.Optional(Uuid),
  template_version_preset_id: Type.Optional(Uuid),
  transition: Type.Enum(['start']),
})
export type CreateWorkspaceBuildOnSuccessRequest = Static<typeof CreateWorkspaceBuildOnSuccessRequest>

export const CreateWorkspaceBuildReason = Type.Enum([
  'dashboard',
  'cli',
  'ssh_connection',
  'vscode_connection',
  'jetbrains_connection',
  'task_manual_pause',
  'task_resume',
])
export type CreateWorkspaceBuildReason = Static<typeof CreateWorkspaceBuildReason>

export const CreateWorkspaceBuildRequest = Type.Object({
  dry_run: Type.Optional(Type.Boolean()),
  log_level: Type.Optional(ProvisionerLogLevel),
  on_success: Type.Optional(CreateWorkspaceBuildOnSuccessRequest),
  orphan: Type.Optional(Type.Boolean()),
  reason: Type.Optional(CreateWorkspaceBuildReason),
  rich_parameter_values: Type.Optional(Type.Array(WorkspaceBuildParameter)),
  state: Type.Optional(Type.String({ maxLength: 33_554_432 })),
  template_version_id: Type.Optional(Uuid),
  template_version_preset_id: Type.Optional(Uuid),
  transition: WorkspaceTransition,
})
export type CreateWorkspaceBuildRequest = Static<typeof CreateWorkspaceBuildRequest>

export const UpdateWorkspaceBuildStateRequest = Type.Object({
  state: Type.Optional(Type.String({ maxLength: 33_554_432 })),
})
export type UpdateWorkspaceBuildStateRequest = Static<typeof UpdateWorkspaceBuildStateRequest>

export const TimingStage = Type.Enum(['init', 'plan', 'graph', 'apply', 'start', 'stop', 'cron', 'connect'])
export type TimingStage = Static<typeof TimingStage>

export const AgentConnectionTiming = Type.Object({
  ended_at: Time,
  stage: TimingStage,
  started_at: Time,
  workspace_agent_id: Type.String(),
  workspace_agent_name: Type.String(),
})
export type AgentConnectionTiming = Static<typeof AgentConnectionTiming>

export const AgentScriptTiming = Type.Object({
  display_name: Type.String(),
  ended_at: Time,
  exit_code: Type.Integer(),
  stage: TimingStage,
  started_at: Time,
  status: Type.String(),
  workspace_agent_id: Type.String(),
  workspace_agent_name: Type.String(),
})
export type AgentScriptTiming = Static<typeof AgentScriptTiming>

export const ProvisionerTiming = Type.Object({
  action: Type.String(),
  ended_at: Time,
  job_id: Uuid,
  resource: Type.String(),
  source: Type.String(),
  stage: TimingStage,
  started_at: Time,
})
export type ProvisionerTiming = Static<typeof ProvisionerTiming>

export const WorkspaceBuildTimings = Type.Object({
  agent_connection_timings: Type.Array(AgentConnectionTiming),
  agent_script_timings: Type.Array(AgentScriptTiming),
  provisioner_timings: Type.Array(ProvisionerTiming),
})
export type WorkspaceBuildTimings = Static<typeof WorkspaceBuildTimings>

export const listBuilds = route('GET /api/v2/workspaces/{workspace}/builds', {
  id: 'get-workspace-builds-by-workspace-id',
  tag: 'Builds',
  query: Type.Object({
    ...Pagination,
    before_id: Type.Optional(Uuid),
    // RFC 3339; another text has an answer of its own (WS-187).
    since: Type.Optional(Type.String()),
  }),
  responses: { 200: Type.Array(WorkspaceBuild) },
})

export const createBuild = route('POST /api/v2/workspaces/{workspace}/builds', {
  id: 'create-workspace-build',
  tag: 'Builds',
  body: CreateWorkspaceBuildRequest,
  responses: { 201: WorkspaceBuild },
})

export const getBuildByNumber = route(
  'GET /api/v2/users/{user}/workspace/{workspacename}/builds/{buildnumber}',
  {
    id: 'get-workspace-build-by-user-workspace-name-and-build-number',
    tag: 'Builds',
    responses: { 200: WorkspaceBuild },
  },
)

export const getBuild = route('GET /api/v2/workspacebuilds/{workspacebuild}', {
  id: 'get-workspace-build',
  tag: 'Builds',
  responses: { 200: WorkspaceBuild },
})

export const cancelBuild = route('PATCH /api/v2/workspacebuilds/{workspacebuild}/cancel', {
  id: 'cancel-workspace-build',
  tag: 'Builds',
  query: Type.Object({
    // `running` or `pending`; another one has an answer of its own (WS-186).
    expect_status: Type.Optional(Type.String()),
  }),
  responses: { 200: Response },
})

export const listBuildLogs = route('GET /api/v2/workspacebuilds/{workspacebuild}/logs', {
  id: 'get-workspace-build-logs',
  tag: 'Builds',
  query: JobLogQuery,
  responses: { 200: Type.Array(ProvisionerJobLog) },
})

export const listBuildParameters = route('GET /api/v2/workspacebuilds/{workspacebuild}/parameters', {
  id: 'get-build-parameters-for-workspace-build',
  tag: 'Builds',
  responses: { 200: Type.Array(WorkspaceBuildParameter) },
})

/** A value that a user gave a parameter before. */
const UserParameter = Type.Object({ name: Type.String(), value: Type.String() })

/** What the user chose last in their own workspaces of a template, the newest first (WS-127). */
export const listAutofillParameters = route('GET /api/v2/users/{user}/autofill-parameters', {
  id: 'get-autofill-build-parameters-for-user',
  tag: 'Users',
  query: Type.Object({ template_id: Uuid }),
  responses: { 200: Type.Array(UserParameter) },
})

export const listBuildResources = route('GET /api/v2/workspacebuilds/{workspacebuild}/resources', {
  id: 'removed-get-workspace-resources-for-workspace-build',
  tag: 'Builds',
  responses: { 200: Type.Array(WorkspaceResource) },
})

export const getBuildState = route('GET /api/v2/workspacebuilds/{workspacebuild}/state', {
  id: 'get-provisioner-state-for-workspace-build',
  tag: 'Builds',
  responses: { 200: null },
})

export const putBuildState = route('PUT /api/v2/workspacebuilds/{workspacebuild}/state', {
  id: 'update-workspace-build-state',
  tag: 'Builds',
  body: UpdateWorkspaceBuildStateRequest,
  responses: { 204: null },
})

export const getBuildTimings = route('GET /api/v2/workspacebuilds/{workspacebuild}/timings', {
  id: 'get-workspace-build-timings-by-id',
  tag: 'Builds',
  responses: { 200: WorkspaceBuildTimings },
})

export const getWorkspaceTimings = route('GET /api/v2/workspaces/{workspace}/timings', {
  id: 'get-workspace-timings-by-id',
  tag: 'Builds',
  responses: { 200: WorkspaceBuildTimings },
})
