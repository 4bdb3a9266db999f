import type * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { presentMessage, presentQueued } from './present.ts'
import { listPrompts, listQueued, listVisibleMessages } from './store/conversation.ts'
import { getChat } from './store/views.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 200
const DEFAULT_PROMPTS = 500
const MAX_PROMPTS = 2000

/** A page of a conversation (CH-430). @throws ApiError 404, 400 for cursors and limits that are none. */
export async function listMessages(
  actor: Actor,
  db: Db,
  chatId: string,
  query: {
    readonly before_id?: string | undefined
    readonly after_id?: string | undefined
    readonly limit?: string | undefined
  },
): Promise<contract.ChatMessagesResponse> {
  const chat = await getChat(actor, db, chatId)
  const beforeId = query.before_id === undefined ? undefined : readId('before_id', query.before_id)
  const afterId = query.after_id === undefined ? undefined : readId('after_id', query.after_id)
  const limit = query.limit === undefined ? DEFAULT_LIMIT : readLimit(query.limit, MAX_LIMIT)
  if (beforeId !== undefined && afterId !== undefined && afterId >= beforeId)
    throw badRequest('after_id must be less than before_id.')
  const ascending = afterId !== undefined && beforeId === undefined
  const rows = await listVisibleMessages(actor, db, chat, { beforeId, afterId, limit: limit + 1, ascending })
  const queued = beforeId === undefined && afterId === undefined ? await listQueued(actor, db, chat) : []
  return {
    messages: rows.slice(0, limit).map(presentMessage),
    queued_messages: queued.map(presentQueued),
    has_more: rows.length > limit,
  }
}

/** What users have written in a chat, newest first. @throws ApiError 404, 400 for a limit that is none. */
export async function listChatPrompts(
  actor: Actor,
  db: Db,
  chatId: string,
  limit: number = DEFAULT_PROMPTS,
): Promise<contract.ChatPromptsResponse> {
  const chat = await getChat(actor, db, chatId)
  return { prompts: await listPrompts(actor, db, chat, Math.min(limit, MAX_PROMPTS)) }
}

/** The id of a message in a path or a query. @throws ApiError 400. */
export function readId(name: string, text: string): number {
  const id = /^\d{1,16}$/.test(text) ? Number(text) : 0
  if (Number.isSafeInteger(id) && id > 0) return id
  throw badRequest(`Invalid ${name}.`, {
    detail: 'It must be a positive whole number.',
    validations: [{ field: name, detail: 'must be a positive whole number' }],
  })
}

function readLimit(text: string, max: number): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= max) return limit
  throw badRequest('Invalid limit.', {
    detail: `It must be from 1 to ${max}.`,
    validations: [{ field: 'limit', detail: `must be from 1 to ${max}` }],
  })
}
