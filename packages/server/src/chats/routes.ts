import * as contract from '@slipway/contract'
import { costOfChats } from '../ai-gateway/index.ts'
import { requireNoGatewayLimits } from '../ai-governance/index.ts'
import { audited } from '../audit/index.ts'
import type { Actor } from '../authz/index.ts'
import { type BoundRoute, forSession, type SessionRequest } from '../edge/index.ts'
import { changeChatLists, chatLists } from './access-lists.ts'
import { announceShared } from './announce.ts'
import { type ChatParts, createChat } from './create-chat.ts'
import { chatsByWorkspace, listChats } from './list-chats.ts'
import { listChatPrompts, listMessages } from './messages.ts'
import { presentFamily } from './present-family.ts'
import {
  compactChat,
  deleteQueued,
  interruptChat,
  promoteQueued,
  reconcileChat,
  retryNow,
  submitToolResults,
} from './run-control.ts'
import { editMessage, sendMessage } from './send-message.ts'
import { getChat } from './store/views.ts'
import { type ChatChange, updateChat } from './update-chat.ts'

/** Bytes of what carries messages, tools or results (CH-401, CH-1501). */
const BODY_LIMIT = 256 * 1024

/** Chats: made, listed, written to and steered (CH-4.1). */
export function chatRoutes(parts: ChatParts): BoundRoute[] {
  const { context } = parts
  const { db } = context.database
  const limits = { bodyLimit: BODY_LIMIT }
  const idOf = ({ params }: Pick<SessionRequest, 'params'>): string => params.chat ?? ''
  const mayRunModels = ({
    key,
  }: {
    readonly key: { readonly id: string; readonly userId: string }
  }): Promise<void> => requireNoGatewayLimits(db, { id: key.id, user_id: key.userId })
  /** Answers with the chat as it is after something was done to it. */
  const shown = async (actor: Actor, id: string, work: Promise<void>): Promise<contract.Chat> => {
    await work
    return presentFamily(parts, actor, id)
  }
  /** Makes a change of what a chat is, with its entry in the audit log. */
  const changing = (incoming: SessionRequest, change: () => Promise<ChatChange>): Promise<undefined> =>
    audited(context, incoming, { type: 'chat', action: 'write' }, async (draft) => {
      const view = await getChat(incoming.actor, db, idOf(incoming))
      draft.before = view
      draft.target = targetOf(view.id)
      const { before, after } = await change()
      draft.before = before
      draft.after = after
      incoming.reply.code(204)
      return undefined
    })
  return [
    forSession(
      contract.createChat,
      (incoming) =>
        audited(context, incoming, { type: 'chat', action: 'create' }, async (draft) => {
          await mayRunModels(incoming)
          const { chat, row } = await createChat(parts, incoming)
          if (row !== undefined) {
            draft.after = row
            draft.target = targetOf(row.id)
          }
          return chat
        }),
      limits,
    ),
    forSession(contract.listChats, ({ actor, query }) => listChats(context, actor, query)),
    forSession(contract.chatsByWorkspace, ({ actor, query }) =>
      chatsByWorkspace(context, actor, query.workspace_ids ?? ''),
    ),
    forSession(contract.getChat, (incoming) => presentFamily(parts, incoming.actor, idOf(incoming))),
    forSession(contract.updateChat, (incoming) =>
      changing(incoming, () => updateChat(context, incoming.actor, idOf(incoming), incoming.body)),
    ),
    forSession(contract.listChatMessages, (incoming) =>
      listMessages(incoming.actor, db, idOf(incoming), incoming.query),
    ),
    forSession(
      contract.sendChatMessage,
      async (incoming) => {
        await mayRunModels(incoming)
        return sendMessage(parts, incoming)
      },
      limits,
    ),
    forSession(
      contract.editChatMessage,
      async (incoming) => {
        await mayRunModels(incoming)
        const { actor, params, body } = incoming
        return editMessage(parts, actor, idOf(incoming), params.message ?? '', body)
      },
      limits,
    ),
    forSession(contract.listChatPrompts, (incoming) =>
      listChatPrompts(incoming.actor, db, idOf(incoming), incoming.query.limit),
    ),
    forSession(contract.deleteChatQueuedMessage, async (incoming) => {
      await deleteQueued(context, incoming.actor, idOf(incoming), incoming.params.queuedMessage ?? '')
      return undefined
    }),
    forSession(contract.promoteChatQueuedMessage, async (incoming) => {
      await mayRunModels(incoming)
      return promoteQueued(parts, incoming.actor, idOf(incoming), incoming.params.queuedMessage ?? '')
    }),
    forSession(contract.interruptChat, (incoming) => {
      const { actor } = incoming
      return shown(actor, idOf(incoming), interruptChat(context, actor, idOf(incoming)))
    }),
    forSession(contract.compactChat, async (incoming) => {
      await mayRunModels(incoming)
      const { actor } = incoming
      return shown(actor, idOf(incoming), compactChat(parts, actor, idOf(incoming)))
    }),
    forSession(contract.retryChatNow, async (incoming) => {
      await mayRunModels(incoming)
      await retryNow(parts, incoming.actor, idOf(incoming))
      return undefined
    }),
    forSession(contract.reconcileInvalidChat, (incoming) => {
      const { actor } = incoming
      return shown(actor, idOf(incoming), reconcileChat(context, actor, idOf(incoming)))
    }),
    forSession(
      contract.submitChatToolResults,
      async (incoming) => {
        await mayRunModels(incoming)
        await submitToolResults(parts, incoming.actor, idOf(incoming), incoming.body.results)
        return undefined
      },
      limits,
    ),
    forSession(contract.getChatCost, async (incoming) => {
      const chat = await getChat(incoming.actor, db, idOf(incoming))
      const cost = await costOfChats(context, {
        ownerId: chat.owner_id,
        rootChatId: chat.root_chat_id ?? chat.parent_chat_id ?? chat.id,
      })
      return {
        chat_id: chat.id,
        total_cost_micros: cost.totalCostMicros,
        request_count: cost.requestCount,
        unpriced_request_count: cost.unpricedRequestCount,
      }
    }),
    forSession(contract.getChatAcl, (incoming) => chatLists(context, incoming.actor, idOf(incoming))),
    forSession(contract.updateChatAcl, (incoming) =>
      changing(incoming, async () => {
        const change = await changeChatLists(context, incoming.actor, idOf(incoming), incoming.body)
        await announceShared(context, change, incoming.owner)
        return change
      }),
    ),
  ]
}

/** How entries name a chat: its title may be as private as what it is about. */
function targetOf(id: string): string {
  return id.slice(0, 8)
}
