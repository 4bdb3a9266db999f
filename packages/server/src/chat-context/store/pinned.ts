import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import { type ChatRow, ownedChat } from '../../chats/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatContextsTable } from '../../database/tables.ts'
import type { AgentContext, ContextResource } from './agent-context.ts'

/** The copy that a chat has of what its workspace told (CH-1301). */
export interface PinnedContext
  extends Pick<Selectable<ChatContextsTable>, 'agent_id' | 'operating_system' | 'directory'> {
  readonly resources: readonly ContextResource[]
}

const COLUMNS = ['source', 'kind', 'status', 'size_bytes', 'error', 'body', 'attributes'] as const

/** Copies what an agent has pushed into a chat, in place of the copy before. @throws ApiError 403 without `chat:update`. */
export async function pinContext(
  actor: Actor,
  tx: Db,
  chat: Pick<ChatRow, 'id' | 'owner_id' | 'organization_id'>,
  agentId: string,
  context: AgentContext,
  now: Date,
): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  // The row of the chat first, so that two copies do not mix.
  await tx
    .updateTable('chats')
    .set({
      context_aggregate_hash: context.hash,
      context_dirty_since: null,
      context_error: context.error === '' ? null : context.error,
    })
    .where('id', '=', chat.id)
    .execute()
  const place = {
    agent_id: agentId,
    operating_system: context.operatingSystem,
    directory: context.directory,
    pinned_at: now,
  }
  await tx
    .insertInto('chat_contexts')
    .values({ chat_id: chat.id, ...place })
    .onConflict((oc) => oc.column('chat_id').doUpdateSet(place))
    .execute()
  await tx.deleteFrom('chat_context_resources').where('chat_id', '=', chat.id).execute()
  const rows = context.resources.map((resource, position) => ({
    ...resource,
    attributes: JSON.stringify(resource.attributes),
    chat_id: chat.id,
    position,
  }))
  if (rows.length > 0) await tx.insertInto('chat_context_resources').values(rows).execute()
}

/** The copy of a chat; undefined without one. @throws ApiError 403 without `chat:read`. */
export async function findPinnedContext(
  actor: Actor,
  db: Db,
  chat: Pick<ChatRow, 'id' | 'owner_id' | 'organization_id'>,
): Promise<PinnedContext | undefined> {
  authorize(actor, 'read', ownedChat(chat))
  const row = await db
    .selectFrom('chat_contexts')
    .select(['agent_id', 'operating_system', 'directory'])
    .where('chat_id', '=', chat.id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const resources = await db
    .selectFrom('chat_context_resources')
    .select(COLUMNS)
    .where('chat_id', '=', chat.id)
    .orderBy('position')
    .execute()
  return { ...row, resources }
}

/** Resources of chats without their texts, for readers who may see these chats. @throws ApiError 403 without `chat:read`. */
export async function listPinnedResources(
  actor: Actor,
  db: Db,
  chatIds: readonly string[],
): Promise<(Omit<ContextResource, 'body'> & { readonly chat_id: string })[]> {
  authorize(actor, 'read', { type: 'chat' })
  return db
    .selectFrom('chat_context_resources')
    .select(['chat_id', 'source', 'kind', 'status', 'size_bytes', 'error', 'attributes'])
    .where(sql<boolean>`chat_id = any(${[...chatIds]}::uuid[])`)
    .orderBy('position')
    .execute()
}

/** Chats of an owner in a workspace whose copy is an older one, that the actor may change. */
export async function listDirtyChats(
  actor: Actor,
  db: Db,
  workspaceId: string,
  ownerId: string,
): Promise<Pick<ChatRow, 'id' | 'owner_id' | 'organization_id'>[]> {
  const rows = await db
    .selectFrom('chats')
    .select(['id', 'owner_id', 'organization_id'])
    .where('workspace_id', '=', workspaceId)
    .where('owner_id', '=', ownerId)
    .where('context_dirty_since', 'is not', null)
    .limit(1_000)
    .execute()
  return rows.filter((row) => isAllowed(actor, 'update', ownedChat(row)))
}
