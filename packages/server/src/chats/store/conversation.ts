import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { type ChatRow, ownedChat, type QueuedRow } from './locked.ts'
import { MESSAGE_COLUMNS, type MessageRow } from './messages.ts'
import { type ChatView, chatObject } from './views.ts'

/** Which part of a conversation is asked for. */
export interface MessagePage {
  readonly beforeId?: number | undefined
  readonly afterId?: number | undefined
  readonly limit: number
  readonly ascending: boolean
}

/** Messages that readers see (CH-430). @throws ApiError 403 without `chat:read`. */
export async function listVisibleMessages(
  actor: Actor,
  db: Db,
  chat: ChatView,
  { beforeId, afterId, limit, ascending }: MessagePage,
): Promise<MessageRow[]> {
  authorize(actor, 'read', chatObject(chat))
  let query = db
    .selectFrom('chat_messages')
    .select(MESSAGE_COLUMNS)
    .where('chat_id', '=', chat.id)
    .where('deleted', '=', false)
    .where('visibility', 'in', ['user', 'both'])
    .orderBy('id', ascending ? 'asc' : 'desc')
    .limit(limit)
  if (beforeId !== undefined) query = query.where('id', '<', beforeId)
  if (afterId !== undefined) query = query.where('id', '>', afterId)
  return query.execute()
}

/** The messages that wait, in order. @throws ApiError 403 without `chat:read`. */
export async function listQueued(actor: Actor, db: Db, chat: ChatView): Promise<QueuedRow[]> {
  authorize(actor, 'read', chatObject(chat))
  return db
    .selectFrom('chat_queued_messages')
    .selectAll()
    .where('chat_id', '=', chat.id)
    .orderBy('position')
    .execute()
}

/** Characters of all prompts of one answer, of which only the last may go beyond. */
const MAX_PROMPT_CHARACTERS = 4_000_000

/**
 * What users have written in a chat, newest first, without what is blank; fewer where they are very long.
 *
 * @throws ApiError 403 without `chat:read`.
 */
export async function listPrompts(
  actor: Actor,
  db: Db,
  chat: ChatView,
  limit: number,
): Promise<{ readonly id: number; readonly text: string }[]> {
  authorize(actor, 'read', chatObject(chat))
  const { rows } = await sql<{ id: number; text: string }>`
    with prompts as (
      select m.id, case when m.content_version = 0 then m.content #>> '{}' else (
               select string_agg(part ->> 'text', '' order by n)
                 from jsonb_array_elements(m.content) with ordinality as parts(part, n)
                where part ->> 'type' = 'text') end as text
        from chat_messages m
       where m.chat_id = ${chat.id}::uuid and m.role = 'user' and not m.deleted and m.visibility <> 'model'),
    newest as (
      select id, text from prompts where btrim(text, E' \t\r\n') <> '' order by id desc limit ${limit}),
    counted as (
      select id, text, sum(length(text)) over (order by id desc) - length(text) as newer from newest)
    select id, text from counted where newer < ${MAX_PROMPT_CHARACTERS}::integer order by id desc`.execute(db)
  return rows
}

/** Whether models see more of a locked chat than its last summary (CH-803). @throws ApiError 403 without `chat:update`. */
export async function canBeCompacted(actor: Actor, tx: Db, chat: ChatRow): Promise<boolean> {
  authorize(actor, 'update', ownedChat(chat))
  const row = await tx
    .selectFrom('chat_messages')
    .select('id')
    .where('chat_id', '=', chat.id)
    .where('deleted', '=', false)
    .where('compressed', '=', false)
    .where('role', '!=', 'system')
    .where('visibility', 'in', ['model', 'both'])
    .where(sql<boolean>`id > ${boundary(chat.id)}`)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Id of the newest summary of a chat; 0 without any. */
function boundary(chatId: string) {
  return sql<number>`coalesce((
    select max(b.id) from chat_messages b
     where b.chat_id = ${chatId}::uuid and b.compressed and b.role = 'user' and not b.deleted), 0)`
}
