import { createHash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { GatewayError } from '../exchange/gateway-error.ts'
import type { ResilienceMetrics } from '../resilience/resilience-metrics.ts'
import { Places, Waiting } from './places.ts'

const WINDOW_MS = 1_000
/** Callers that are counted at the same time; beyond that the longest silent ones begin anew. */
const MAX_CALLERS = 50_000

interface Window {
  start: number
  current: number
  previous: number
}

/** What overload is limited by; 0 is any number. */
export interface OverloadLimits {
  /** Requests at once on this replica. */
  readonly maxConcurrency: number
  /** Requests in a second from one caller. */
  readonly rate: number
  /** What can be set while the server runs; read for each request. */
  readonly settings?: () => {
    readonly maxConcurrencyPerUser: number
    readonly queueLength: number
    readonly queueTimeoutMs: number
  }
}

const NO_SETTINGS = { maxConcurrencyPerUser: 0, queueLength: 0, queueTimeoutMs: 0 }
/** All requests of the replica. */
const ALL = ''
const FULL = 'AI Bridge is currently at capacity. Please try again later.'
const FULL_FOR_USER = 'You have too many requests under way. Please try again later.'

/**
 * Keeps the gateway from being overrun: so many requests at once, so many of them of one user, and so many in a second from
 * one caller; 0 is any number (AG-63 to AG-68, AG-B13). Of each replica, under both prefixes together.
 */
export class Overload {
  readonly #limits: OverloadLimits
  readonly #now: () => number
  readonly #metrics: ResilienceMetrics | undefined
  readonly #windows = new LRUCache<string, Window>({ max: MAX_CALLERS })
  readonly #all: Places
  readonly #users: Places

  /**
   * @param now tells the time in milliseconds.
   * @param stopped aborted when nobody is let in any more; its reason is what those are told who wait.
   */
  constructor(
    limits: OverloadLimits,
    now: () => number = Date.now,
    metrics?: ResilienceMetrics,
    stopped: AbortSignal = new AbortController().signal,
  ) {
    this.#limits = limits
    this.#now = now
    this.#metrics = metrics
    const waiting = new Waiting(() => {
      const { queueLength, queueTimeoutMs } = limits.settings?.() ?? NO_SETTINGS
      return { length: queueLength, timeoutMs: queueTimeoutMs }
    }, stopped)
    this.#all = new Places('concurrency', waiting, metrics)
    this.#users = new Places('user_concurrency', waiting, metrics)
  }

  /**
   * Takes a place for a request, first by how many run and then by how many this caller has sent (AG-67); where requests
   * may wait, it may become free later. Disposing the result, once or more often, gives the place back.
   *
   * @param caller a credential or an address, of which only the digest is kept; undefined is not counted (AG-B13).
   * @param signal ends a wait.
   * @throws GatewayError 503 when all places are taken, 429 when the caller is too fast; the reason of the signal.
   */
  admit(caller: string | undefined, signal?: AbortSignal): Disposable | Promise<Disposable> {
    const place = this.#all.take(ALL, this.#limits.maxConcurrency, FULL, signal)
    return place instanceof Promise
      ? place.then((free) => this.#counted(caller, free))
      : this.#counted(caller, place)
  }

  /**
   * Takes a place among those of one user, as {@link Overload.admit} does of all.
   *
   * @throws GatewayError 503 when all of them are taken; the reason of the signal.
   */
  admitUser(userId: string, signal: AbortSignal): Disposable | Promise<Disposable> | undefined {
    const limit = this.#limits.settings?.().maxConcurrencyPerUser ?? 0
    return limit === 0 ? undefined : this.#users.take(userId, limit, FULL_FOR_USER, signal)
  }

  /** @throws GatewayError 429 when the caller is too fast; the place is free again then. */
  #counted(caller: string | undefined, place: Disposable): Disposable {
    if (this.#limits.rate === 0 || caller === undefined || this.#count(caller)) return place
    place[Symbol.dispose]()
    this.#metrics?.refused('rate')
    throw new GatewayError(429, 'rate_limited', "You've been rate limited. Please try again later.", {
      retryAfterSeconds: 1,
    })
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
    if (weighted + 1 > this.#limits.rate) return false
    window.current += 1
    return true
  }
}
