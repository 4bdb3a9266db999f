import type * as contract from '@slipway/contract'
import { type Actor, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, conflict, notFound } from '../errors/index.ts'
import { requireUnarchived } from './checks.ts'
import type { ChatParts } from './create-chat.ts'
import { readId } from './messages.ts'
import type { Json, ToolCallPart, ToolResultPart } from './parts.ts'
import { presentVisible } from './present.ts'
import { writableChat } from './send-message.ts'
import { changeChat } from './state/change-chat.ts'
import { canBeCompacted } from './store/conversation.ts'
import { ownedChat } from './store/locked.ts'
import { type ChatView, getChat } from './store/views.ts'

/** A chat that the actor may change. @throws ApiError 404 (CH-302). */
async function changeableChat(context: AppContext, actor: Actor, id: string): Promise<ChatView> {
  const chat = await getChat(actor, context.database.db, id)
  if (!isAllowed(actor, 'update', ownedChat(chat))) throw notFound()
  return chat
}

/** Ends what a chat does (CH-207). @throws ApiError 404, 400 for an archived chat, 409 when it does nothing. */
export async function interruptChat(context: AppContext, actor: Actor, id: string): Promise<void> {
  const chat = await changeableChat(context, actor, id)
  await changeChat(context, actor, chat.id, async (locked) => {
    requireUnarchived(locked.row)
    await locked.interrupt()
  })
}

/** Lets the next run summarize the conversation and nothing else (CH-215). @throws ApiError 409 when there is nothing. */
export async function compactChat(parts: ChatParts, actor: Actor, id: string): Promise<void> {
  const chat = await writableChat(parts, actor, id)
  await changeChat(parts.context, actor, chat.id, async (locked, tx) => {
    requireUnarchived(locked.row)
    locked.requestCompaction()
    if (!(await canBeCompacted(actor, tx, locked.row))) throw conflict('Nothing to compact.')
  })
}

/** Ends the wait before the next try of a failed call (B-6). @throws ApiError 409 when nothing is waited for. */
export async function retryNow(parts: ChatParts, actor: Actor, id: string): Promise<void> {
  const chat = await writableChat(parts, actor, id)
  await changeChat(parts.context, actor, chat.id, async (locked) => locked.retryNow())
}

/** Takes a chat out of a state that no chat may be in (CH-216). @throws ApiError 404, 409 for a valid one. */
export async function reconcileChat(context: AppContext, actor: Actor, id: string): Promise<void> {
  const chat = await changeableChat(context, actor, id)
  await changeChat(context, actor, chat.id, (locked) =>
    locked.reconcile({
      message: 'The chat was in a state that it must not be in and was reset.',
      detail: `It was ${locked.row.archived ? 'archived and ' : ''}${locked.row.status}, with ${locked.queued} waiting messages.`,
      kind: 'generic',
      retryable: false,
    }),
  )
}

/** Takes a waiting message out of the queue (CH-211). @throws ApiError 404, 409 without a queue. */
export async function deleteQueued(
  context: AppContext,
  actor: Actor,
  id: string,
  messageId: string,
): Promise<void> {
  const chat = await changeableChat(context, actor, id)
  const queued = readId('queued message', messageId)
  await changeChat(context, actor, chat.id, async (locked) => {
    requireUnarchived(locked.row)
    await locked.deleteQueued(queued)
  })
}

/** Puts a waiting message next (CH-212, CH-435). @throws ApiError 404, 409 without a queue. */
export async function promoteQueued(
  parts: ChatParts,
  actor: Actor,
  id: string,
  messageId: string,
): Promise<contract.PromoteChatQueuedMessageResponse> {
  const chat = await writableChat(parts, actor, id)
  const queued = readId('queued message', messageId)
  const rows = await changeChat(parts.context, actor, chat.id, async (locked) => {
    requireUnarchived(locked.row)
    return locked.promoteQueued(queued)
  })
  const message = presentVisible(rows).findLast((row) => row.role === 'user')
  return message === undefined ? {} : { message }
}

/** Takes the results of the tools that the client has carried out (CH-1501). @throws ApiError 409, 400 saying what is wrong. */
export async function submitToolResults(
  parts: ChatParts,
  actor: Actor,
  id: string,
  results: readonly contract.ChatToolResult[],
): Promise<void> {
  const chat = await writableChat(parts, actor, id)
  const now = parts.context.clock.now().toISOString()
  await changeChat(parts.context, actor, chat.id, async (locked) => {
    requireUnarchived(locked.row)
    if (locked.row.status !== 'requires_action')
      throw conflict('Chat is not waiting for tool results.', { detail: `The chat is ${locked.row.status}.` })
    await locked.completeAction(matched(await locked.openCalls(), results, now))
  })
}

/** The results in the order of their calls, each with its own. @throws ApiError 400. */
function matched(
  calls: readonly ToolCallPart[],
  results: readonly contract.ChatToolResult[],
  now: string,
): ToolResultPart[] {
  const byId = new Map<string, contract.ChatToolResult>()
  for (const result of results) {
    if (byId.has(result.tool_call_id))
      throw badRequest('Duplicate tool result.', { detail: `${result.tool_call_id} is there twice.` })
    byId.set(result.tool_call_id, result)
  }
  const parts = calls.map((call): ToolResultPart => {
    const result = byId.get(call.tool_call_id)
    if (result === undefined)
      throw badRequest('Missing tool result.', { detail: `${call.tool_call_id} has none.` })
    byId.delete(call.tool_call_id)
    return {
      type: 'tool-result',
      tool_call_id: call.tool_call_id,
      tool_name: call.tool_name,
      result: jsonOf(result.output),
      created_at: now,
      ...(result.is_error === true ? { is_error: true } : {}),
    }
  })
  const [unexpected] = byId.keys()
  if (unexpected !== undefined)
    throw badRequest('Unexpected tool result.', { detail: `Nothing waits for ${unexpected}.` })
  return parts
}

/** A value of a parsed body, which is JSON. */
function jsonOf(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  if (Array.isArray(value)) return value.map(jsonOf)
  return typeof value === 'object'
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonOf(member)]))
    : null
}
