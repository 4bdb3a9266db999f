import { describeError, type Logger } from '@slipway/request-log'
import type { SharedCount, SharedCounters, SharedTake } from '../edge/index.ts'

/** Where replicas count together; rejects when it cannot. */
export interface CounterStore extends AsyncDisposable {
  take(asked: SharedTake): Promise<SharedCount>
}

/** How long requests wait for a count, and how long nobody asks again after a failure. */
const ANSWER_MS = 500
const PAUSE_MS = 5_000

/**
 * Shared counters that no request fails for: while they do not answer, each replica counts for itself, and one warning
 * says so until they answer again (ID-208).
 */
export class FailOpen implements SharedCounters, AsyncDisposable {
  readonly #store: CounterStore
  readonly #log: Logger
  readonly #pauseMs: number
  #failing = false
  #askAgainAt = 0

  constructor(store: CounterStore, log: Logger, pauseMs = PAUSE_MS) {
    this.#store = store
    this.#log = log
    this.#pauseMs = pauseMs
  }

  async take(asked: SharedTake): Promise<SharedCount | undefined> {
    if (this.#failing && performance.now() < this.#askAgainAt) return undefined
    // Of many requests at once only one finds out whether the counters are back.
    this.#askAgainAt = performance.now() + this.#pauseMs
    try {
      const count = await within(ANSWER_MS, this.#store.take(asked))
      if (this.#failing) this.#log.info('rate limits are shared with other replicas again')
      this.#failing = false
      return count
    } catch (error) {
      if (!this.#failing)
        this.#log.warn('rate limits cannot be shared; this replica counts for itself until they can', {
          error: describeError(error),
        })
      this.#failing = true
      return undefined
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#store[Symbol.asyncDispose]()
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
