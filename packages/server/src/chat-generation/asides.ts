import { describeError, type Logger } from '@slipway/request-log'

/** Pieces of work at once, and those that wait; more are left out. */
const AT_ONCE = 8
const WAITING = 256

/** Work beside the turns of chats, such as titles: nobody waits for it, and it may be left out (CH-1010). */
export class Asides implements AsyncDisposable {
  readonly #log: Logger
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #waiting: (() => void)[] = []

  constructor(log: Logger) {
    this.#log = log
  }

  /** Does a piece of work, soon. What it throws is logged. */
  do(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#stopping.signal.aborted) return
    const start = (): void => {
      const running = this.#run(name, work).finally(() => {
        this.#running.delete(running)
        this.#waiting.shift()?.()
      })
      this.#running.add(running)
    }
    if (this.#running.size < AT_ONCE) start()
    else if (this.#waiting.length < WAITING) this.#waiting.push(start)
    else
      this.#log.warn('work beside the turns of chats is left out, because there is too much of it', { name })
  }

  async #run(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#stopping
    try {
      await work(signal)
    } catch (error) {
      if (!signal.aborted)
        this.#log.info('work beside the turn of a chat failed', { name, error: describeError(error) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#waiting.length = 0
    await Promise.all(this.#running)
  }
}
