import { ApiError } from '../errors/index.ts'

/** How many requests of a kind may run at once, and what they share, as the refusal calls it. */
export interface AtOnce {
  /** 0 or less switches the limit off. */
  readonly limit: number
  readonly resource: string
}

/** Keeps work that is dear from piling up: what is over the maximum is refused at once (ID-126). */
export class ConcurrencyLimiter {
  readonly #options: AtOnce
  #running = 0

  constructor(options: AtOnce) {
    this.#options = options
  }

  /** @throws ApiError 503 when all places are taken. */
  check(): void {
    const { limit, resource } = this.#options
    if (limit > 0 && this.#running >= limit)
      throw new ApiError(503, `${resource} is currently at capacity. Please try again later.`, {
        headers: { 'Retry-After': '1' },
      })
  }

  /**
   * Holds a place for as long as the work lasts, also when nobody waits for it any more.
   *
   * @throws ApiError 503 when all places are taken, and what `work` throws.
   */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.check()
    this.#running += 1
    try {
      return await work()
    } finally {
      this.#running -= 1
    }
  }
}
