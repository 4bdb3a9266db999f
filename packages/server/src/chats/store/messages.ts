import { type Selectable, sql } from 'kysely'

import type { ChatMessageRole, ChatMessageUsage } from '@slipway/contract'
import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatMessagesTable } from '../../database/tables.ts'
import type { ToolCallPart } from '../parts.ts'
import { CONTENT_VERSION, type Part, readParts, unansweredCalls, writeParts } from '../parts.ts'
import { type ChatRow, ownedChat } from './locked.ts'

/** A stored message without what only searches look at. */
export type MessageRow = Omit<Selectable<ChatMessagesTable>, 'search_tsv'>

/** Who sees a message: its readers, the model, or both (CH-123). */
export type Visibility = MessageRow['visibility']

/** A message to append. */
export interface NewMessage {
  readonly role: ChatMessageRole
  readonly parts: readonly Part[]
  readonly visibility: Visibility
  readonly createdBy?: string | undefined
  readonly modelConfigId?: string | undefined
  readonly reasoningEffort?: string | null | undefined
  readonly compressed?: boolean | undefined
  /** Time in which a model streamed it, in milliseconds (CH-706). */
  readonly runtimeMs?: number | undefined
  readonly usage?: ChatMessageUsage | undefined
}

/** Columns of a message that are read. */
export const MESSAGE_COLUMNS = [
  'id',
  'chat_id',
  'created_at',
  'created_by',
  'role',
  'content',
  'content_version',
  'visibility',
  'model_config_id',
  'reasoning_effort',
  'compressed',
  'deleted',
  'revision',
  'runtime_ms',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'reasoning_tokens',
  'cache_creation_tokens',
  'cache_read_tokens',
  'context_limit',
] as const satisfies readonly (keyof MessageRow)[]

/** Appends messages to a locked chat, or to one that is being made, in this order (CH-112). @throws ApiError 403. */
export async function insertMessages(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  messages: readonly NewMessage[],
): Promise<MessageRow[]> {
  authorize(actor, 'update', ownedChat(chat))
  if (messages.length === 0) return []
  const rows = await tx
    .insertInto('chat_messages')
    .values(
      messages.map((message) => ({
        chat_id: chat.id,
        created_by: message.createdBy ?? null,
        role: message.role,
        content: writeParts(message.parts),
        content_version: CONTENT_VERSION,
        visibility: message.visibility,
        model_config_id: message.modelConfigId ?? null,
        reasoning_effort: message.reasoningEffort ?? null,
        compressed: message.compressed ?? false,
        runtime_ms: counter(message.runtimeMs),
        input_tokens: counter(message.usage?.input_tokens),
        output_tokens: counter(message.usage?.output_tokens),
        total_tokens: counter(message.usage?.total_tokens),
        reasoning_tokens: counter(message.usage?.reasoning_tokens),
        cache_creation_tokens: counter(message.usage?.cache_creation_tokens),
        cache_read_tokens: counter(message.usage?.cache_read_tokens),
        context_limit: counter(message.usage?.context_limit),
      })),
    )
    .returning(MESSAGE_COLUMNS)
    .execute()
  return rows.sort((a, b) => a.id - b.id)
}

/** Adds parts to the end of a message of a locked chat. @throws ApiError 403 without `chat:update`. */
export async function appendParts(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  id: number,
  parts: readonly Part[],
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await tx
    .updateTable('chat_messages')
    .set({ content: sql<string>`content || ${writeParts(parts)}::jsonb` })
    .where('chat_id', '=', chat.id)
    .where('id', '=', id)
    .where('content_version', '=', CONTENT_VERSION)
    .execute()
}

/** CH-1804: what is absent or zero is stored as null; so is what no count can be, as some providers send it. */
function counter(value: number | undefined): number | null {
  return value === undefined || !(value > 0) ? null : Math.min(Math.round(value), Number.MAX_SAFE_INTEGER)
}

/** Calls of the last assistant message of a locked chat that nothing has answered yet (CH-221). @throws ApiError 403. */
export async function openCalls(actor: Actor, tx: Db, chat: ChatRow): Promise<readonly ToolCallPart[]> {
  authorize(actor, 'update', ownedChat(chat))
  const rows = await tx
    .selectFrom('chat_messages')
    .select(['role', 'content', 'content_version'])
    .where('chat_id', '=', chat.id)
    .where('deleted', '=', false)
    .where('role', 'in', ['assistant', 'tool'])
    .where('id', '>=', (eb) =>
      eb
        .selectFrom('chat_messages as last')
        .where('last.chat_id', '=', chat.id)
        .where('last.deleted', '=', false)
        .where('last.role', '=', 'assistant')
        .select((max) => max.fn.max('last.id').as('id')),
    )
    .orderBy('id')
    .execute()
  const parts = (role: 'assistant' | 'tool'): Part[] =>
    rows.filter((row) => row.role === role).flatMap((row) => [...readParts(row.content, row.content_version)])
  return unansweredCalls(parts('assistant'), parts('tool'))
}

/**
 * Takes a message of a locked chat and all that follow it out of the conversation; gives their ids that readers saw, and
 * the first one. Undefined when there is no such message of a user that readers see.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function deleteMessagesFrom(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  id: number,
): Promise<readonly number[]> {
  authorize(actor, 'update', ownedChat(chat))
  const rows = await tx
    .updateTable('chat_messages')
    .set({ deleted: true })
    .where('chat_id', '=', chat.id)
    .where('id', '>=', id)
    .where('deleted', '=', false)
    .returning(['id', 'visibility'])
    .execute()
  return rows
    .filter((row) => row.visibility !== 'model')
    .map((row) => row.id)
    .sort((a, b) => a - b)
}

/** A message of a chat that is not deleted; undefined when there is none. @throws ApiError 403 without `chat:update`. */
export async function findMessage(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  id: number,
): Promise<MessageRow | undefined> {
  authorize(actor, 'update', ownedChat(chat))
  return tx
    .selectFrom('chat_messages')
    .select(MESSAGE_COLUMNS)
    .where('chat_id', '=', chat.id)
    .where('id', '=', id)
    .where('deleted', '=', false)
    .executeTakeFirst()
}
