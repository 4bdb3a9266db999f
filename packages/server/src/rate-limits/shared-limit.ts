import { createHash } from 'node:crypto'

import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { deleteOldBuckets, takeFromBucket } from './store.ts'

const actor = systemActor('rate_limiter', 'rare and dear requests are counted by all replicas together')
/** Bytes of the digest that names a bucket. */
const NAME_BYTES = 16
const BATCH = 10_000
/** As long as other counters keep theirs: the bucket of a minute counts in the next one too. */
const KEPT_MS = 3 * 60_000

/** What a limit is made of. */
export interface SharedLimitOptions {
  /** Tells its buckets from those of other limits. */
  readonly name: string
  /** How many in a window; 0 or less switches the limit off. */
  readonly limit: number
  /** Milliseconds. */
  readonly windowMs: number
}

/** A limit that all replicas keep together whatever rate limits have for a store; for requests that are rare. */
export class SharedLimit {
  readonly #context: Pick<AppContext, 'database' | 'clock' | 'config'>
  readonly #options: SharedLimitOptions

  constructor(context: Pick<AppContext, 'database' | 'clock' | 'config'>, options: SharedLimitOptions) {
    this.#context = context
    this.#options = options
  }

  /** Counts one request of a subject. Resolves to 0, or to the seconds until another may come if it may not. */
  async take(subject: string): Promise<number> {
    const { clock, config, database } = this.#context
    const { name, limit, windowMs } = this.#options
    if (limit <= 0 || config.disableRateLimits) return 0
    const now = clock.now().getTime()
    const start = now - (now % windowMs)
    const { allowed } = await takeFromBucket(actor, database.db, {
      bucket: createHash('sha256').update(`${name}\0${subject}`).digest().subarray(0, NAME_BYTES),
      // Buckets go soon after the moment in this column: that of the end of the window in which they still count.
      windowStart: start + 2 * windowMs,
      windowMs,
      elapsed: (now - start) / windowMs,
      limit,
    })
    return allowed ? 0 : Math.max(1, Math.ceil((start + windowMs - now) / 1_000))
  }
}

/** Deletes the buckets of windows that are over; for deployments whose counters do not do that by themselves. */
export async function deletePastBuckets(context: Pick<AppContext, 'database' | 'clock'>): Promise<void> {
  await deleteOldBuckets(actor, context.database.db, context.clock.now().getTime() - KEPT_MS, BATCH)
}
