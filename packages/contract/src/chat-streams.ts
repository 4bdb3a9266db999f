import { type Static, Type } from 'typebox'

import { ChatMessage, ChatMessagePart, ChatMessageRole, ChatQueuedMessage } from './chat-parts.ts'
import { Chat, ChatError, ChatErrorKind, ChatStatus } from './chats.ts'
import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Chats'
const CHATS = '/api/experimental/chats'
const ONE = `${CHATS}/{chat}` as const

/** What an event of a chat is about (CH-9.1). */
export const ChatStreamEventType = Type.Enum([
  'message_part',
  'message',
  'status',
  'error',
  'queue_update',
  'retry',
  'action_required',
  'preview_reset',
  'history_reset',
])
export type ChatStreamEventType = Static<typeof ChatStreamEventType>

/** A piece of the answer that is under way; which one, say version, attempt and number (CH-906). */
export const ChatStreamMessagePart = Type.Object({
  role: ChatMessageRole,
  part: ChatMessagePart,
  history_version: Type.Integer(),
  generation_attempt: Type.Integer(),
  seq: Type.Integer(),
})
export type ChatStreamMessagePart = Static<typeof ChatStreamMessagePart>

/** Why and when the model is called again (CH-721). */
export const ChatStreamRetry = Type.Object({
  attempt: Type.Integer(),
  delay_ms: Type.Integer(),
  error: Type.String(),
  kind: ChatErrorKind,
  provider: Type.Optional(Type.String()),
  status_code: Type.Optional(Type.Integer()),
  retrying_at: Time,
})
export type ChatStreamRetry = Static<typeof ChatStreamRetry>

export const ChatStreamStatus = Type.Object({ status: ChatStatus })

/** A call that the client has to answer; `args` is JSON text. */
export const ChatStreamToolCall = Type.Object({
  tool_call_id: Type.String(),
  tool_name: Type.String(),
  args: Type.String(),
})
export type ChatStreamToolCall = Static<typeof ChatStreamToolCall>

export const ChatStreamActionRequired = Type.Object({ tool_calls: Type.Array(ChatStreamToolCall) })

/** One event; the member that carries it has the name that CH-9.1 gives. A frame is an array of them. */
export const ChatStreamEvent = Type.Object({
  type: ChatStreamEventType,
  chat_id: Uuid,
  message: Type.Optional(ChatMessage),
  message_part: Type.Optional(ChatStreamMessagePart),
  status: Type.Optional(ChatStreamStatus),
  error: Type.Optional(ChatError),
  queued_messages: Type.Optional(Type.Array(ChatQueuedMessage)),
  retry: Type.Optional(ChatStreamRetry),
  action_required: Type.Optional(ChatStreamActionRequired),
})
export type ChatStreamEvent = Static<typeof ChatStreamEvent>

/** `hello` comes first and carries a cursor; older clients skip it (CH-1001, B-8). */
export const ChatWatchEventKind = Type.Enum([
  'created',
  'deleted',
  'status_change',
  'title_change',
  'summary_change',
  'chat_summary_change',
  'diff_status_change',
  'action_required',
  'context_dirty',
])
export type ChatWatchEventKind = Static<typeof ChatWatchEventKind>

export const ChatWatchEvent = Type.Object({
  kind: ChatWatchEventKind,
  chat: Chat,
  tool_calls: Type.Optional(Type.Array(ChatStreamToolCall)),
})
export type ChatWatchEvent = Static<typeof ChatWatchEvent>

/** Which run of the model a relay of parts follows (CH-911). */
export const ChatPartsEpisode = Type.Object({
  history_version: Type.Integer(),
  generation_attempt: Type.Integer(),
})
export type ChatPartsEpisode = Static<typeof ChatPartsEpisode>

export const watchChats = route(`GET ${CHATS}/watch`, {
  id: 'watch-chat-events-for-a-user-via-websockets',
  tag,
  responses: { 101: null, 200: ChatWatchEvent },
  stream: 'websocket',
})

export const streamChat = route(`GET ${ONE}/stream`, {
  id: 'stream-chat-events-via-websockets',
  tag,
  query: Type.Object({ after_id: Type.Optional(Type.String({ maxLength: 32 })) }),
  responses: { 101: null, 200: ChatStreamEvent },
  stream: 'websocket',
})

export const streamChatParts = route(`GET ${ONE}/stream/parts`, {
  id: 'stream-chat-parts-via-websockets',
  tag,
  responses: { 101: null, 200: ChatStreamEvent },
  stream: 'websocket',
})

/** Another replica dials this, with a token of its own, for the parts of a chat whose model answers here (CH-912). */
export const relayChatParts = route('GET /api/v2/replicas/chats/{chat}/parts', {
  id: 'relay-chat-parts',
  tag,
  security: 'none',
  responses: { 101: null },
  stream: 'websocket',
})

/** What changed in a repository of the workspace. */
export const WorkspaceAgentRepoChanges = Type.Object({
  repo_root: Type.String(),
  branch: Type.String(),
  remote_origin: Type.Optional(Type.String()),
  unified_diff: Type.Optional(Type.String()),
  removed: Type.Optional(Type.Boolean()),
})
export type WorkspaceAgentRepoChanges = Static<typeof WorkspaceAgentRepoChanges>

export const WorkspaceAgentGitServerMessageType = Type.Enum(['changes', 'error'])

export const WorkspaceAgentGitServerMessage = Type.Object({
  type: WorkspaceAgentGitServerMessageType,
  scanned_at: Type.Optional(Time),
  repositories: Type.Optional(Type.Array(WorkspaceAgentRepoChanges)),
  message: Type.Optional(Type.String()),
})
export type WorkspaceAgentGitServerMessage = Static<typeof WorkspaceAgentGitServerMessage>

export const streamChatGit = route(`GET ${ONE}/stream/git`, {
  id: 'watch-chat-workspace-git-state-via-websockets',
  tag,
  responses: { 101: null, 200: WorkspaceAgentGitServerMessage },
  stream: 'websocket',
})
