import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import { type ChatRow, ownedChat } from '../../chats/index.ts'
import type { Db } from '../../database/index.ts'

/** A chat as it is now; undefined when it is absent or may not be read. */
export async function findChatNow(actor: Actor, db: Db, id: string): Promise<ChatRow | undefined> {
  const row = await db.selectFrom('chats').selectAll().where('id', '=', id).executeTakeFirst()
  return row !== undefined && isAllowed(actor, 'read', ownedChat(row)) ? row : undefined
}

/**
 * Ties a chat to a workspace, so that whoever watches sees its build (CH-1110). A workspace that it was bound to since
 * it was read stays.
 *
 * @returns whether the chat is bound to this workspace now.
 * @throws ApiError 403 without `chat:update`.
 */
export async function bindWorkspace(
  actor: Actor,
  db: Db,
  chat: ChatRow,
  workspaceId: string,
  now: Date,
): Promise<boolean> {
  authorize(actor, 'update', ownedChat(chat))
  const { numUpdatedRows } = await db
    .updateTable('chats')
    .set({ workspace_id: workspaceId, updated_at: now })
    .where('id', '=', chat.id)
    .where('workspace_id', 'is not distinct from', chat.workspace_id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
