import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'

/** How long a change may go unnoticed when its event is lost (AG-107). */
const POLL_MS = 60_000

/** What is read, and when. */
export interface RereadingOptions {
  /** Of the feed's events; each says that something has changed. */
  readonly kind: string
  /** Puts what is stored into memory. Rejects when that is not possible; then what was known must stay. */
  readonly read: () => Promise<void>
  /** What the log says of a read that failed. */
  readonly failure: string
}

/**
 * Keeps what a part of the server has in memory as it is stored: every change is read again at once, on all replicas, and
 * once in a minute in any case. A read that fails is logged, and the next one comes with the next change.
 */
export class Rereading implements AsyncDisposable {
  readonly #log: AppContext['log']
  readonly #options: RereadingOptions
  readonly #subscription: Disposable
  readonly #poll: NodeJS.Timeout
  #wanted = false
  #reading: Promise<void> | undefined
  #closed = false

  constructor({ database, log }: Pick<AppContext, 'database' | 'log'>, options: RereadingOptions) {
    this.#log = log
    this.#options = options
    this.#subscription = database.feed.subscribe({
      kinds: new Set([options.kind]),
      onEvent: () => this.#readSoon(),
      onReset: () => this.#readSoon(),
    })
    this.#poll = setInterval(() => this.#readSoon(), POLL_MS).unref()
  }

  /** Reads for the first time. @throws Error when that is not possible; nothing is read any more then. */
  async begin(): Promise<void> {
    try {
      await this.#options.read()
    } catch (error) {
      await this[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Reads again now; resolves when what is stored at this moment is known, or could not be read. */
  async refresh(): Promise<void> {
    this.#readSoon()
    while (this.#reading !== undefined) await this.#reading
  }

  /** Calls while a read is under way lead to one more. */
  #readSoon(): void {
    if (this.#closed) return
    this.#wanted = true
    this.#reading ??= this.#drain()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#wanted && !this.#closed) {
        this.#wanted = false
        try {
          await this.#options.read()
        } catch (error) {
          this.#log.warn(this.#options.failure, { error: describeError(error) })
        }
      }
    } finally {
      this.#reading = undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#poll)
    this.#subscription[Symbol.dispose]()
    await this.#reading
  }
}
