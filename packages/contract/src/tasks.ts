import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { WorkspaceAgentHealth, WorkspaceAgentLifecycle } from './resources.ts'
import { type Route, route } from './route.ts'
import { WorkspaceBuild, WorkspaceStatus } from './workspaces.ts'

const tag = 'Tasks'
const TASKS = '/api/v2/tasks'
const ONE = `${TASKS}/{user}/{task}` as const
/** Characters of a prompt: as the value of one environment variable it may have 128 KiB at most on Linux. */
const MAX_PROMPT = 32_000

/** Where a task is, read off its workspace (WS-255). */
export const TaskStatus = Type.Enum(['pending', 'initializing', 'active', 'paused', 'unknown', 'error'])
export type TaskStatus = Static<typeof TaskStatus>

/** What the program that carries out a task says of its work (WS-256). */
export const TaskState = Type.Enum(['working', 'idle', 'complete', 'failed'])
export type TaskState = Static<typeof TaskState>

export const TaskStateEntry = Type.Object({
  timestamp: Time,
  state: TaskState,
  message: Type.String(),
  uri: Type.String(),
})
export type TaskStateEntry = Static<typeof TaskStateEntry>

/** A prompt that a program carries out in a workspace of its own (WS-250). */
export const Task = Type.Object({
  id: Uuid,
  organization_id: Uuid,
  owner_id: Uuid,
  owner_name: Type.String(),
  owner_avatar_url: Type.Optional(Type.String()),
  name: Type.String(),
  display_name: Type.String(),
  template_id: Uuid,
  template_version_id: Uuid,
  template_name: Type.String(),
  template_display_name: Type.String(),
  template_icon: Type.String(),
  workspace_id: Type.Union([Uuid, Type.Null()]),
  workspace_name: Type.String(),
  workspace_status: Type.Optional(WorkspaceStatus),
  workspace_build_number: Type.Optional(Type.Integer()),
  workspace_agent_id: Type.Union([Uuid, Type.Null()]),
  workspace_agent_lifecycle: Type.Union([WorkspaceAgentLifecycle, Type.Null()]),
  workspace_agent_health: Type.Union([WorkspaceAgentHealth, Type.Null()]),
  workspace_app_id: Type.Union([Uuid, Type.Null()]),
  initial_prompt: Type.String(),
  status: TaskStatus,
  current_state: Type.Union([TaskStateEntry, Type.Null()]),
  created_at: Time,
  updated_at: Time,
})
export type Task = Static<typeof Task>

export const TasksListResponse = Type.Object({ tasks: Type.Array(Task), count: Type.Integer() })
export type TasksListResponse = Static<typeof TasksListResponse>

/** A name or a display name that is missing or empty is made up (WS-254). */
export const CreateTaskRequest = Type.Object({
  template_version_id: Uuid,
  template_version_preset_id: Type.Optional(Uuid),
  input: Type.String({ maxLength: MAX_PROMPT }),
  name: Type.Optional(Type.String()),
  display_name: Type.Optional(Type.String()),
})
export type CreateTaskRequest = Static<typeof CreateTaskRequest>

export const UpdateTaskInputRequest = Type.Object({ input: Type.String({ maxLength: MAX_PROMPT }) })
export type UpdateTaskInputRequest = Static<typeof UpdateTaskInputRequest>

export const TaskSendRequest = Type.Object({ input: Type.String() })
export type TaskSendRequest = Static<typeof TaskSendRequest>

export const TaskLogType = Type.Enum(['input', 'output'])
export type TaskLogType = Static<typeof TaskLogType>

export const TaskLogEntry = Type.Object({
  id: Type.Integer(),
  content: Type.String(),
  type: TaskLogType,
  time: Time,
})
export type TaskLogEntry = Static<typeof TaskLogEntry>

/** What was said in a task; `snapshot` where the program does not run and its last words were kept (WS-259). */
export const TaskLogsResponse = Type.Object({
  logs: Type.Array(TaskLogEntry),
  snapshot: Type.Optional(Type.Boolean()),
  snapshot_at: Type.Optional(Time),
})
export type TaskLogsResponse = Static<typeof TaskLogsResponse>

/** The build that pauses a task, or resumes it (WS-261). */
export const TaskBuildResponse = Type.Object({ workspace_build: WorkspaceBuild })
export type TaskBuildResponse = Static<typeof TaskBuildResponse>

/** What a program that speaks AgentAPI has said so far, as the agent keeps it. */
export const TaskLogSnapshot = Type.Object({
  messages: Type.Array(
    Type.Object({
      id: Type.Integer(),
      content: Type.String(),
      role: Type.Enum(['user', 'agent']),
      time: Time,
    }),
  ),
})
export type TaskLogSnapshot = Static<typeof TaskLogSnapshot>

export const listTasks = route(`GET ${TASKS}`, {
  id: 'list-ai-tasks',
  tag,
  // Keys `owner`, `organization` and `status` (WS-252).
  query: Type.Object({ q: Type.Optional(Type.String({ maxLength: 4096 })) }),
  responses: { 200: TasksListResponse },
})

export const createTask = route(`POST ${TASKS}/{user}`, {
  id: 'create-a-new-ai-task',
  tag,
  body: CreateTaskRequest,
  responses: { 201: Task },
})

/** `{task}` is an id or the name of a task of that user, here and below (WS-251). */
export const getTask = route(`GET ${ONE}`, { id: 'get-ai-task-by-id-or-name', tag, responses: { 200: Task } })

export const deleteTask = route(`DELETE ${ONE}`, { id: 'delete-ai-task', tag, responses: { 202: null } })

export const updateTaskInput = route(`PATCH ${ONE}/input`, {
  id: 'update-ai-task-input',
  tag,
  body: UpdateTaskInputRequest,
  responses: { 204: null },
})

export const sendToTask = route(`POST ${ONE}/send`, {
  id: 'send-input-to-ai-task',
  tag,
  body: TaskSendRequest,
  responses: { 204: null },
})

export const getTaskLogs = route(`GET ${ONE}/logs`, {
  id: 'get-ai-task-logs',
  tag,
  responses: { 200: TaskLogsResponse },
})

export const pauseTask = route(`POST ${ONE}/pause`, {
  id: 'pause-ai-task',
  tag,
  responses: { 202: TaskBuildResponse },
})

export const resumeTask = route(`POST ${ONE}/resume`, {
  id: 'resume-ai-task',
  tag,
  responses: { 202: TaskBuildResponse },
})

export const keepTaskLogSnapshot = route('POST /api/v2/workspaceagents/me/tasks/{task}/log-snapshot', {
  id: 'upload-task-log-snapshot',
  tag,
  security: 'agent',
  query: Type.Object({ format: Type.Enum(['agentapi']) }),
  body: TaskLogSnapshot,
  responses: { 204: null },
})

const EXPERIMENTAL_TASKS = '/api/experimental/tasks'

/** The same operation where old clients look for it (WS-250); undefined for what is not of tasks. */
export function experimentalTaskRoute(operation: Route): Route | undefined {
  const { path } = operation
  if (path !== TASKS && !path.startsWith(`${TASKS}/`)) return undefined
  return {
    ...operation,
    id: `${operation.id}-experimental`,
    path: `${EXPERIMENTAL_TASKS}${path.slice(TASKS.length)}`,
  }
}
