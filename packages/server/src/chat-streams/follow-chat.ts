import type { ChatStreamEvent } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { WatchingActor } from '../identity/index.ts'
import type { ChatEvents, SyncOutcome } from './chat-events.ts'
import type { ChatHub } from './chat-hub.ts'
import { FRAME_EVENTS, type FrameSink, framesOf } from './frame-sink.ts'
import { type Episode, type EpisodeReader, type PartBuffer, sameEpisode } from './part-buffer.ts'
import type { PartRelays } from './part-relays.ts'
import { markRead } from './store.ts'

/** After a failure to read the chat, in milliseconds. */
export const TRY_AGAIN_MS = 1_000

/** What streams of chats are made of. */
export interface StreamParts {
  readonly context: AppContext
  readonly hub: ChatHub
  readonly buffer: PartBuffer
  readonly relays: PartRelays
}

/**
 * Sends a chat to a client: what it is now, then everything that changes, until either leaves (CH-901). Rights are asked
 * for again at every reading.
 *
 * @param first what the chat was when the stream was allowed, which begins with it.
 */
export async function followChat(
  parts: StreamParts,
  actor: Actor,
  events: ChatEvents,
  first: SyncOutcome,
  subscription: ChatSubscription,
  sink: FrameSink,
): Promise<void> {
  const { context, buffer, relays } = parts
  using watching = new WatchingActor(context, actor, subscription.touch)
  const isOwner = first.chat.owner_id === actor.id
  const chat = first.chat
  // Nobody waits for it before the first frame: the run that takes a new chat has its row just then.
  const noted = isOwner ? noteRead(context, actor, chat) : undefined
  sink.closed.addEventListener('abort', subscription.wake, { once: true })
  let outcome: SyncOutcome | undefined = first
  let reader: EpisodeReader | undefined
  let relayed: Disposable | undefined
  let lastMessage: number | undefined
  let followed: { readonly episode: Episode; readonly workerId: string | null } | undefined
  /** What goes on is read on: its parts come once (CH-906). The connection to another replica stays for what is next. */
  const followEpisode = (next: SyncOutcome | undefined): void => {
    const episode = next?.episode
    const workerId = next?.chat.worker_id ?? null
    const goesOn = episode !== undefined && followed !== undefined && sameEpisode(episode, followed.episode)
    if (!goesOn) {
      reader?.[Symbol.dispose]()
      reader = episode === undefined ? undefined : buffer.read(episode, subscription.wake)
    }
    if (!goesOn || followed?.workerId !== workerId) {
      const before = relayed
      relayed = episode === undefined ? undefined : relays.follow(episode, workerId)
      before?.[Symbol.dispose]()
    }
    followed = episode === undefined ? undefined : { episode, workerId }
  }
  try {
    while (!sink.closed.aborted) {
      if (outcome !== undefined) {
        lastMessage = outcome.events.findLast(isMessage)?.message?.id ?? lastMessage
        for (const frame of framesOf(outcome.events.map((event) => JSON.stringify(event))))
          await sink.send(frame, lastMessage)
        followEpisode(outcome)
        outcome = undefined
      }
      const fresh = reader?.take(FRAME_EVENTS) ?? []
      for (const frame of framesOf(fresh)) await sink.send(frame, lastMessage)
      if (sink.closed.aborted) return
      if (subscription.takeDirty()) {
        try {
          outcome = await events.sync(await watching.current())
        } catch (error) {
          if (error instanceof ApiError && error.status < 500) return sink.close(1008, error.message)
          context.log.warn('a chat that is streamed could not be read', { error: describeError(error) })
          subscription.touchLater(TRY_AGAIN_MS)
        }
        continue
      }
      if (fresh.length === 0) await subscription.woken()
    }
  } finally {
    followEpisode(undefined)
    await noted
    if (isOwner) await noteRead(context, actor, chat)
  }
}

function isMessage(event: ChatStreamEvent): boolean {
  return event.type === 'message'
}

/** CH-907: the mark is a convenience; a stream goes on without it. */
async function noteRead(context: AppContext, actor: Actor, chat: SyncOutcome['chat']): Promise<void> {
  try {
    await markRead(actor, context.database.db, chat)
  } catch (error) {
    context.log.debug('what the owner of a chat has read could not be noted', { error: describeError(error) })
  }
}

/** Says when there is something new of one chat. */
export class ChatSubscription implements Disposable {
  #dirty = false
  #resolve: (() => void) | undefined
  /** Whether it was woken since it last waited. */
  #rung = false
  #timer: NodeJS.Timeout | undefined

  /** Wakes whoever waits, without saying that the chat has changed: parts have come, or the client has left. */
  readonly wake = (): void => {
    this.#rung = true
    this.#resolve?.()
  }

  /** The chat may have changed. */
  readonly touch = (): void => {
    this.#dirty = true
    this.wake()
  }

  /** Looks again after so many milliseconds. */
  touchLater(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.touch, ms)
  }

  /** Whether the chat may have changed since this was last asked. */
  takeDirty(): boolean {
    const dirty = this.#dirty
    this.#dirty = false
    return dirty
  }

  /** Resolves at the next waking, or at once when there was one. */
  async woken(): Promise<void> {
    if (!this.#rung)
      await new Promise<void>((resolve) => {
        this.#resolve = resolve
      })
    this.#resolve = undefined
    this.#rung = false
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.wake()
  }
}
