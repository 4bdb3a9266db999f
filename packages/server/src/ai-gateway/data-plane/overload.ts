import { createHash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { GatewayError } from '../gateway-error.ts'

const WINDOW_MS = 1_000
/** Callers that are counted at the same time; beyond that the longest silent ones begin anew. */
const MAX_CALLERS = 50_000

interface Window {
  start: number
  current: number
  previous: number
}

/**
 * Keeps the gateway from being overrun: so many requests at once, and so many in a second from one caller; 0 is any
 * number (AG-63 to AG-68). Of each replica, under both prefixes together.
 */
export class Overload {
  readonly #maxConcurrency: number
  readonly #rate: number
  readonly #now: () => number
  readonly #windows = new LRUCache<string, Window>({ max: MAX_CALLERS })
  #running = 0

  /** @param now tells the time in milliseconds. */
  constructor(
    limits: { readonly maxConcurrency: number; readonly rate: number },
    now: () => number = Date.now,
  ) {
    this.#maxConcurrency = limits.maxConcurrency
    this.#rate = limits.rate
    this.#now = now
  }

  /**
   * Takes a place for a request, first by how many run and then by how many this caller has sent (AG-67). Disposing the
   * result, once or more often, gives the place back.
   *
   * @param caller a credential or an address; only its digest is kept.
   * @throws GatewayError 503 when all places are taken, 429 when the caller is too fast.
   */
  admit(caller: string): Disposable {
    if (this.#maxConcurrency > 0 && this.#running >= this.#maxConcurrency)
      throw new GatewayError(
        503,
        'gateway_at_capacity',
        'AI Bridge is currently at capacity. Please try again later.',
        { retryAfterSeconds: 1 },
      )
    if (this.#rate > 0 && !this.#count(caller))
      throw new GatewayError(429, 'rate_limited', "You've been rate limited. Please try again later.", {
        retryAfterSeconds: 1,
      })
    this.#running += 1
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held) this.#running -= 1
        held = false
      },
    }
  }

  /** The window before counts by the share of it that lies within the last second. */
  #count(caller: string): boolean {
    const now = this.#now()
    const start = now - (now % WINDOW_MS)
    const key = createHash('sha256').update(caller).digest('base64')
    const known = this.#windows.get(key)
    const window: Window = known ?? { start, current: 0, previous: 0 }
    if (known === undefined) this.#windows.set(key, window)
    if (window.start !== start) {
      window.previous = start - window.start === WINDOW_MS ? window.current : 0
      window.current = 0
      window.start = start
    }
    const weighted = window.current + window.previous * (1 - (now - start) / WINDOW_MS)
    if (weighted + 1 > this.#rate) return false
    window.current += 1
    return true
  }
}
