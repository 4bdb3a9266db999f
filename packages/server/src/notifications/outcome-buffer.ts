import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { DeliveryMetrics } from './metrics.ts'
import { type Outcome, storeOutcomes } from './store/messages.ts'

/** How long stopping waits for the database; after that the leases end by themselves (OP-32). */
const STOP_MS = 5_000

/**
 * Gathers what became of messages and writes it together, after some seconds or when there is much of it. What is lost
 * with the process is sent again when its lease has ended (OP-133).
 */
export class OutcomeBuffer implements AsyncDisposable {
  readonly #context: Pick<AppContext, 'config' | 'database' | 'log' | 'clock'>
  readonly #actor: Actor
  readonly #metrics: DeliveryMetrics
  #waiting: Outcome[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined

  constructor(
    context: Pick<AppContext, 'config' | 'database' | 'log' | 'clock'>,
    actor: Actor,
    metrics: DeliveryMetrics,
  ) {
    this.#context = context
    this.#actor = actor
    this.#metrics = metrics
  }

  /** Takes an outcome; resolves at once unless there are so many that they are written now. */
  async add(outcome: Outcome): Promise<void> {
    this.#waiting.push(outcome)
    this.#metrics.pendingUpdates.set(this.#waiting.length)
    if (this.#waiting.length >= this.#context.config.notificationsStoreSyncBufferSize) return this.#flush()
    this.#flushLater()
  }

  #flushLater(): void {
    const { notificationsStoreSyncInterval: interval } = this.#context.config
    this.#timer ??= setTimeout(() => void this.#flush(), interval).unref()
  }

  /** Writes what has gathered; what cannot be written is kept for the next time, within the bound of the leases. */
  async #flush(): Promise<void> {
    await this.#writing
    clearTimeout(this.#timer)
    this.#timer = undefined
    const outcomes = this.#waiting
    // Whoever else has waited may have taken them.
    if (outcomes.length === 0) return this.#writing
    this.#waiting = []
    this.#writing = this.#write(outcomes).finally(() => {
      this.#writing = undefined
      this.#metrics.pendingUpdates.set(this.#waiting.length)
    })
    await this.#writing
  }

  async #write(outcomes: readonly Outcome[]): Promise<void> {
    const { clock, config, database, log } = this.#context
    try {
      await storeOutcomes(this.#actor, database.db, outcomes)
      this.#metrics.syncedUpdates.inc(outcomes.length)
    } catch (error) {
      log.error('outcomes of notifications could not be written', { error: describeError(error) })
      const now = clock.now().getTime()
      // Those whose lease is over are somebody else's by now.
      const kept = outcomes.filter(({ at }) => now - at.getTime() < config.notificationsLeasePeriod)
      this.#waiting = [...kept, ...this.#waiting]
      if (this.#waiting.length > 0) this.#flushLater()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const late = Promise.withResolvers<void>()
    const deadline = setTimeout(late.resolve, STOP_MS)
    await Promise.race([this.#flush(), late.promise])
    clearTimeout(deadline)
    clearTimeout(this.#timer)
  }
}
