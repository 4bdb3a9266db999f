import { Counter } from 'prom-client'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { indexMessages } from './store/search-index.ts'

/** Messages of one statement. */
const BATCH = 500
/** After a change of a chat, and where none was heard of. */
const SOON_MS = 1_000
const EVERY_MS = 60_000

const actor = systemActor('dbpurge', 'messages are made findable after they were committed')

/** Makes messages findable by searches, soon after they were committed (CH-411, OP-76 row 16). */
export class SearchIndex implements AsyncDisposable {
  readonly #context: AppContext
  readonly #rows: Counter
  readonly #subscription: Disposable
  #timer: NodeJS.Timeout | undefined
  #soon = false
  #round: Promise<void> = Promise.resolve()
  #closed = false

  constructor(context: AppContext) {
    this.#context = context
    this.#rows = new Counter({
      name: 'coderd_dbpurge_chat_search_rows_backfilled_total',
      help: 'Messages of chats that were made findable.',
      registers: [context.metrics],
    })
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['chat']),
      onEvent: () => this.#wake(SOON_MS),
      onReset: () => this.#wake(SOON_MS),
    })
    this.#wake(SOON_MS)
  }

  /** A change makes the next round come soon; more of them do not make it come sooner. */
  #wake(inMs: number): void {
    if (this.#closed || (this.#soon && inMs <= SOON_MS)) return
    this.#soon = inMs <= SOON_MS
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#soon = false
      this.#round = this.#round.then(() => this.#run())
    }, inMs).unref()
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const count = await labelled('db-purge', () => indexMessages(actor, this.#context.database.db, BATCH))
        if (count > 0) this.#rows.inc(count)
        if (count < BATCH || this.#closed) break
      }
    } catch (error) {
      this.#context.log.error('messages of chats could not be made findable', { error: describeError(error) })
    }
    if (!this.#soon) this.#wake(EVERY_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#subscription[Symbol.dispose]()
    clearTimeout(this.#timer)
    await this.#round
  }
}
