import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'
import { rotateKeys } from './rotate-keys.ts'

const EVERY_MS = 10 * 60_000

/** Replaces keys in their time: at the start and every ten minutes, on one replica at a time (OP-74). */
export class KeyRotation implements AsyncDisposable {
  readonly #context: AppContext
  readonly #timer: NodeJS.Timeout
  #round: Promise<void>

  constructor(context: AppContext) {
    this.#context = context
    this.#round = this.#run()
    this.#timer = setInterval(() => {
      this.#round = this.#round.then(() => this.#run())
    }, EVERY_MS).unref()
  }

  async #run(): Promise<void> {
    try {
      await rotateKeys(this.#context)
    } catch (error) {
      this.#context.log.error('keys could not be replaced', { error: describeError(error) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#round
  }
}
