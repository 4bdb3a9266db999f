import type { Insertable } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatsTable } from '../../database/tables.ts'
import { badRequest } from '../../errors/index.ts'
import type { ChatRow } from './locked.ts'
import { insertMessages, type MessageRow, type NewMessage } from './messages.ts'

/** A chat to make. Its status is always said (CH-101). */
export interface NewChat {
  /** Chosen by who has to find it again. */
  readonly id?: string | undefined
  readonly status: ChatRow['status']
  readonly ownerId: string
  readonly organizationId: string
  readonly clientType: ChatRow['client_type']
  readonly title: string
  readonly modelConfigId: string
  readonly reasoningEffort: string | null
  readonly workspaceId: string | null
  readonly parent?: Pick<ChatRow, 'id' | 'root_chat_id'> | undefined
  readonly mode?: ChatRow['mode'] | undefined
  readonly planMode?: 'plan' | null | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly mcpServerIds?: readonly string[] | undefined
  readonly dynamicTools?: readonly unknown[] | undefined
}

/**
 * Makes a chat with its first messages. Its row is written once, as it stays: with versions that its messages would lead
 * to, so that no trigger writes it again (CH-101, B-2).
 *
 * @throws ApiError 403 without `chat:create` for that owner in that organization, 400 below an archived chat.
 */
export async function insertChat(
  actor: Actor,
  tx: Db,
  chat: NewChat,
  messages: readonly NewMessage[],
): Promise<{ readonly chat: ChatRow; readonly messages: readonly MessageRow[] }> {
  authorize(actor, 'create', { type: 'chat', owner: chat.ownerId, organization: chat.organizationId })
  if (chat.parent !== undefined) {
    // Held, so that whoever archives the family meanwhile finds the new member or is seen here (CH-1121).
    const root = await tx
      .selectFrom('chats')
      .select('archived')
      .where('id', '=', chat.parent.root_chat_id ?? chat.parent.id)
      .forShare()
      .executeTakeFirst()
    if (root?.archived !== false) throw badRequest('Chat is archived.', { detail: 'Unarchive it first.' })
  }
  const values: Insertable<ChatsTable> = {
    ...(chat.id === undefined ? {} : { id: chat.id }),
    status: chat.status,
    owner_id: chat.ownerId,
    organization_id: chat.organizationId,
    client_type: chat.clientType,
    title: chat.title,
    last_model_config_id: chat.modelConfigId,
    last_reasoning_effort: chat.reasoningEffort,
    workspace_id: chat.workspaceId,
    parent_chat_id: chat.parent?.id ?? null,
    root_chat_id: chat.parent === undefined ? null : (chat.parent.root_chat_id ?? chat.parent.id),
    mode: chat.mode ?? null,
    plan_mode: chat.planMode ?? null,
    labels: JSON.stringify(chat.labels ?? {}),
    mcp_server_ids: [...(chat.mcpServerIds ?? [])],
    dynamic_tools: JSON.stringify(chat.dynamicTools ?? []),
    snapshot_version: 1,
    history_version: messages.length === 0 ? 0 : 1,
  }
  const row = await tx.insertInto('chats').values(values).returningAll().executeTakeFirstOrThrow()
  return { chat: row, messages: await insertMessages(actor, tx, row, messages) }
}
