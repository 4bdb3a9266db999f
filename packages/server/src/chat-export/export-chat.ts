import type * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import {
  type ChatView,
  getChat,
  listTreeIds,
  listVisibleMessages,
  presentChat,
  presentMessage,
} from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { headOf, messageMarkdown } from './chat-markdown.ts'

/** Messages that are read and written at once. */
const PAGE = 200

/** How a tree of chats is written down. */
interface Format {
  readonly chat: (chat: contract.Chat) => string
  readonly message: (message: contract.ChatMessage) => string
  readonly betweenMessages: string
  readonly endOfMessages: string
  readonly children: string
  readonly betweenChildren: string
  readonly endOfChild: string
  readonly end: string
}

const FORMATS = {
  json: {
    chat: (chat) => `{"chat":${JSON.stringify(chat)},"messages":[`,
    message: (message) => JSON.stringify(message),
    betweenMessages: ',',
    endOfMessages: ']',
    children: ',"children":[',
    betweenChildren: ',',
    endOfChild: '}',
    end: ']}\n',
  },
  markdown: {
    chat: headOf,
    message: messageMarkdown,
    betweenMessages: '',
    endOfMessages: '',
    children: '',
    betweenChildren: '',
    endOfChild: '',
    end: '',
  },
} satisfies Record<string, Format>

/** Names of the formats. */
export type ExportFormat = keyof typeof FORMATS

/**
 * A chat and the chats of its subagents, with all messages that readers see, page by page as the client takes them
 * (B-18): as JSON `{chat, messages, children: [{chat, messages}]}`, or as Markdown. What is deleted meanwhile is left out.
 */
export async function* exportedChat(
  context: AppContext,
  actor: Actor,
  root: ChatView,
  named: ExportFormat,
): AsyncGenerator<string> {
  const { db } = context.database
  const format: Format = FORMATS[named]
  yield* conversation(context, actor, root, format)
  yield format.children
  let isFirst = true
  const [, ...children] = await listTreeIds(actor, db, root)
  for (const id of children) {
    const child = await getChat(actor, db, id).catch(undefinedIfGone)
    if (child === undefined) continue
    if (!isFirst) yield format.betweenChildren
    isFirst = false
    yield* conversation(context, actor, child, format)
    yield format.endOfChild
  }
  yield format.end
}

async function* conversation(
  context: AppContext,
  actor: Actor,
  chat: ChatView,
  { chat: head, message, betweenMessages, endOfMessages }: Format,
): AsyncGenerator<string> {
  yield head(presentChat(context, chat))
  let afterId: number | undefined
  for (;;) {
    const page = { afterId, limit: PAGE, ascending: true }
    const rows = await listVisibleMessages(actor, context.database.db, chat, page)
    const texts = rows.map((row) => message(presentMessage(row)))
    if (rows.length > 0) yield (afterId === undefined ? '' : betweenMessages) + texts.join(betweenMessages)
    if (rows.length < PAGE) break
    afterId = rows.at(-1)?.id
  }
  yield endOfMessages
}

function undefinedIfGone(error: unknown): undefined {
  if (error instanceof ApiError && error.status === 404) return undefined
  throw error
}
