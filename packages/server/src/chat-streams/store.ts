import { sql } from 'kysely'

import { type Actor, authorize, sqlFilter } from '../authz/index.ts'
import {
  type ChatRow,
  MESSAGE_COLUMNS,
  type MessageRow,
  ownedChat,
  type QueuedRow,
  type ReadableChat,
} from '../chats/index.ts'
import type { Db } from '../database/index.ts'

/** The messages that readers see after this id, in order. @throws ApiError 403. */
export async function readMessages(
  actor: Actor,
  db: Db,
  { chat, userAcl, groupAcl }: ReadableChat,
  afterId: number,
): Promise<MessageRow[]> {
  authorize(actor, 'read', { ...ownedChat(chat), userAcl, groupAcl })
  return db
    .selectFrom('chat_messages')
    .select(MESSAGE_COLUMNS)
    .where('chat_id', '=', chat.id)
    .where('id', '>', afterId)
    .where('deleted', '=', false)
    .where('visibility', 'in', ['user', 'both'])
    .orderBy('id')
    .execute()
}

/** What of a conversation has changed since this version, as readers see it. @throws ApiError 403. */
export async function changedMessages(
  actor: Actor,
  db: Db,
  { chat, userAcl, groupAcl }: ReadableChat,
  since: number,
): Promise<MessageRow[]> {
  authorize(actor, 'read', { ...ownedChat(chat), userAcl, groupAcl })
  return db
    .selectFrom('chat_messages')
    .select(MESSAGE_COLUMNS)
    .where('chat_id', '=', chat.id)
    .where('revision', '>', since)
    .where('visibility', 'in', ['user', 'both'])
    .orderBy('id')
    .execute()
}

/** The last answer of a conversation and the results after it, in order. @throws ApiError 403. */
export async function lastAnswer(
  actor: Actor,
  db: Db,
  { chat, userAcl, groupAcl }: ReadableChat,
): Promise<MessageRow[]> {
  authorize(actor, 'read', { ...ownedChat(chat), userAcl, groupAcl })
  return db
    .selectFrom('chat_messages')
    .select(MESSAGE_COLUMNS)
    .where('chat_id', '=', chat.id)
    .where('deleted', '=', false)
    .where('id', '>=', (eb) =>
      eb
        .selectFrom('chat_messages as m')
        .where('m.chat_id', '=', chat.id)
        .where('m.deleted', '=', false)
        .where('m.role', '=', 'assistant')
        .select((max) => max.fn.max('m.id').as('id')),
    )
    .orderBy('id')
    .execute()
}

/** The messages that wait, in order. @throws ApiError 403. */
export async function readQueue(
  actor: Actor,
  db: Db,
  { chat, userAcl, groupAcl }: ReadableChat,
): Promise<QueuedRow[]> {
  authorize(actor, 'read', { ...ownedChat(chat), userAcl, groupAcl })
  return db
    .selectFrom('chat_queued_messages')
    .selectAll()
    .where('chat_id', '=', chat.id)
    .orderBy('position')
    .execute()
}

/** Versions of these chats, for whoever may have missed a change (CH-903). @throws ApiError 403 without `chat:read`. */
export async function snapshotVersions(
  actor: Actor,
  db: Db,
  ids: readonly string[],
): Promise<Pick<ChatRow, 'id' | 'snapshot_version'>[]> {
  authorize(actor, 'read', { type: 'chat' })
  return db
    .selectFrom('chats')
    .select(['id', 'snapshot_version'])
    .where('id', '=', sql<string>`any(${ids as string[]}::uuid[])`)
    .execute()
}

/** Notes that the owner has seen everything up to the last answer (CH-907). @throws ApiError 403 without `chat:update`. */
export async function markRead(
  actor: Actor,
  db: Db,
  chat: Pick<ChatRow, 'id' | 'owner_id' | 'organization_id'>,
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  const last = db
    .selectFrom('chat_messages as m')
    .where('m.chat_id', '=', chat.id)
    .where('m.role', '=', 'assistant')
    .where('m.deleted', '=', false)
    .where('m.visibility', 'in', ['user', 'both'])
    .select((eb) => eb.fn.max('m.id').as('id'))
  await db
    .updateTable('chats as c')
    .set({ last_read_message_id: last })
    .where('c.id', '=', chat.id)
    .where('c.last_read_message_id', 'is distinct from', last)
    .execute()
}

/** Shared chats that one watcher follows. */
const MAX_SHARED = 1_000

/** Ids of roots that others share with the actor, the latest first. */
export async function listSharedRoots(actor: Actor, db: Db): Promise<string[]> {
  if (actor.unshared?.includes('chat') === true) return []
  // The id of an organization stands for everyone in it (CH-304).
  const groups = [...actor.groups, ...actor.roles.flatMap((role) => role.organizationId ?? [])]
  const rows = await db
    .selectFrom('chats as c')
    .select('c.id')
    .where('c.parent_chat_id', 'is', null)
    .where('c.owner_id', '!=', actor.id)
    .where(
      sql<boolean>`(c.user_acl <> '{}' or c.group_acl <> '{}')
        and (jsonb_exists(c.user_acl, ${actor.id}) or jsonb_exists_any(c.group_acl, ${groups}::text[]))`,
    )
    .where(
      sqlFilter(actor, 'read', 'chat', {
        id: sql.ref('c.id'),
        owner: sql.ref('c.owner_id'),
        organization: sql.ref('c.organization_id'),
        userAcl: sql.ref('c.user_acl'),
        groupAcl: sql.ref('c.group_acl'),
      }),
    )
    .orderBy('c.updated_at', 'desc')
    .limit(MAX_SHARED)
    .execute()
  return rows.map((row) => row.id)
}
