import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import { type ChatRow, ownedChat, readParts, textOf } from '../../chats/index.ts'
import type { Db } from '../../database/index.ts'

/** Messages that are looked through for what a subagent has reported. */
const LOOK_BACK = 20

/** Chats that a chat has started, the newest first, as far as the actor may read them. */
export async function listSubagents(
  actor: Actor,
  db: Db,
  chatId: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<ChatRow[]> {
  const rows = await db
    .selectFrom('chats')
    .selectAll()
    .where('parent_chat_id', '=', chatId)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute()
  return rows.filter((row) => isAllowed(actor, 'read', ownedChat(row)))
}

/** The last text that the model of a chat has written; empty before there is one. @throws ApiError 403 without `chat:read`. */
export async function findReport(actor: Actor, db: Db, chat: ChatRow): Promise<string> {
  authorize(actor, 'read', ownedChat(chat))
  const rows = await db
    .selectFrom('chat_messages')
    .select(['content', 'content_version'])
    .where('chat_id', '=', chat.id)
    .where('role', '=', 'assistant')
    .where('deleted', '=', false)
    .where('compressed', '=', false)
    .orderBy('id', 'desc')
    .limit(LOOK_BACK)
    .execute()
  for (const row of rows) {
    const text = textOf(readParts(row.content, row.content_version))
    if (text !== '') return text
  }
  return ''
}
