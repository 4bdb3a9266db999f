import type { Actor } from '../authz/index.ts'
import { getReadableChat, type MessageRow, type QueuedRow, type ReadableChat } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { changedMessages, lastAnswer, readMessages, readQueue } from './store.ts'

/** What a stream has sent of a chat: only newer rows are sent again (CH-903, CH-904). */
export interface SentVersions {
  readonly snapshot: number
  readonly history: number
  readonly queue: number
}

/** What is new of a chat, as of one moment (CH-901). */
export interface ChatSync {
  readonly readable: ReadableChat
  /** Rows that readers see and that have changed, those that were taken out too; undefined when none has. */
  readonly messages: readonly MessageRow[] | undefined
  /** Whether `messages` are the whole conversation, because something was taken out of it. */
  readonly reset: boolean
  /** The queue; undefined when it has not changed. */
  readonly queue: readonly QueuedRow[] | undefined
  /** The last answer and the results after it, where the client has to carry out what it calls; else empty. */
  readonly pending: readonly MessageRow[]
}

/**
 * What is new of a chat since `sent`; undefined when nothing is. The first reading has no `sent` and leaves out messages
 * up to `afterId`.
 *
 * @throws ApiError 404 when the chat is absent or may not be read any more.
 */
export async function readChatSync(
  actor: Actor,
  database: Pick<AppContext['database'], 'db' | 'transaction'>,
  chatId: string,
  sent: SentVersions | undefined,
  afterId: number,
): Promise<ChatSync | undefined> {
  if (sent !== undefined) {
    // Most changes, such as another try of the model, touch neither messages nor queue: one statement tells.
    const readable = await getReadableChat(actor, database.db, chatId)
    const { chat } = readable
    if (chat.snapshot_version <= sent.snapshot) return undefined
    const touched = chat.history_version > sent.history || chat.queue_version > sent.queue
    if (!touched && chat.status !== 'requires_action')
      return { readable, messages: undefined, reset: false, queue: undefined, pending: [] }
  }
  return database.transaction(
    async (tx) => {
      const readable = await getReadableChat(actor, tx, chatId)
      const { chat } = readable
      const queue =
        sent === undefined || chat.queue_version > sent.queue
          ? await readQueue(actor, tx, readable)
          : undefined
      const pending = chat.status === 'requires_action' ? await lastAnswer(actor, tx, readable) : []
      const found = (messages: ChatSync['messages'], reset = false): ChatSync => ({
        readable,
        messages,
        reset,
        queue,
        pending,
      })
      if (sent === undefined) return found(await readMessages(actor, tx, readable, afterId))
      if (chat.history_version <= sent.history) return found(undefined)
      const changed = await changedMessages(actor, tx, readable, sent.history)
      if (!changed.some((row) => row.deleted)) return found(changed)
      return found(await readMessages(actor, tx, readable, 0), true)
    },
    { isolation: 'repeatable read' },
  )
}
