import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import { type ChatRow, MESSAGE_COLUMNS, type MessageRow, ownedChat } from '../../chats/index.ts'
import type { Db } from '../../database/index.ts'

/** A chat as it is now; undefined when it is gone, or may not be changed. */
export async function findChat(actor: Actor, db: Db, id: string): Promise<ChatRow | undefined> {
  const row = await db.selectFrom('chats').selectAll().where('id', '=', id).executeTakeFirst()
  return row !== undefined && isAllowed(actor, 'update', ownedChat(row)) ? row : undefined
}

/**
 * What the model sees of a chat, in order: all system rows, and what was said since the newest compaction (CH-703).
 *
 * @throws ApiError 403 without `chat:read`.
 */
export async function listModelMessages(actor: Actor, db: Db, chat: ChatRow): Promise<MessageRow[]> {
  authorize(actor, 'read', ownedChat(chat))
  return db
    .selectFrom('chat_messages as m')
    .select(MESSAGE_COLUMNS.map((column) => `m.${column}` as const))
    .where('m.chat_id', '=', chat.id)
    .where('m.deleted', '=', false)
    .where('m.visibility', 'in', ['model', 'both'])
    .where((eb) =>
      eb.or([
        eb('m.role', '=', 'system'),
        eb(
          'm.id',
          '>=',
          eb.fn.coalesce(
            eb
              .selectFrom('chat_messages as b')
              .where('b.chat_id', '=', chat.id)
              .where('b.compressed', '=', true)
              .where('b.role', '=', 'user')
              .where('b.deleted', '=', false)
              .select((max) => max.fn.max('b.id').as('id')),
            eb.lit(0),
          ),
        ),
      ]),
    )
    .orderBy('m.id')
    .execute()
}

/**
 * How often the model was asked since the last message of a user, whatever was summarized since (CH-700).
 *
 * @throws ApiError 403 without `chat:read`.
 */
export async function countTurnSteps(actor: Actor, db: Db, chat: ChatRow): Promise<number> {
  authorize(actor, 'read', ownedChat(chat))
  const { steps } = await db
    .selectFrom('chat_messages')
    .select(({ fn }) => fn.countAll<number>().as('steps'))
    .where('chat_id', '=', chat.id)
    .where('role', '=', 'assistant')
    .where('deleted', '=', false)
    .where('compressed', '=', false)
    .where('id', '>', (eb) =>
      eb.fn.coalesce(
        eb
          .selectFrom('chat_messages as u')
          .where('u.chat_id', '=', chat.id)
          .where('u.role', '=', 'user')
          .where('u.deleted', '=', false)
          .where('u.compressed', '=', false)
          .select((max) => max.fn.max('u.id').as('id')),
        eb.lit(0),
      ),
    )
    .executeTakeFirstOrThrow()
  return Number(steps)
}

/** The messages that people see, newest last, of the last so many and the first; for titles (CH-1011). @throws ApiError 403. */
export async function listSpoken(
  actor: Actor,
  db: Db,
  chat: ChatRow,
  window: number,
): Promise<readonly MessageRow[]> {
  authorize(actor, 'read', ownedChat(chat))
  const spoken = db
    .selectFrom('chat_messages')
    .select(MESSAGE_COLUMNS)
    .where('chat_id', '=', chat.id)
    .where('deleted', '=', false)
    .where('compressed', '=', false)
    .where('visibility', 'in', ['user', 'both'])
    .where('role', 'in', ['user', 'assistant'])
  const [first, last] = await Promise.all([
    spoken.orderBy('id').limit(1).execute(),
    spoken.orderBy('id', 'desc').limit(window).execute(),
  ])
  const known = new Set(last.map((row) => row.id))
  return [...first.filter((row) => !known.has(row.id)), ...last.reverse()]
}

/**
 * Stores what a model has made of a title, unless somebody has changed it meanwhile (CH-1010); whether it was stored.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function replaceTitle(
  actor: Actor,
  db: Db,
  chat: ChatRow,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<boolean> {
  authorize(actor, 'update', ownedChat(chat))
  const { numUpdatedRows } = await db
    .updateTable('chats')
    .set({ title: to })
    .where('id', '=', chat.id)
    .where('title', '=', from)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Stores what the last turn was about, while nothing has happened since (CH-1012). @throws ApiError 403. */
export async function storeTurnSummary(
  actor: Actor,
  db: Db,
  chat: Pick<ChatRow, 'id' | 'owner_id' | 'organization_id' | 'history_version'>,
  summary: string,
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await db
    .updateTable('chats')
    .set({ last_turn_summary: summary })
    .where('id', '=', chat.id)
    .where('history_version', '=', chat.history_version)
    .where('status', '=', 'waiting')
    .execute()
}
