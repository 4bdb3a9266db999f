import { describeError, type Logger } from '@slipway/request-log'
import { labelled } from '../profile-labels/index.ts'

const EVERY_MS = 15_000

interface Watched {
  readonly still: () => Promise<boolean>
  readonly end: () => void
}

/**
 * Asks again and again whether open connections may stay open: terminals, tunnels and apps are authorized when they
 * begin, and last for days. Rights that were taken away end them well within 60 s (RB-137, AC-308).
 */
export class RightsWatch implements AsyncDisposable {
  readonly #log: Logger
  readonly #open = new Set<Watched>()
  readonly #timer: NodeJS.Timeout
  #round: Promise<void> | undefined

  /** @param everyMs pause between two rounds, in milliseconds. */
  constructor(log: Logger, everyMs = EVERY_MS) {
    this.#log = log
    this.#timer = setInterval(() => {
      this.#round ??= labelled('rights-watch', () => this.#check()).finally(() => {
        this.#round = undefined
      })
    }, everyMs).unref()
  }

  /**
   * Watches a connection until its carrier closes.
   *
   * @param still whether it may stay; one that cannot be answered now is asked again in the next round.
   */
  watch(
    carrier: { once(event: 'close', listener: () => void): unknown },
    still: () => Promise<boolean>,
    end: () => void,
  ): void {
    const watched = { still, end }
    this.#open.add(watched)
    carrier.once('close', () => this.#open.delete(watched))
  }

  async #check(): Promise<void> {
    for (const watched of [...this.#open]) {
      if (!this.#open.has(watched)) continue
      try {
        if (!(await watched.still())) watched.end()
      } catch (error) {
        this.#log.debug('the rights to an open connection could not be checked', {
          error: describeError(error),
        })
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#round
  }
}
