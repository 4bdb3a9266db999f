import { ApiFailure } from '@slipway/client'
import { explain } from './errors.ts'

/**
 * Lets Ctrl+C cancel a job that somebody waits for (L-12): the first asks the server to, and the job is followed to its
 * end; the second leaves at once, as Ctrl+C does elsewhere, and the job goes on as it may.
 *
 * @param what names the job in what is said.
 * @param cancel asks the server to cancel it.
 */
export class InterruptedJob implements Disposable {
  readonly #what: string
  readonly #cancel: () => Promise<unknown>

  constructor(what: string, cancel: () => Promise<unknown>) {
    this.#what = what
    this.#cancel = cancel
    process.once('SIGINT', this.#interrupt)
  }

  readonly #interrupt = (): void => {
    process.stderr.write(`Cancelling the ${this.#what} … Press Ctrl+C again to leave it.\n`)
    this.#cancel().catch((error: unknown) => {
      process.stderr.write(explain(error))
      if (error instanceof ApiFailure) process.stderr.write(`The ${this.#what} goes on.\n`)
    })
  };

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#interrupt)
  }
}
