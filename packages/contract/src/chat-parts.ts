import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'

/** What a part of a message is (CH-120). */
export const ChatMessagePartType = Type.Enum([
  'text',
  'reasoning',
  'tool-call',
  'tool-result',
  'source',
  'file',
  'file-reference',
  'context-file',
  'skill',
  'hook-context',
  'hook-notice',
])
export type ChatMessagePartType = Static<typeof ChatMessagePartType>

/**
 * A part of a message as it is stored and sent. Which members there are depends on the type (CH-120, CH-121); the
 * members that end in `_delta` are only in live previews (CH-908).
 */
export const ChatMessagePart = Type.Object({
  type: ChatMessagePartType,
  /** Of text, reasoning and hook notices. */
  text: Type.Optional(Type.String()),
  created_at: Type.Optional(Time),
  completed_at: Type.Optional(Time),
  /** Of tool calls and results. */
  tool_call_id: Type.Optional(Type.String()),
  tool_name: Type.Optional(Type.String()),
  args: Type.Optional(Type.Unknown()),
  args_delta: Type.Optional(Type.String()),
  result: Type.Optional(Type.Unknown()),
  result_delta: Type.Optional(Type.String()),
  result_reset: Type.Optional(Type.Boolean()),
  is_error: Type.Optional(Type.Boolean()),
  is_media: Type.Optional(Type.Boolean()),
  mcp_server_config_id: Type.Optional(Uuid),
  parsed_commands: Type.Optional(Type.Array(Type.Array(Type.String()))),
  provider_executed: Type.Optional(Type.Boolean()),
  hook_rewritten: Type.Optional(Type.Boolean()),
  /** Of sources. */
  source_id: Type.Optional(Type.String()),
  url: Type.Optional(Type.String()),
  title: Type.Optional(Type.String()),
  /** Of files. */
  file_id: Type.Optional(Uuid),
  media_type: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  /** Of references to lines of files. */
  file_name: Type.Optional(Type.String()),
  start_line: Type.Optional(Type.Integer()),
  end_line: Type.Optional(Type.Integer()),
  content: Type.Optional(Type.String()),
  /** Of instructions and skills of a workspace. */
  context_file_path: Type.Optional(Type.String()),
  context_file_agent_id: Type.Optional(Uuid),
  context_file_truncated: Type.Optional(Type.Boolean()),
  skill_name: Type.Optional(Type.String()),
  skill_description: Type.Optional(Type.String()),
})
export type ChatMessagePart = Static<typeof ChatMessagePart>

export const ChatInputPartType = Type.Enum(['text', 'file', 'file-reference'])
export type ChatInputPartType = Static<typeof ChatInputPartType>

/** A part of what a user sends; which members have to be there says CH-402. */
export const ChatInputPart = Type.Object({
  type: Type.String({ maxLength: 64 }),
  text: Type.Optional(Type.String()),
  file_id: Type.Optional(Uuid),
  file_name: Type.Optional(Type.String({ maxLength: 4096 })),
  start_line: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
  end_line: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647 })),
  content: Type.Optional(Type.String()),
})
export type ChatInputPart = Static<typeof ChatInputPart>

export const ChatMessageRole = Type.Enum(['system', 'user', 'assistant', 'tool'])
export type ChatMessageRole = Static<typeof ChatMessageRole>

/** Tokens of a model call; counters that the provider did not tell are absent (CH-1804). */
export const ChatMessageUsage = Type.Object({
  input_tokens: Type.Optional(Type.Integer()),
  output_tokens: Type.Optional(Type.Integer()),
  total_tokens: Type.Optional(Type.Integer()),
  reasoning_tokens: Type.Optional(Type.Integer()),
  cache_creation_tokens: Type.Optional(Type.Integer()),
  cache_read_tokens: Type.Optional(Type.Integer()),
  context_limit: Type.Optional(Type.Integer()),
})
export type ChatMessageUsage = Static<typeof ChatMessageUsage>

/** A committed message (CH-1.3). Ids grow in the order of the conversation. */
export const ChatMessage = Type.Object({
  id: Type.Integer(),
  chat_id: Uuid,
  created_by: Type.Optional(Uuid),
  model_config_id: Type.Optional(Uuid),
  created_at: Time,
  role: ChatMessageRole,
  content: Type.Array(ChatMessagePart),
  usage: Type.Optional(ChatMessageUsage),
})
export type ChatMessage = Static<typeof ChatMessage>

/** A message that waits for the run before it to end (CH-130). */
export const ChatQueuedMessage = Type.Object({
  id: Type.Integer(),
  chat_id: Uuid,
  model_config_id: Type.Optional(Uuid),
  content: Type.Array(ChatMessagePart),
  created_at: Time,
})
export type ChatQueuedMessage = Static<typeof ChatQueuedMessage>
