import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { SharedCount, SharedTake } from '../edge/index.ts'
import { labelled } from '../profile-labels/index.ts'
import type { CounterStore } from './fail-open.ts'
import { countBuckets, deleteOldBuckets, takeFromBucket } from './store.ts'

const actor = systemActor('rate_limiter', 'requests are counted before it matters who sends them')
/** How often buckets of the past are deleted, how many at a time, and how old they are by then. */
const PURGE_MS = 30_000
const BATCH = 10_000
const KEPT_MS = 3 * 60_000
/** A flood of distinct addresses makes no more rows than this and those of one round. */
const MAX_BUCKETS = 500_000

/** Counts in the database: one statement for each request that is not refused already, and none of them is logged. */
export class DatabaseCounters implements CounterStore {
  readonly #context: Pick<AppContext, 'database' | 'log'>
  readonly #timer: NodeJS.Timeout
  readonly #maxBuckets: number
  #full = false
  #purging: Promise<void> | undefined

  constructor(context: Pick<AppContext, 'database' | 'log'>, purgeMs = PURGE_MS, maxBuckets = MAX_BUCKETS) {
    this.#context = context
    this.#maxBuckets = maxBuckets
    this.#timer = setInterval(() => {
      this.#purging ??= labelled('db-purge', () => this.#purge()).finally(() => {
        this.#purging = undefined
      })
    }, purgeMs).unref()
  }

  async take(asked: SharedTake): Promise<SharedCount> {
    if (this.#full) throw new Error(`more than ${this.#maxBuckets} counters are in use`)
    return takeFromBucket(actor, this.#context.database.db, asked)
  }

  async #purge(): Promise<void> {
    const { db } = this.#context.database
    try {
      let deleted: number
      do deleted = await deleteOldBuckets(actor, db, Date.now() - KEPT_MS, BATCH)
      while (deleted === BATCH)
      this.#full = (await countBuckets(actor, db, this.#maxBuckets + 1)) > this.#maxBuckets
    } catch (error) {
      this.#context.log.warn('old rate limit counters could not be deleted', { error: describeError(error) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#purging
  }
}
