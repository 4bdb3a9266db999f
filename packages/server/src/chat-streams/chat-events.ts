import type { ChatStreamEvent } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import {
  type ChatRow,
  pendingActions,
  presentMessage,
  presentQueued,
  storedError,
  storedRetry,
} from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { readChatSync } from './chat-sync.ts'
import type { Episode } from './part-buffer.ts'

/** What one sync of a stream is to send, and what it found. */
export interface SyncOutcome {
  readonly chat: ChatRow
  readonly events: readonly ChatStreamEvent[]
  /** The parts that are to be forwarded from here on; undefined while no model answers. */
  readonly episode: Episode | undefined
}

/** What a stream has told its client of a chat, and so what is news to it (CH-9.1). */
export class ChatEvents {
  readonly #database: Pick<AppContext['database'], 'db' | 'transaction'>
  readonly #chatId: string
  readonly #afterId: number
  /** Revisions of the messages that were sent, by id (CH-904). */
  readonly #revisions = new Map<number, number>()
  #sent: ChatRow | undefined

  /** @param afterId the last message that the client has; 0 for none. It only counts at the beginning (CH-905). */
  constructor(database: Pick<AppContext['database'], 'db' | 'transaction'>, chatId: string, afterId: number) {
    this.#database = database
    this.#chatId = chatId
    this.#afterId = afterId
  }

  /** Versions that the client knows of. */
  get snapshotVersion(): number {
    return this.#sent?.snapshot_version ?? 0
  }

  /**
   * What is new, in the order of CH-902; undefined when nothing is.
   *
   * @throws ApiError 404 when the chat is gone or may not be read any more.
   */
  async sync(actor: Actor): Promise<SyncOutcome | undefined> {
    const before = this.#sent
    const sync = await readChatSync(
      actor,
      this.#database,
      this.#chatId,
      before === undefined
        ? undefined
        : {
            snapshot: before.snapshot_version,
            history: before.history_version,
            queue: before.queue_version,
          },
      this.#afterId,
    )
    if (sync === undefined) return undefined
    const { chat } = sync.readable
    const event = (more: Omit<ChatStreamEvent, 'chat_id'>): ChatStreamEvent => ({ chat_id: chat.id, ...more })
    const events: ChatStreamEvent[] = []
    if (sync.reset) {
      this.#revisions.clear()
      events.push(event({ type: 'history_reset' }))
    }
    for (const row of sync.messages ?? []) {
      if ((this.#revisions.get(row.id) ?? 0) >= row.revision) continue
      this.#revisions.set(row.id, row.revision)
      events.push(event({ type: 'message', message: presentMessage(row) }))
    }
    if (sync.queue !== undefined)
      events.push(
        event({
          type: 'queue_update',
          ...(sync.queue.length === 0 ? {} : { queued_messages: sync.queue.map(presentQueued) }),
        }),
      )
    if (before?.status !== chat.status)
      events.push(event({ type: 'status', status: { status: chat.status } }))
    const news = before === undefined || before.history_version < chat.history_version
    const error = storedError(chat.last_error)
    if (chat.status === 'error' && error !== undefined && (news || before.status !== 'error'))
      events.push(event({ type: 'error', error }))
    if (chat.status === 'requires_action' && (news || before.status !== 'requires_action'))
      events.push(
        event({
          type: 'action_required',
          action_required: {
            tool_calls: pendingActions(sync.pending, dynamicToolNames(chat)),
          },
        }),
      )
    const retry = storedRetry(chat.retry_state)
    if (retry !== undefined && chat.retry_state_version > (before?.retry_state_version ?? 0))
      events.push(event({ type: 'retry', retry }))
    if (
      before === undefined ||
      before.history_version !== chat.history_version ||
      before.generation_attempt !== chat.generation_attempt
    )
      events.push(event({ type: 'preview_reset' }))
    this.#sent = chat
    return { chat, events, episode: episodeOf(chat) }
  }
}

/** Which parts belong to a chat now; those of tools, which run before the model is asked again, are of attempt 0. */
export function episodeOf(chat: ChatRow): Episode | undefined {
  if (chat.status !== 'running' && chat.status !== 'interrupting') return undefined
  return { chatId: chat.id, historyVersion: chat.history_version, attempt: chat.generation_attempt }
}

/** Names of the tools that the client of a chat carries out (CH-1501). */
export function dynamicToolNames(chat: Pick<ChatRow, 'dynamic_tools'>): ReadonlySet<string> {
  const tools: readonly unknown[] = Array.isArray(chat.dynamic_tools) ? chat.dynamic_tools : []
  return new Set(
    tools.flatMap((tool) =>
      typeof tool === 'object' && tool !== null && 'name' in tool && typeof tool.name === 'string'
        ? [tool.name]
        : [],
    ),
  )
}
