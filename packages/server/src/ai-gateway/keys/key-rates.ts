import { LRUCache } from 'lru-cache'

const WINDOW_MS = 1_000
/** Tokens with a rate that are counted at the same time; beyond that the longest silent ones begin anew. */
const MAX_KEYS = 10_000

/** Up to this rate each request is remembered: the share of a window would halve a rate of one in a second. */
const MAX_REMEMBERED = 64

interface Window {
  start: number
  current: number
  previous: number
}

/** Counts the requests of tokens that may send only so many in a second (AG-B8). Of each replica. */
export class KeyRates {
  readonly #now: () => number
  readonly #windows = new LRUCache<string, Window>({ max: MAX_KEYS })
  /** When the last requests of a token were counted, the oldest first. */
  readonly #times = new LRUCache<string, number[]>({ max: MAX_KEYS })

  /** @param now tells the time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts one request; false, and uncounted, where it is one too many. */
  take(keyId: string, perSecond: number): boolean {
    return perSecond > MAX_REMEMBERED ? this.#takeOfMany(keyId, perSecond) : this.#takeOfFew(keyId, perSecond)
  }

  #takeOfFew(keyId: string, perSecond: number): boolean {
    const now = this.#now()
    const known = this.#times.get(keyId)
    const times = known ?? []
    if (known === undefined) this.#times.set(keyId, times)
    const age = now - (times.at(-perSecond) ?? Number.NEGATIVE_INFINITY)
    // Below 0 the clock was set back.
    if (age >= 0 && age < WINDOW_MS) return false
    times.push(now)
    if (times.length > MAX_REMEMBERED) times.shift()
    return true
  }

  /** The window before counts by its share. */
  #takeOfMany(keyId: string, perSecond: number): boolean {
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
