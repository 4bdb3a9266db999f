import { type Static, Type } from 'typebox'

import { ChatInputPart, ChatMessage, ChatQueuedMessage } from './chat-parts.ts'
import { IdOrNil, Pagination, Time, Uuid } from './common.ts'
import { Group } from './groups.ts'
import { type Route, route } from './route.ts'

const tag = 'Chats'
const CHATS = '/api/experimental/chats'
const ONE = `${CHATS}/{chat}` as const

/** What a chat does (CH-§2); no other words are on the wire. */
export const ChatStatus = Type.Enum(['waiting', 'running', 'interrupting', 'requires_action', 'error'])
export type ChatStatus = Static<typeof ChatStatus>

/** What started a chat: the dashboard or a program (CH-103). */
export const ChatClientType = Type.Enum(['ui', 'api'])
export type ChatClientType = Static<typeof ChatClientType>

export const ChatPlanMode = Type.Enum(['plan'])
export type ChatPlanMode = Static<typeof ChatPlanMode>

/** What sending does while a run is under way (CH-204, CH-205). */
export const ChatBusyBehavior = Type.Enum(['queue', 'interrupt'])
export type ChatBusyBehavior = Static<typeof ChatBusyBehavior>

/** Why a turn failed (CH-7.4). */
export const ChatErrorKind = Type.Enum([
  'generic',
  'overloaded',
  'rate_limit',
  'timeout',
  'stream_silence_timeout',
  'auth',
  'config',
  'usage_limit',
  'missing_key',
  'provider_disabled',
  'content_filter',
  'hook_dispatch_failed',
  'hook_denied',
])
export type ChatErrorKind = Static<typeof ChatErrorKind>

export const ChatError = Type.Object({
  message: Type.String(),
  detail: Type.Optional(Type.String()),
  kind: ChatErrorKind,
  provider: Type.Optional(Type.String()),
  retryable: Type.Boolean(),
  status_code: Type.Optional(Type.Integer()),
})
export type ChatError = Static<typeof ChatError>

export const ChatContextResourceKind = Type.Enum(['instruction_file', 'skill', 'mcp_config', 'mcp_server'])
export type ChatContextResourceKind = Static<typeof ChatContextResourceKind>

export const ChatContextResourceStatus = Type.Enum(['ok', 'oversize', 'unreadable', 'invalid', 'excluded'])
export type ChatContextResourceStatus = Static<typeof ChatContextResourceStatus>

export const ChatContextTool = Type.Object({ name: Type.String(), description: Type.String() })
export type ChatContextTool = Static<typeof ChatContextTool>

/** Something of a workspace that models are told (CH-1301). */
export const ChatContextResource = Type.Object({
  kind: ChatContextResourceKind,
  source: Type.String(),
  status: ChatContextResourceStatus,
  size_bytes: Type.Integer(),
  error: Type.Optional(Type.String()),
  skill_name: Type.Optional(Type.String()),
  skill_description: Type.Optional(Type.String()),
  tools: Type.Optional(Type.Array(ChatContextTool)),
})
export type ChatContextResource = Static<typeof ChatContextResource>

/** The pinned context of a chat, and whether the workspace has a newer one (CH-1302). */
export const ChatContext = Type.Object({
  dirty: Type.Boolean(),
  dirty_since: Type.Optional(Time),
  error: Type.Optional(Type.String()),
  resources: Type.Optional(Type.Array(ChatContextResource)),
})
export type ChatContext = Static<typeof ChatContext>

/** Branch and pull request that the chat works on (CH-1504). */
export const ChatDiffStatus = Type.Object({
  chat_id: Uuid,
  url: Type.Optional(Type.String()),
  pull_request_state: Type.Optional(Type.String()),
  pull_request_title: Type.String(),
  pull_request_draft: Type.Boolean(),
  changes_requested: Type.Boolean(),
  additions: Type.Integer(),
  deletions: Type.Integer(),
  changed_files: Type.Integer(),
  author_login: Type.Optional(Type.String()),
  author_avatar_url: Type.Optional(Type.String()),
  base_branch: Type.Optional(Type.String()),
  head_branch: Type.Optional(Type.String()),
  pr_number: Type.Optional(Type.Integer()),
  commits: Type.Optional(Type.Integer()),
  approved: Type.Optional(Type.Boolean()),
  reviewer_count: Type.Optional(Type.Integer()),
  refreshed_at: Type.Optional(Time),
  stale_at: Type.Optional(Time),
})
export type ChatDiffStatus = Static<typeof ChatDiffStatus>

export const ChatFileMetadata = Type.Object({
  id: Uuid,
  owner_id: Uuid,
  organization_id: Uuid,
  name: Type.String(),
  mime_type: Type.String(),
  size_bytes: Type.Integer(),
  created_at: Time,
})
export type ChatFileMetadata = Static<typeof ChatFileMetadata>

const chatFields = {
  id: Uuid,
  organization_id: Uuid,
  owner_id: Uuid,
  owner_username: Type.Optional(Type.String()),
  owner_name: Type.Optional(Type.String()),
  workspace_id: Type.Optional(Uuid),
  /** Of the latest build of the workspace, always as a pair (CH-106). */
  build_id: Type.Optional(Uuid),
  agent_id: Type.Optional(Uuid),
  parent_chat_id: Type.Optional(Uuid),
  root_chat_id: Uuid,
  last_model_config_id: Uuid,
  last_reasoning_effort: Type.Optional(Type.String()),
  title: Type.String(),
  status: ChatStatus,
  plan_mode: Type.Optional(ChatPlanMode),
  last_error: Type.Optional(ChatError),
  last_turn_summary: Type.Union([Type.String(), Type.Null()]),
  summary: Type.Union([Type.String(), Type.Null()]),
  client_type: ChatClientType,
  created_at: Time,
  updated_at: Time,
  archived: Type.Boolean(),
  shared: Type.Boolean(),
  pin_order: Type.Integer(),
  mcp_server_ids: Type.Array(Uuid),
  labels: Type.Record(Type.String(), Type.String()),
  has_unread: Type.Boolean(),
  queued_for_capacity: Type.Optional(Type.Boolean()),
  diff_status: Type.Optional(ChatDiffStatus),
  files: Type.Optional(Type.Array(ChatFileMetadata)),
  context: Type.Optional(ChatContext),
  warnings: Type.Optional(Type.Array(Type.String())),
}

/** A chat inside its root, which has no children of its own (CH-1120). */
export const ChildChat = Type.Object({ ...chatFields, children: Type.Array(Type.Unknown(), { maxItems: 0 }) })
export type ChildChat = Static<typeof ChildChat>

/** A conversation between its owner and a model (CH-§1). */
export const Chat = Type.Object({ ...chatFields, children: Type.Array(ChildChat) })
export type Chat = Static<typeof Chat>

/** A tool that the client carries out (CH-1501). */
export const DynamicTool = Type.Object({
  name: Type.String({ maxLength: 128 }),
  description: Type.Optional(Type.String({ maxLength: 16_384 })),
  input_schema: Type.Optional(Type.Unknown()),
})
export type DynamicTool = Static<typeof DynamicTool>

const content = Type.Array(ChatInputPart, { maxItems: 512 })
const labels = Type.Record(Type.String(), Type.String())
const effort = Type.Optional(Type.String({ maxLength: 32 }))
const serverIds = Type.Optional(Type.Array(Uuid, { maxItems: 256 }))
const planMode = Type.Optional(Type.String({ maxLength: 32 }))

/** What is checked in which order says CH-401. */
export const CreateChatRequest = Type.Object({
  organization_id: Type.Optional(Type.String({ maxLength: 64 })),
  content: Type.Optional(content),
  client_type: Type.Optional(Type.String({ maxLength: 32 })),
  workspace_id: Type.Optional(Uuid),
  model_config_id: Type.Optional(Uuid),
  reasoning_effort: effort,
  plan_mode: planMode,
  mcp_server_ids: serverIds,
  labels: Type.Optional(labels),
  system_prompt: Type.Optional(Type.String({ maxLength: 131_072 })),
  unsafe_dynamic_tools: Type.Optional(Type.Array(DynamicTool)),
})
export type CreateChatRequest = Static<typeof CreateChatRequest>

/** Applied as a whole or not at all (CH-420, B-1). A nil UUID unbinds the workspace. */
export const UpdateChatRequest = Type.Object({
  title: Type.Optional(Type.String()),
  archived: Type.Optional(Type.Boolean()),
  workspace_id: Type.Optional(IdOrNil),
  pin_order: Type.Optional(Type.Integer({ minimum: -2147483648, maximum: 2147483647 })),
  labels: Type.Optional(labels),
  plan_mode: planMode,
})
export type UpdateChatRequest = Static<typeof UpdateChatRequest>

export const CreateChatMessageRequest = Type.Object({
  content,
  model_config_id: Type.Optional(Uuid),
  reasoning_effort: effort,
  mcp_server_ids: serverIds,
  busy_behavior: Type.Optional(ChatBusyBehavior),
  plan_mode: planMode,
})
export type CreateChatMessageRequest = Static<typeof CreateChatMessageRequest>

/** `messages` are all rows that became visible, in order (CH-431). */
export const CreateChatMessageResponse = Type.Object({
  message: Type.Optional(ChatMessage),
  messages: Type.Optional(Type.Array(ChatMessage)),
  queued_message: Type.Optional(ChatQueuedMessage),
  queued: Type.Boolean(),
  warnings: Type.Optional(Type.Array(Type.String())),
})
export type CreateChatMessageResponse = Static<typeof CreateChatMessageResponse>

export const EditChatMessageRequest = Type.Object({
  content,
  model_config_id: Type.Optional(Uuid),
  reasoning_effort: effort,
})
export type EditChatMessageRequest = Static<typeof EditChatMessageRequest>

/** The replacement has an id of its own (CH-433). */
export const EditChatMessageResponse = Type.Object({
  message: ChatMessage,
  messages: Type.Array(ChatMessage),
  deleted_message_ids: Type.Array(Type.Integer()),
  warnings: Type.Optional(Type.Array(Type.String())),
})
export type EditChatMessageResponse = Static<typeof EditChatMessageResponse>

/** `queued_messages` is only filled when no cursor was given (CH-430). */
export const ChatMessagesResponse = Type.Object({
  messages: Type.Array(ChatMessage),
  queued_messages: Type.Array(ChatQueuedMessage),
  has_more: Type.Boolean(),
})
export type ChatMessagesResponse = Static<typeof ChatMessagesResponse>

export const PromoteChatQueuedMessageResponse = Type.Object({ message: Type.Optional(ChatMessage) })
export type PromoteChatQueuedMessageResponse = Static<typeof PromoteChatQueuedMessageResponse>

export const ChatPrompt = Type.Object({ id: Type.Integer(), text: Type.String() })
export type ChatPrompt = Static<typeof ChatPrompt>

export const ChatPromptsResponse = Type.Object({ prompts: Type.Array(ChatPrompt) })
export type ChatPromptsResponse = Static<typeof ChatPromptsResponse>

export const ChatToolResult = Type.Object({
  tool_call_id: Type.String({ maxLength: 512 }),
  output: Type.Unknown(),
  is_error: Type.Optional(Type.Boolean()),
})
export type ChatToolResult = Static<typeof ChatToolResult>

export const SubmitToolResultsRequest = Type.Object({
  results: Type.Array(ChatToolResult, { maxItems: 512 }),
})
export type SubmitToolResultsRequest = Static<typeof SubmitToolResultsRequest>

export const ProposeChatTitleResponse = Type.Object({ title: Type.String() })
export type ProposeChatTitleResponse = Static<typeof ProposeChatTitleResponse>

/** What the whole tree of a chat has cost, in millionths of a US dollar (CH-804). */
export const ChatCost = Type.Object({
  chat_id: Uuid,
  total_cost_micros: Type.Integer(),
  request_count: Type.Integer(),
  unpriced_request_count: Type.Integer(),
})
export type ChatCost = Static<typeof ChatCost>

/** Without `diff` when no token for the Git provider is there (CH-1504). */
export const ChatDiffContents = Type.Object({
  chat_id: Uuid,
  provider: Type.Optional(Type.String()),
  remote_origin: Type.Optional(Type.String()),
  branch: Type.Optional(Type.String()),
  pull_request_url: Type.Optional(Type.String()),
  diff: Type.Optional(Type.String()),
})
export type ChatDiffContents = Static<typeof ChatDiffContents>

/** Role of an entry of an access list; empty takes the entry away. */
export const ChatRole = Type.Enum(['read', ''])
export type ChatRole = Static<typeof ChatRole>

export const ChatUser = Type.Object({
  id: Uuid,
  username: Type.String(),
  name: Type.Optional(Type.String()),
  avatar_url: Type.Optional(Type.String()),
  role: ChatRole,
})
export type ChatUser = Static<typeof ChatUser>

export const ChatGroup = Type.Object({ ...Group.properties, role: ChatRole })
export type ChatGroup = Static<typeof ChatGroup>

export const ChatACL = Type.Object({ users: Type.Array(ChatUser), groups: Type.Array(ChatGroup) })
export type ChatACL = Static<typeof ChatACL>

const roles = Type.Optional(Type.Record(Type.String(), Type.String(), { maxProperties: 1000 }))

export const UpdateChatACL = Type.Object({ user_roles: roles, group_roles: roles })
export type UpdateChatACL = Static<typeof UpdateChatACL>

export const createChat = route(`POST ${CHATS}`, {
  id: 'create-chat',
  tag,
  body: CreateChatRequest,
  responses: { 201: Chat },
})

/** `label` may be repeated; what `q` may hold says CH-411. */
export const listChats = route(`GET ${CHATS}`, {
  id: 'list-chats',
  tag,
  query: Type.Object({
    q: Type.Optional(Type.String({ maxLength: 4096 })),
    label: Type.Optional(Type.Array(Type.String({ maxLength: 512 }), { maxItems: 50 })),
    ...Pagination,
  }),
  responses: { 200: Type.Array(Chat) },
})

/** The most recently updated chat of each of these workspaces, where there is one. */
export const chatsByWorkspace = route(`GET ${CHATS}/by-workspace`, {
  id: 'get-chats-by-workspace',
  tag,
  query: Type.Object({ workspace_ids: Type.Optional(Type.String({ maxLength: 2048 })) }),
  responses: { 200: Type.Record(Type.String(), Uuid) },
})

export const getChat = route(`GET ${ONE}`, { id: 'get-chat-by-id', tag, responses: { 200: Chat } })

export const updateChat = route(`PATCH ${ONE}`, {
  id: 'update-chat',
  tag,
  body: UpdateChatRequest,
  responses: { 204: null },
})

export const listChatMessages = route(`GET ${ONE}/messages`, {
  id: 'list-chat-messages',
  tag,
  query: Type.Object({
    before_id: Type.Optional(Type.String({ maxLength: 32 })),
    after_id: Type.Optional(Type.String({ maxLength: 32 })),
    limit: Type.Optional(Type.String({ maxLength: 32 })),
  }),
  responses: { 200: ChatMessagesResponse },
})

export const sendChatMessage = route(`POST ${ONE}/messages`, {
  id: 'send-chat-message',
  tag,
  body: CreateChatMessageRequest,
  responses: { 200: CreateChatMessageResponse },
})

export const editChatMessage = route(`PATCH ${ONE}/messages/{message}`, {
  id: 'edit-chat-message',
  tag,
  body: EditChatMessageRequest,
  responses: { 200: EditChatMessageResponse },
})

export const listChatPrompts = route(`GET ${ONE}/prompts`, {
  id: 'list-chat-user-prompts',
  tag,
  query: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000 })) }),
  responses: { 200: ChatPromptsResponse },
})

export const deleteChatQueuedMessage = route(`DELETE ${ONE}/queue/{queuedMessage}`, {
  id: 'delete-chat-queued-message',
  tag,
  responses: { 204: null },
})

export const promoteChatQueuedMessage = route(`POST ${ONE}/queue/{queuedMessage}/promote`, {
  id: 'promote-chat-queued-message',
  tag,
  responses: { 202: PromoteChatQueuedMessageResponse },
})

export const interruptChat = route(`POST ${ONE}/interrupt`, {
  id: 'interrupt-chat',
  tag,
  responses: { 200: Chat },
})

export const compactChat = route(`POST ${ONE}/compact`, { id: 'compact-chat', tag, responses: { 200: Chat } })

/** Ends the wait before the next try of a failed model call (B-6). */
export const retryChatNow = route(`POST ${ONE}/retry-now`, {
  id: 'retry-chat-now',
  tag,
  responses: { 204: null },
})

export const reconcileInvalidChat = route(`POST ${ONE}/reconcile-invalid`, {
  id: 'reconcile-invalid-chat-state',
  tag,
  responses: { 200: Chat },
})

export const submitChatToolResults = route(`POST ${ONE}/tool-results`, {
  id: 'submit-chat-tool-results',
  tag,
  body: SubmitToolResultsRequest,
  responses: { 204: null },
})

export const regenerateChatTitle = route(`POST ${ONE}/title/regenerate`, {
  id: 'regenerate-chat-title',
  tag,
  responses: { 200: Chat },
})

export const proposeChatTitle = route(`POST ${ONE}/title/propose`, {
  id: 'propose-chat-title',
  tag,
  responses: { 200: ProposeChatTitleResponse },
})

export const getChatCost = route(`GET ${ONE}/cost`, {
  id: 'get-chat-cost',
  tag,
  responses: { 200: ChatCost },
})

/** The chat and its subagents' chats as a file: `{chat, messages, children: [{chat, messages}]}`, or Markdown (B-18). */
export const exportChat = route(`GET ${ONE}/export`, {
  id: 'export-chat',
  tag,
  query: Type.Object({ format: Type.Optional(Type.Enum(['json', 'markdown'])) }),
  responses: { 200: null },
  stream: 'bytes',
})

export const getChatDiff = route(`GET ${ONE}/diff`, {
  id: 'get-chat-diff-contents',
  tag,
  responses: { 200: ChatDiffContents },
})

export const refreshChatContext = route(`PUT ${ONE}/context`, {
  id: 'refresh-chat-context',
  tag,
  responses: { 200: Chat },
})

export const getChatAcl = route(`GET ${ONE}/acl`, { id: 'get-chat-acls', tag, responses: { 200: ChatACL } })

export const updateChatAcl = route(`PATCH ${ONE}/acl`, {
  id: 'update-chat-acl',
  tag,
  body: UpdateChatACL,
  responses: { 204: null },
})

const PUBLIC_CHATS = '/api/v2/chats'

/** The same operation under the prefix that public documentation uses (B-11); undefined for what is not of chats. */
export function publicChatRoute(operation: Route): Route | undefined {
  const { path } = operation
  if (path !== CHATS && !path.startsWith(`${CHATS}/`)) return undefined
  return { ...operation, id: `${operation.id}-v2`, path: `${PUBLIC_CHATS}${path.slice(CHATS.length)}` }
}
