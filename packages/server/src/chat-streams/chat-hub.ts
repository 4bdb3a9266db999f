import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext, ChangeEvent } from '../context.ts'
import { snapshotVersions } from './store.ts'

/** How often versions are compared, in milliseconds: a change that nobody was told of shows by then (CH-903). */
const POLL_MS = 10_000
/** Chats in one look. */
const PAGE = 1_000

/** A stream that wants to know of changes of one chat. */
export interface ChatListener {
  /** The chat has changed, or may have. */
  readonly touch: () => void
  /** The version that the stream has sent. */
  readonly version: () => number
}

/** Tells streams of changes of their chats, with one subscription for all of them. */
export class ChatHub implements AsyncDisposable {
  readonly #context: Pick<AppContext, 'database' | 'log'>
  readonly #listeners = new Map<string, Set<ChatListener>>()
  readonly #subscription: Disposable
  readonly #timer: NodeJS.Timeout
  #round: Promise<void> | undefined

  /** @param pollMs pause between two comparisons of versions. */
  constructor(context: Pick<AppContext, 'database' | 'log'>, pollMs = POLL_MS) {
    this.#context = context
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['chat']),
      onEvent: (event: ChangeEvent) => this.#touch(event.key),
      onReset: () => {
        for (const id of this.#listeners.keys()) this.#touch(id)
      },
    })
    this.#timer = setInterval(() => {
      this.#round ??= this.#poll().finally(() => {
        this.#round = undefined
      })
    }, pollMs).unref()
  }

  /** Hears of changes of a chat until it is disposed. */
  listen(chatId: string, listener: ChatListener): Disposable {
    const all = this.#listeners.get(chatId) ?? new Set()
    this.#listeners.set(chatId, all.add(listener))
    return {
      [Symbol.dispose]: () => {
        all.delete(listener)
        if (all.size === 0 && this.#listeners.get(chatId) === all) this.#listeners.delete(chatId)
      },
    }
  }

  #touch(chatId: string): void {
    for (const listener of this.#listeners.get(chatId) ?? []) listener.touch()
  }

  async #poll(): Promise<void> {
    const actor = systemActor('chatd', 'streams look whether they have missed a change of their chats')
    const ids = [...this.#listeners.keys()]
    try {
      for (let i = 0; i < ids.length; i += PAGE)
        for (const { id, snapshot_version } of await snapshotVersions(
          actor,
          this.#context.database.db,
          ids.slice(i, i + PAGE),
        ))
          for (const listener of this.#listeners.get(id) ?? [])
            if (listener.version() < snapshot_version) listener.touch()
    } catch (error) {
      this.#context.log.debug('versions of chats could not be compared', { error: describeError(error) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#subscription[Symbol.dispose]()
    await this.#round
  }
}
