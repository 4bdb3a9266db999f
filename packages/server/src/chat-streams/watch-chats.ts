import type { ChatWatchEvent, ChatWatchEventKind } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import { getChat, getReadableChat, pendingActions, presentChat } from '../chats/index.ts'
import type { AppContext, ChangeEvent } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { WatchingActor } from '../identity/index.ts'
import { dynamicToolNames } from './chat-events.ts'
import type { ChatSubscription } from './follow-chat.ts'
import type { FrameSink } from './frame-sink.ts'
import { lastAnswer, listSharedRoots } from './store.ts'

/** Changes that wait to be told; who is so far behind is cut off and reads the list again. */
const MAX_WAITING = 2_000

/** What a watcher is told of one change, in this order. */
interface Change {
  readonly chatId: string
  readonly kinds: readonly ChatWatchEventKind[]
}

/**
 * Tells a user of changes of their chats, and of those that others share with them (B-8), from now on (CH-1001).
 */
export async function watchChats(
  context: AppContext,
  actor: Actor,
  sink: FrameSink,
  subscription: ChatSubscription,
  changes: WatchedChanges,
): Promise<void> {
  const { db } = context.database
  using watching = new WatchingActor(context, actor, changes.readShared)
  sink.closed.addEventListener('abort', subscription.wake, { once: true })
  while (!sink.closed.aborted) {
    if (changes.overrun) return sink.close(1013, 'too many changes at once: read the list again')
    try {
      const reader = await watching.current()
      if (changes.takeShared()) changes.share(new Set(await listSharedRoots(reader, db)))
      const change = changes.next()
      if (change === undefined) {
        await subscription.woken()
        continue
      }
      for (const event of await eventsOf(context, reader, change)) await sink.send([JSON.stringify(event)])
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return sink.close(1008, error.message)
      context.log.warn('a change of a chat could not be told', { error: describeError(error) })
      return sink.close(1011, 'a change could not be read: read the list again')
    }
  }
}

/** What is told of a change; nothing when the chat is gone meanwhile, or was never the watcher's to see. */
async function eventsOf(context: AppContext, actor: Actor, change: Change): Promise<ChatWatchEvent[]> {
  const { db } = context.database
  let view: Awaited<ReturnType<typeof getChat>>
  try {
    view = await getChat(actor, db, change.chatId)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return []
    throw error
  }
  const chat = presentChat(context, view)
  const events: ChatWatchEvent[] = []
  for (const kind of change.kinds) {
    if (kind !== 'action_required') events.push({ kind, chat })
    else if (view.status === 'requires_action') {
      const readable = await getReadableChat(actor, db, view.id)
      events.push({
        kind,
        chat,
        tool_calls: pendingActions(await lastAnswer(actor, db, readable), dynamicToolNames(view)),
      })
    }
  }
  return events
}

/** The changes that one watcher has still to be told of. */
export class WatchedChanges implements Disposable {
  readonly #userId: string
  readonly #wake: () => void
  readonly #subscription: Disposable
  readonly #waiting: Change[] = []
  #shared: ReadonlySet<string> = new Set()
  #sharedIsOld = true
  #overrun = false

  constructor(context: Pick<AppContext, 'database'>, userId: string, wake: () => void) {
    this.#userId = userId
    this.#wake = wake
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['chat']),
      onEvent: (event) => this.#note(event),
      onReset: () => {
        this.#overrun = true
        wake()
      },
    })
  }

  /** Whether changes were missed. */
  get overrun(): boolean {
    return this.#overrun
  }

  /** The rights of the watcher, or an access list, have changed. */
  readonly readShared = (): void => {
    this.#sharedIsOld = true
    this.#wake()
  }

  /** Whether it has to be read again what others share with the watcher. */
  takeShared(): boolean {
    const old = this.#sharedIsOld
    this.#sharedIsOld = false
    return old
  }

  /** @param roots ids of the roots that others share with the watcher. */
  share(roots: ReadonlySet<string>): void {
    this.#shared = roots
  }

  next(): Change | undefined {
    return this.#waiting.shift()
  }

  #note(event: ChangeEvent): void {
    const { owner_id, root_chat_id } = event.data
    const changed = Array.isArray(event.data.changed) ? event.data.changed : []
    if (changed.includes('acl') && owner_id !== this.#userId) this.readShared()
    if (owner_id !== this.#userId && !(typeof root_chat_id === 'string' && this.#shared.has(root_chat_id)))
      return
    const kinds = kindsOf(event, changed)
    if (kinds.length === 0) return
    if (this.#waiting.length >= MAX_WAITING) this.#overrun = true
    else this.#waiting.push({ chatId: event.key, kinds })
    this.#wake()
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}

/** What a change of a chat is for those who watch lists (CH-1001, CH-1002). */
function kindsOf(event: ChangeEvent, changed: readonly unknown[]): ChatWatchEventKind[] {
  if (event.op === 'insert') return ['created']
  if (event.op === 'delete') return []
  const kinds: ChatWatchEventKind[] = []
  if (changed.includes('archived')) kinds.push(event.data.archived === true ? 'deleted' : 'created')
  if (changed.includes('status')) kinds.push('status_change')
  if (changed.includes('title')) kinds.push('title_change')
  if (changed.includes('last_turn_summary')) kinds.push('summary_change')
  if (changed.includes('summary')) kinds.push('chat_summary_change')
  if (changed.includes('diff_status')) kinds.push('diff_status_change')
  if (changed.includes('context_dirty_since')) kinds.push('context_dirty')
  if (changed.includes('status') && event.data.status === 'requires_action') kinds.push('action_required')
  return kinds
}
