import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { closeAbandoned } from './store/interceptions.ts'

const actor = systemActor('aibridged', 'requests whose gateway has died would never be seen to end')

const EVERY_MS = 3_600_000
/** Longer than any request lasts. */
const AGE_MS = 24 * 3_600_000
const BATCH = 1_000

/**
 * Ends requests to models that have been open for a day, because whoever served them has died, so that they are seen and
 * grow old like others (AG-138).
 */
export class AbandonedInterceptions implements AsyncDisposable {
  readonly #context: AppContext
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void>
  #closed = false

  constructor(context: AppContext) {
    this.#context = context
    this.#round = this.#run()
  }

  /** Settles when the round that is under way has ended. */
  get idle(): Promise<void> {
    return this.#round
  }

  async #run(): Promise<void> {
    const { clock, database, log } = this.#context
    const now = clock.now()
    try {
      for (let count = BATCH; count === BATCH && !this.#closed; )
        count = await closeAbandoned(actor, database.db, {
          before: new Date(now.getTime() - AGE_MS),
          now,
          limit: BATCH,
        })
    } catch (error) {
      log.error('requests to models that nobody serves any more could not be ended', {
        error: describeError(error),
      })
    }
    if (!this.#closed)
      this.#timer = setTimeout(() => {
        this.#round = this.#run()
      }, EVERY_MS).unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    clearTimeout(this.#timer)
  }
}
