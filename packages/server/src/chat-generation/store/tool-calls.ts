import { type Expression, type Selectable, type SqlBool, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import {
  type ChatRow,
  FencedOff,
  type FilePart,
  type Json,
  jsonbOf,
  ownedChat,
  type ToolResultPart,
} from '../../chats/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatToolCallsTable } from '../../database/tables.ts'

/** What is known of a call that was begun (B-5). */
export type ToolCallRow = Selectable<ChatToolCallsTable>

/** A call of a tool, by its place in its message. */
export interface CallKey {
  readonly messageId: number
  readonly index: number
}

/**
 * Notes that calls are begun, and gives all of their message that were, by whichever run; empty when the run does not
 * have the chat any more.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function beginToolCalls(
  actor: Actor,
  db: Db,
  chat: ChatRow,
  calls: readonly (CallKey & { readonly toolCallId: string })[],
): Promise<readonly ToolCallRow[]> {
  authorize(actor, 'update', ownedChat(chat))
  const { rows } = await sql<ToolCallRow>`
    insert into chat_tool_calls (message_id, call_index, chat_id, tool_call_id)
    select l.message_id, l.call_index, c.id, l.tool_call_id
      from unnest(${calls.map((call) => call.messageId)}::bigint[], ${calls.map((call) => call.index)}::int[],
                  ${calls.map((call) => call.toolCallId)}::text[]) as l (message_id, call_index, tool_call_id)
      join chats c on c.id = ${chat.id} and c.runner_id = ${chat.runner_id}
    on conflict (message_id, call_index) do update set tool_call_id = excluded.tool_call_id
    returning *`.execute(db)
  return rows
}

/** Notes what finds the work of a call again. @throws ApiError 403 without `chat:update`. */
export async function storeResume(
  actor: Actor,
  db: Db,
  chat: ChatRow,
  call: CallKey,
  state: Json,
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await db
    .updateTable('chat_tool_calls')
    .set({ resume: jsonbOf(state) })
    .where('message_id', '=', call.messageId)
    .where('call_index', '=', call.index)
    .where(isOwn(chat))
    .execute()
}

/**
 * Notes in a transaction that the work of a call is done in it. The chat is held, so that no other run takes it before
 * that is known.
 *
 * @throws ApiError 403 without `chat:update`; FencedOff when the run does not have the chat any more.
 */
export async function storeDone(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  call: CallKey,
  state: Json,
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  const own = await tx
    .selectFrom('chats')
    .select('id')
    .where('id', '=', chat.id)
    .where('runner_id', '=', chat.runner_id)
    .forShare()
    .executeTakeFirst()
  if (own === undefined) throw new FencedOff('the run has lost its chat')
  await storeResume(actor, tx, chat, call, state)
}

/** Stores a result as soon as there is one. @throws ApiError 403 without `chat:update`. */
export async function storeResult(
  actor: Actor,
  db: Db,
  chat: ChatRow,
  call: CallKey,
  result: StoredResult,
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await db
    .updateTable('chat_tool_calls')
    .set({ result: jsonbOf(result) })
    .where('message_id', '=', call.messageId)
    .where('call_index', '=', call.index)
    .where(isOwn(chat))
    .execute()
}

/** Calls of the chat, while the run that asks still has it (CH-606). */
function isOwn(chat: ChatRow): Expression<SqlBool> {
  return sql<boolean>`chat_id in (select id from chats where id = ${chat.id} and runner_id = ${chat.runner_id})`
}

/** A result with the files that belong to it, as it waits for the others of its step. */
export interface StoredResult {
  readonly part: ToolResultPart
  readonly files: readonly FilePart[]
}

/** Results of calls of a message that are there already, by their places. @throws ApiError 403 without `chat:read`. */
export async function listResults(
  actor: Actor,
  db: Db,
  chat: ChatRow,
  messageId: number,
): Promise<ReadonlyMap<number, StoredResult>> {
  authorize(actor, 'read', ownedChat(chat))
  const rows = await db
    .selectFrom('chat_tool_calls')
    .select(['call_index', 'result'])
    .where('chat_id', '=', chat.id)
    .where('message_id', '=', messageId)
    .where('result', 'is not', null)
    .execute()
  return new Map(
    rows.flatMap((row) => {
      const result = readResult(row.result)
      return result === undefined ? [] : [[row.call_index, result]]
    }),
  )
}

/** What {@link storeResult} has stored; undefined for nothing. */
export function readResult(stored: unknown): StoredResult | undefined {
  // Written by `storeResult`, which takes nothing else.
  return stored === null || stored === undefined ? undefined : (stored as StoredResult)
}

/** Forgets calls whose results are committed, or never will be. @throws ApiError 403 without `chat:update`. */
export async function deleteToolCalls(actor: Actor, tx: Db, chat: ChatRow): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await tx.deleteFrom('chat_tool_calls').where('chat_id', '=', chat.id).execute()
}
