import { LRUCache } from 'lru-cache'

const WINDOW_MS = 1_000
/** Tokens with a rate that are counted at the same time; beyond that the longest silent ones begin anew. */
const MAX_KEYS = 10_000

interface Window {
  start: number
  current: number
  previous: number
}

/** Counts the requests of tokens that may send only so many in a second (AG-B8). Of each replica. */
export class KeyRates {
  readonly #now: () => number
  readonly #windows = new LRUCache<string, Window>({ max: MAX_KEYS })

  /** @param now tells the time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts one request; false, and uncounted, where it is one too many. The window before counts by its share. */
  take(keyId: string, perSecond: number): boolean {
    const now = this.#now()
    const start = now - (now % WINDOW_MS)
    const known = this.#windows.get(keyId)
    const window: Window = known ?? { start, current: 0, previous: 0 }
    if (known === undefined) this.#windows.set(keyId, window)
    if (window.start !== start) {
      window.previous = start - window.start === WINDOW_MS ? window.current : 0
      window.current = 0
      window.start = start
    }
    const weighted = window.current + window.previous * (1 - (now - start) / WINDOW_MS)
    if (weighted + 1 > perSecond) return false
    window.current += 1
    return true
  }
}
