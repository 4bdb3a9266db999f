import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'
import { labelled, type Service } from '../profile-labels/index.ts'

/** Work that is done again and again, beside requests. */
export interface PeriodicWork {
  /** What its processor time counts as (OP-92, OP-93). */
  readonly service: Service
  /** From the end of a round to the next one, in milliseconds. */
  readonly pauseMs: number
  /** What the log says of a round that failed. */
  readonly failure: string
  /** One round. It ends as soon as it can once `closing` is aborted, and a failure of it is logged. */
  readonly round: (closing: AbortSignal) => Promise<void>
}

/**
 * Does work at once, and again after a pause, until it is disposed; then the round that is under way may end. A round that
 * fails does not keep the next one from its turn.
 */
export class PeriodicJob implements AsyncDisposable {
  readonly #log: AppContext['log']
  readonly #work: PeriodicWork
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void>
  #busy = false
  #again = false

  constructor({ log }: Pick<AppContext, 'log'>, work: PeriodicWork) {
    this.#log = log
    this.#work = work
    this.#round = this.#run()
  }

  async #run(): Promise<void> {
    const { service, pauseMs, failure, round } = this.#work
    const { signal } = this.#closing
    this.#busy = true
    try {
      await labelled(service, () => round(signal))
    } catch (error) {
      if (error !== signal.reason) this.#log.error(failure, { error: describeError(error) })
    }
    this.#busy = false
    if (signal.aborted) return
    if (this.#again) this.#begin()
    else this.#timer = setTimeout(() => this.#begin(), pauseMs).unref()
  }

  #begin(): void {
    this.#again = false
    this.#round = this.#run()
  }

  /** Begins a round without waiting for the end of the pause; when one is under way, another one after it. */
  wake(): void {
    if (this.#closing.signal.aborted) return
    clearTimeout(this.#timer)
    if (this.#busy) this.#again = true
    else this.#begin()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the server ends'))
    clearTimeout(this.#timer)
    await this.#round
  }
}
