import { sql, type Updateable } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'
import { isUuid } from '../../search/index.ts'
import { type ChatRow, ownedChat } from './locked.ts'

/** What may change of a chat without its execution: no version moves for it (CH-107). */
export type ChatMetadata = Pick<
  Updateable<ChatsTable>,
  | 'title'
  | 'labels'
  | 'plan_mode'
  | 'workspace_id'
  | 'updated_at'
  | 'last_turn_summary'
  | 'summary'
  | 'summary_generated_at'
>

/** Holds a chat until the transaction ends. @throws ApiError 404 when it is absent or may not be changed (CH-302). */
export async function holdChat(actor: Actor, tx: Db, id: string): Promise<ChatRow> {
  if (!isUuid(id)) throw notFound()
  const row = await tx.selectFrom('chats').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'update', ownedChat(row))) throw notFound()
  return row
}

/** Stores changes of a held chat. @throws ApiError 403 without `chat:update`. */
export async function updateMetadata(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  changes: ChatMetadata,
): Promise<ChatRow> {
  authorize(actor, 'update', ownedChat(chat))
  return tx
    .updateTable('chats')
    .set(changes)
    .where('id', '=', chat.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Ids of a root and all that belong to it, the root first. @throws ApiError 403 without `chat:update`. */
export async function listFamilyIds(actor: Actor, tx: Db, root: ChatRow): Promise<string[]> {
  authorize(actor, 'update', ownedChat(root))
  const rows = await tx
    .selectFrom('chats')
    .select('id')
    .where((eb) => eb.or([eb('id', '=', root.id), eb('root_chat_id', '=', root.id)]))
    .orderBy(sql`id <> ${root.id}::uuid`)
    .orderBy('id')
    .execute()
  return rows.map((row) => row.id)
}

/**
 * Lets nobody else change which chats of the owner are pinned until the transaction ends (CH-422). Before any chat is
 * held, since storing an order touches others too.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function lockPins(
  actor: Actor,
  tx: Db,
  chat: Pick<ChatRow, 'id' | 'owner_id' | 'organization_id'>,
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await sql`select pg_advisory_xact_lock(hashtextextended(${`chat pins ${chat.owner_id}`}, 0))`.execute(tx)
}

/** Ids of the pinned chats of the owner of a chat, in order. @throws ApiError 403 without `chat:update`. */
export async function listPins(actor: Actor, tx: Db, chat: ChatRow): Promise<string[]> {
  authorize(actor, 'update', ownedChat(chat))
  const rows = await tx
    .selectFrom('chats')
    .select('id')
    .where('owner_id', '=', chat.owner_id)
    .where('pin_order', '>', 0)
    .orderBy('pin_order')
    .orderBy('id')
    .execute()
  return rows.map((row) => row.id)
}

/** Stores the order of the pinned chats of the owner of a held chat; all others of the owner are not pinned. @throws ApiError 403. */
export async function storePins(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  order: readonly string[],
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await sql`
    update chats c set pin_order = coalesce(o.place, 0)
      from chats old left join unnest(${[...order]}::uuid[]) with ordinality as o(id, place) on o.id = old.id
     where c.id = old.id and old.owner_id = ${chat.owner_id}::uuid
       and (old.pin_order > 0 or o.id is not null) and c.pin_order <> coalesce(o.place, 0)`.execute(tx)
}

/** Whom a chat is open to. */
export interface ChatLists {
  readonly users: Readonly<Record<string, readonly string[]>>
  readonly groups: Readonly<Record<string, readonly string[]>>
}

/** Holds a root whose lists are to be changed. @throws ApiError 404 when it is absent, 403 without `chat:share`. */
export async function holdSharedChat(actor: Actor, tx: Db, id: string): Promise<ChatRow> {
  const row = await tx.selectFrom('chats').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
  if (row === undefined) throw notFound()
  authorize(actor, 'share', ownedChat(row))
  return row
}

/** Stores the access lists of a held root (CH-304). @throws ApiError 403 without `chat:share`. */
export async function storeLists(actor: Actor, tx: Db, chat: ChatRow, lists: ChatLists): Promise<ChatRow> {
  authorize(actor, 'share', ownedChat(chat))
  return tx
    .updateTable('chats')
    .set({ user_acl: JSON.stringify(lists.users), group_acl: JSON.stringify(lists.groups) })
    .where('id', '=', chat.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}
