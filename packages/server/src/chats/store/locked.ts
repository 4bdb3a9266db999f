import { type Selectable, sql, type Updateable } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatQueuedMessagesTable, ChatsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'
import { isUuid } from '../../search/index.ts'
import type { Part } from '../parts.ts'
import { writeParts } from '../parts.ts'

/** New values of columns of a chat. */
export type ChatChanges = Updateable<ChatsTable>

/** A stored chat. */
export type ChatRow = Selectable<ChatsTable>

/** A chat with the number of messages that wait in its queue. */
export interface QueuedCount {
  readonly chat: ChatRow
  readonly queued: number
}

/** A message that waits. */
export type QueuedRow = Selectable<ChatQueuedMessagesTable>

/** What its owner, or an administrator of its organization, may do; access lists let others read only (CH-304). */
export function ownedChat(row: Pick<ChatRow, 'id' | 'owner_id' | 'organization_id'>): ResourceObject {
  return { type: 'chat', id: row.id, owner: row.owner_id, organization: row.organization_id }
}

/**
 * Locks a chat for changes of its execution and raises its snapshot version, from which the other versions are derived
 * (CH-110). It has to be the first statement of its transaction that touches the chat.
 *
 * @throws ApiError 404 when it is absent or may not be changed (CH-302).
 */
export async function lockChat(actor: Actor, tx: Db, id: string): Promise<QueuedCount> {
  if (!isUuid(id)) throw notFound()
  const row = await tx
    .updateTable('chats')
    .set({ snapshot_version: sql<number>`snapshot_version + 1` })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'update', ownedChat(row))) throw notFound()
  // A statement of its own: one that has waited for the lock sees the queue as it was before it waited.
  const { queued } = await tx
    .selectFrom('chat_queued_messages')
    .select(({ fn }) => fn.countAll<number>().as('queued'))
    .where('chat_id', '=', id)
    .executeTakeFirstOrThrow()
  return { chat: row, queued: Number(queued) }
}

/** Stores what changed of a locked chat. @throws ApiError 403 without `chat:update`. */
export async function updateLockedChat(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  changes: ChatChanges,
): Promise<ChatRow> {
  authorize(actor, 'update', ownedChat(chat))
  return tx
    .updateTable('chats')
    .set(changes)
    .where('id', '=', chat.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** A message to queue; the model was resolved already (CH-130). */
export interface NewQueuedMessage {
  readonly parts: readonly Part[]
  readonly modelConfigId: string
  readonly reasoningEffort: string | null
  readonly createdBy: string
}

/** Puts a message at the end of the queue of a locked chat. @throws ApiError 403 without `chat:update`. */
export async function insertQueued(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  message: NewQueuedMessage,
): Promise<QueuedRow> {
  authorize(actor, 'update', ownedChat(chat))
  return tx
    .insertInto('chat_queued_messages')
    .values({
      chat_id: chat.id,
      created_by: message.createdBy,
      content: writeParts(message.parts),
      model_config_id: message.modelConfigId,
      reasoning_effort: message.reasoningEffort,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/**
 * Takes a message out of the queue of a locked chat: the one with this id, else the first; undefined without one.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function takeQueued(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  id?: number,
): Promise<QueuedRow | undefined> {
  authorize(actor, 'update', ownedChat(chat))
  return tx
    .deleteFrom('chat_queued_messages')
    .where('chat_id', '=', chat.id)
    .where('id', '=', (eb) =>
      id === undefined
        ? eb
            .selectFrom('chat_queued_messages as q')
            .select('q.id')
            .where('q.chat_id', '=', chat.id)
            .orderBy('q.position')
            .limit(1)
        : eb.val(id),
    )
    .returningAll()
    .executeTakeFirst()
}

/** Moves a message to the head of the queue of a locked chat; whether it is there. @throws ApiError 403. */
export async function moveQueuedToHead(actor: Actor, tx: Db, chat: ChatRow, id: number): Promise<boolean> {
  authorize(actor, 'update', ownedChat(chat))
  const { numUpdatedRows } = await tx
    .updateTable('chat_queued_messages')
    .set((eb) => ({
      position: eb
        .selectFrom('chat_queued_messages as q')
        .where('q.chat_id', '=', chat.id)
        .select(sql<number>`min(q.position) - 1`.as('first')),
    }))
    .where('chat_id', '=', chat.id)
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Empties the queue of a locked chat. @throws ApiError 403 without `chat:update`. */
export async function clearQueue(actor: Actor, tx: Db, chat: ChatRow): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await tx.deleteFrom('chat_queued_messages').where('chat_id', '=', chat.id).execute()
}
