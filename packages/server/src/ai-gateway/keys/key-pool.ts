import { LRUCache } from 'lru-cache'

import type { AIKeyStrategy } from '@slipway/contract'
import type { ModelProvider, ProviderKey } from '../../ai-providers/index.ts'

/** How long a key rests that is refused or limited without a word about when to come back, in milliseconds. */
const DEFAULT_COOLDOWN_MS = 60_000

/** Sessions whose key is known, and for how long after their last request in milliseconds: caches of prompts live shorter. */
const MAX_SESSIONS = 10_000
const SESSION_MS = 3_600_000

/** Why a key rests. */
export type CooldownReason = 'rate_limited' | 'unauthorized'

interface Cooldown {
  readonly until: number
  /** For how long at most, from any moment on: a clock that was set back must not make it longer. */
  readonly forMs: number
  readonly reason: CooldownReason
}

/** What is left when no key can be used (AG-54). */
export type Exhaustion =
  | { readonly kind: 'rate_limited'; readonly retryAfterMs: number }
  | { readonly kind: 'unauthorized' }

/**
 * The keys of a provider in their order, and which of them rest (AG-52). One for each provider on a replica, shared by
 * all users; it begins anew when the provider changes.
 */
export class KeyPool {
  readonly #keys: readonly ProviderKey[]
  readonly #now: () => number
  readonly #resting = new Map<string, Cooldown>()
  /** Requests under way by key, and the key of each session; of strategies other than `primary` alone. */
  readonly #busy = new Map<string, number>()
  #sessions: LRUCache<string, string> | undefined
  #turn = 0

  constructor(keys: readonly ProviderKey[], now: () => number) {
    this.#keys = keys
    this.#now = now
  }

  /** Keys that may be tried now, the first one first. */
  usable(): readonly ProviderKey[] {
    return this.#keys.filter((key) => this.#cooldown(key.id) === undefined)
  }

  /**
   * Keys that may be tried now, in the order of a strategy (AG-B11): but for `primary`, the one that a session had before
   * comes first, so that the provider still knows the beginning of its prompts; a new session gets the next key in turn, or
   * the one with the fewest requests under way.
   */
  inOrder(strategy: AIKeyStrategy, session: string): readonly ProviderKey[] {
    const keys = this.usable()
    if (strategy === 'primary' || keys.length < 2) return keys
    const sticky = this.#sessions?.get(session)
    const known = keys.find(({ id }) => id === sticky)
    const first =
      known ?? (strategy === 'round_robin' ? keys[this.#nextTurn(keys.length)] : this.#idlest(keys))
    if (first === undefined) return keys
    const at = keys.indexOf(first)
    return [...keys.slice(at), ...keys.slice(0, at)]
  }

  #nextTurn(keys: number): number {
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER
    return (this.#turn - 1) % keys
  }

  #idlest(keys: readonly ProviderKey[]): ProviderKey | undefined {
    const load = (key: ProviderKey): number => this.#busy.get(key.id) ?? 0
    const least = Math.min(...keys.map(load))
    return keys.find((key) => load(key) === least)
  }

  /** Lets a session go on with the key that has answered it. */
  keep(session: string, keyId: string): void {
    // It takes memory for all that it may hold from the start.
    this.#sessions ??= new LRUCache({
      max: MAX_SESSIONS,
      ttl: SESSION_MS,
      updateAgeOnGet: true,
      perf: { now: this.#now },
    })
    this.#sessions.set(session, keyId)
  }

  /** Counts a request under way with a key; the result ends it, once or more often. */
  use(keyId: string): () => void {
    this.#busy.set(keyId, (this.#busy.get(keyId) ?? 0) + 1)
    let under = true
    return () => {
      if (!under) return
      under = false
      this.#busy.set(keyId, (this.#busy.get(keyId) ?? 1) - 1)
    }
  }

  /** Lets a key rest; a rest is never made shorter. Returns whether it was usable until now. */
  rest(keyId: string, reason: CooldownReason, forMs = DEFAULT_COOLDOWN_MS): boolean {
    const known = this.#cooldown(keyId)
    const until = this.#now() + forMs
    if (known === undefined || known.until < until) this.#resting.set(keyId, { until, forMs, reason })
    return known === undefined
  }

  /** For how long a key rests from now on, in milliseconds. */
  restOf(keyId: string): number {
    const cooldown = this.#cooldown(keyId)
    return cooldown === undefined ? 0 : cooldown.until - this.#now()
  }

  /** Keys that rest because they were limited, for whoever has to try all the same. */
  limited(): readonly ProviderKey[] {
    return this.#keys.filter((key) => this.#cooldown(key.id)?.reason === 'rate_limited')
  }

  /** Ends the rest of a key that has been answered meanwhile. */
  wake(keyId: string): void {
    this.#resting.delete(keyId)
  }

  #cooldown(keyId: string): Cooldown | undefined {
    const known = this.#resting.get(keyId)
    const left = known === undefined ? 0 : known.until - this.#now()
    if (known !== undefined && (left <= 0 || left > known.forMs)) {
      this.#resting.delete(keyId)
      return undefined
    }
    return known
  }

  /** What callers are told while all keys rest. */
  exhaustion(): Exhaustion {
    const limited = this.#keys
      .map((key) => this.#cooldown(key.id))
      .filter((cooldown) => cooldown?.reason === 'rate_limited')
    if (limited.length === 0) return { kind: 'unauthorized' }
    const soonest = Math.min(...limited.map((cooldown) => cooldown?.until ?? 0))
    return { kind: 'rate_limited', retryAfterMs: Math.max(0, soonest - this.#now()) }
  }

  /** How many keys may be used, and how many rest. */
  states(): { readonly valid: number; readonly temporary: number } {
    const valid = this.usable().length
    return { valid, temporary: this.#keys.length - valid }
  }
}

/** The pools of all providers. */
export class KeyPools {
  readonly #now: () => number
  readonly #pools = new Map<string, { readonly of: string; readonly pool: KeyPool }>()
  /** By state: requests that began before a change go on with the keys of that time. */
  readonly #known = new WeakMap<ModelProvider, KeyPool>()
  #current: ReadonlySet<ModelProvider> | undefined

  /** @param now tells the time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * The pool of a provider as it was read; what rested before its address, its type or its keys changed does so no more
   * (AG-52), and what is still asked by the state before that changes nothing.
   */
  of(provider: ModelProvider): KeyPool {
    const known = this.#known.get(provider)
    if (known !== undefined) return known
    const state = JSON.stringify([provider.baseUrl, provider.type, provider.keys.map((key) => key.id)])
    const latest = this.#pools.get(provider.id)
    const pool = latest?.of === state ? latest.pool : new KeyPool(provider.keys, this.#now)
    this.#known.set(provider, pool)
    if (latest === undefined || this.#current === undefined || this.#current.has(provider))
      this.#pools.set(provider.id, { of: state, pool })
    return pool
  }

  /** Notes how providers are now, and forgets those that are gone. */
  keep(providers: readonly ModelProvider[]): void {
    this.#current = new Set(providers)
    const ids = new Set(providers.map(({ id }) => id))
    for (const id of this.#pools.keys()) if (!ids.has(id)) this.#pools.delete(id)
  }

  /** Pools that exist by now, by the id of their provider. */
  known(): ReadonlyMap<string, KeyPool> {
    return new Map([...this.#pools].map(([id, { pool }]) => [id, pool]))
  }
}

/** How long an upstream wants to be left alone, in milliseconds; undefined when it does not say (AG-52). */
export function cooldownOf(headers: {
  readonly [name: string]: string | string[] | undefined
}): number | undefined {
  const seconds = numberOf(headers['retry-after'])
  const asked = numberOf(headers['retry-after-ms']) ?? (seconds === undefined ? undefined : seconds * 1_000)
  return asked === undefined ? undefined : Math.min(asked, MAX_COOLDOWN)
}

/** A day at most, in milliseconds: an upstream must not switch a key off for ever. */
const MAX_COOLDOWN = 86_400_000

function numberOf(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string' || !/^\d+(?:\.\d+)?$/.test(value.trim())) return undefined
  return Number(value)
}
