import {
  type CreateChatMessageRequest,
  CreateChatMessageResponse,
  type EditChatMessageRequest,
  type EditChatMessageResponse,
} from '@slipway/contract'
import { type Actor, isAllowed } from '../authz/index.ts'
import { linkFiles } from '../chat-files/index.ts'
import { parseReasoningEffort, resolveModel } from '../chat-settings/index.ts'
import type { SessionRequest } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { chosenServers } from '../mcp-servers/index.ts'
import { RepeatableRequest } from '../repeatable-requests/index.ts'
import { readPlanMode, requireGateway, requireOwner, requireUnarchived } from './checks.ts'
import type { ChatParts } from './create-chat.ts'
import { readInput } from './input-content.ts'
import { readId } from './messages.ts'
import { presentMessage, presentQueued, presentVisible } from './present.ts'
import { changeChat } from './state/change-chat.ts'
import type { LockedChat } from './state/locked-chat.ts'
import type { UserMessage } from './state/locked-row.ts'
import { ownedChat, type QueuedRow } from './store/locked.ts'
import { findMessage, type MessageRow } from './store/messages.ts'
import { type ChatView, getChat } from './store/views.ts'

/**
 * A chat that its owner may write to now (CH-303).
 *
 * @throws ApiError 503 without the gateway, 404 for who may not change it, 403 for who does not own it, 400 for an
 * archived one.
 */
export async function writableChat({ context }: ChatParts, actor: Actor, id: string): Promise<ChatView> {
  requireGateway(context)
  const chat = await getChat(actor, context.database.db, id)
  if (!isAllowed(actor, 'update', ownedChat(chat))) throw notFound()
  requireOwner(actor, chat)
  requireUnarchived(chat)
  return chat
}

/** Sends a message to a chat: now, or when what it does has ended (CH-431). @throws ApiError. */
export async function sendMessage(
  parts: ChatParts,
  incoming: Pick<SessionRequest, 'actor' | 'params' | 'raw' | 'reply'> & {
    readonly body: CreateChatMessageRequest
  },
): Promise<CreateChatMessageResponse> {
  const { context, settings } = parts
  const { actor, body } = incoming
  const { db } = context.database
  const chat = await writableChat(parts, actor, incoming.params.chat ?? '')
  const request = new RepeatableRequest(
    incoming,
    { guard: { action: 'update', object: ownedChat(chat) }, operation: `send ${chat.id}` },
    CreateChatMessageResponse,
  )
  const before = await request.answered(db)
  if (before !== undefined) return before
  const content = await readInput(actor, db, body.content)
  const planMode = readPlanMode(body.plan_mode)
  const effort = parseReasoningEffort(body.reasoning_effort)
  const model = await resolveModel(settings, actor, db, {
    ownerId: chat.owner_id,
    modelConfigId: body.model_config_id,
    reasoningEffort: effort,
    previousModelConfigId: chat.last_model_config_id,
  })
  const mcpServerIds =
    body.mcp_server_ids === undefined || chat.mode === 'explore'
      ? undefined
      : await chosenServers(actor, db, chat.organization_id, body.mcp_server_ids, chat.mcp_server_ids)
  const message: UserMessage = {
    parts: content.parts,
    modelConfigId: model.config.id,
    reasoningEffort: model.reasoningEffort ?? null,
    createdBy: actor.id,
  }
  return context.database.transaction((tx) =>
    request.once(tx, () =>
      changeChat(context, actor, chat.id, async (locked) => {
        requireUnarchived(locked.row)
        locked.configure({
          ...(planMode === undefined ? {} : { planMode }),
          ...(mcpServerIds === undefined ? {} : { mcpServerIds }),
        })
        await linkFiles(actor, tx, chat.id, content.fileIds)
        return answerOf(await send(locked, message, body.busy_behavior ?? 'queue'))
      }),
    ),
  )
}

/** What a message has led to. */
interface Sent {
  readonly messages: readonly MessageRow[]
  readonly queued: QueuedRow | undefined
}

async function send(chat: LockedChat, message: UserMessage, whileBusy: 'queue' | 'interrupt'): Promise<Sent> {
  switch (chat.row.status) {
    case 'waiting':
    case 'error':
      return chat.sendIdle(message)
    case 'running':
    case 'interrupting':
    case 'requires_action':
      return whileBusy === 'interrupt'
        ? chat.sendInterrupt(message)
        : { messages: [], queued: await chat.enqueue(message) }
  }
}

function answerOf({ messages, queued }: Sent): CreateChatMessageResponse {
  const shown = presentVisible(messages)
  const message = shown.findLast((row) => row.role === 'user')
  return {
    ...(message === undefined ? {} : { message }),
    ...(shown.length === 0 ? {} : { messages: shown }),
    ...(queued === undefined ? {} : { queued_message: presentQueued(queued) }),
    queued: queued !== undefined,
  }
}

/** Puts another message in the place of one and goes on from there (CH-433). @throws ApiError. */
export async function editMessage(
  parts: ChatParts,
  actor: Actor,
  chatId: string,
  messageId: string,
  body: EditChatMessageRequest,
): Promise<EditChatMessageResponse> {
  const { context, settings } = parts
  const { db } = context.database
  const chat = await writableChat(parts, actor, chatId)
  const id = readId('message', messageId)
  const old = await findMessage(actor, db, chat, id)
  if (old === undefined || old.visibility === 'model') throw notFound()
  if (old.role !== 'user') throw badRequest('Only messages of users can be edited.')
  const content = await readInput(actor, db, body.content)
  const effort = parseReasoningEffort(body.reasoning_effort)
  const model = await resolveModel(settings, actor, db, {
    ownerId: chat.owner_id,
    modelConfigId: body.model_config_id,
    previousModelConfigId: old.model_config_id ?? chat.last_model_config_id,
  })
  const message: UserMessage = {
    parts: content.parts,
    modelConfigId: model.config.id,
    reasoningEffort: effort ?? old.reasoning_effort,
    createdBy: actor.id,
  }
  const { messages, deleted } = await changeChat(context, actor, chat.id, async (locked, tx) => {
    requireUnarchived(locked.row)
    await linkFiles(actor, tx, chat.id, content.fileIds)
    return locked.edit(id, async () => message)
  })
  const replacement = messages.findLast((row) => row.role === 'user')
  if (replacement === undefined) throw new Error('an edit has inserted no message')
  return {
    message: presentMessage(replacement),
    messages: presentVisible(messages),
    deleted_message_ids: [...deleted],
  }
}
