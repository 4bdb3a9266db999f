import { setTimeout as delay } from 'node:timers/promises'

import { LRUCache } from 'lru-cache'

import { isDatabaseFault } from '../../errors/index.ts'

/** How long what was known goes on to hold while the database is away, in milliseconds. */
const HOLDS_MS = 10 * 60_000
const MAX_KNOWN = 10_000
/** How long a look into the database may take, where requests go on without it. */
const LOOK_MS = 2_000

/** Whether requests go on without the database, and whether it is away. */
export interface Outage {
  readonly failOpen: () => boolean
  readonly away: () => boolean
}

/**
 * What the database has said last, for requests that go on while it is away (AG-B23). Keeps nothing unless the settings
 * say that they do.
 */
export class LastKnown<Value extends object> {
  readonly #outage: Outage
  readonly #known = new LRUCache<string, Value>({ max: MAX_KNOWN, ttl: HOLDS_MS })

  constructor(outage: Outage) {
    this.#outage = outage
  }

  /** What a look gives, or gave last where the database is away. @throws what the look throws. */
  async get(key: string, look: () => Promise<Value | undefined>): Promise<Value | undefined> {
    if (!this.#outage.failOpen()) return look()
    const known = this.#known.get(key)
    if (known !== undefined && this.#outage.away()) return known
    let seen: Value | undefined
    try {
      seen = known === undefined ? await look() : await orLate(look(), known)
    } catch (error) {
      if (known === undefined || !isDatabaseFault(error)) throw error
      return known
    }
    if (seen === undefined) this.#known.delete(key)
    else if (seen !== known) this.#known.set(key, seen)
    return seen
  }

  /** Whether anything is kept. */
  get keeps(): boolean {
    return this.#outage.failOpen()
  }

  /** What was known last. */
  fallback(key: string): Value | undefined {
    return this.#known.get(key)
  }

  /** Notes what is known now. */
  note(key: string, value: Value): void {
    this.#known.set(key, value)
  }
}

async function orLate<Value>(look: Promise<Value>, otherwise: Value): Promise<Value> {
  const late = new AbortController()
  look.catch(() => undefined)
  try {
    return await Promise.race([
      look,
      delay(LOOK_MS, otherwise, { signal: late.signal }).catch(() => otherwise),
    ])
  } finally {
    late.abort()
  }
}
