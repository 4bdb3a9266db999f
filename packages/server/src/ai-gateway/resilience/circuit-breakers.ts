import { LRUCache } from 'lru-cache'

import { GatewayError } from '../exchange/gateway-error.ts'

/** What breakers are told apart by (AG-59). */
export interface Circuit {
  readonly provider: string
  readonly route: string
  readonly model: string
}

/** When breakers open and close; times in milliseconds. */
export interface BreakerSettings {
  readonly enabled: boolean
  readonly failureThreshold: number
  readonly interval: number
  readonly timeout: number
  readonly maxRequests: number
}

/** Hears what breakers do. */
export interface BreakerEvents {
  /** One has opened, for so many milliseconds. */
  tripped(circuit: Circuit, forMs: number): void
  /** A request was not let through. */
  rejected(circuit: Circuit): void
}

const SILENT: BreakerEvents = { tripped: () => undefined, rejected: () => undefined }

/** How a request that was let through went; `unknown` says nothing of the provider, as when the client left. */
export type Outcome = 'success' | 'failure' | 'unknown'

/** Failing circuits that are known at the same time: clients name models as they like. */
const MAX_CIRCUITS = 10_000

type State =
  | { readonly kind: 'closed'; readonly since: number; failures: number }
  | { readonly kind: 'open'; readonly circuit: Circuit; readonly until: number }
  | { readonly kind: 'half-open'; readonly circuit: Circuit; admitted: number; successes: number }

/**
 * Stop asking providers that fail for a while (AG-59 to AG-62). Of each replica, shared by all users. Only circuits with
 * failures are kept.
 */
export class CircuitBreakers {
  readonly #settings: BreakerSettings
  readonly #now: () => number
  readonly #heard: BreakerEvents
  readonly #states = new LRUCache<string, State>({ max: MAX_CIRCUITS })

  /** @param now tells the time in milliseconds. */
  constructor(settings: BreakerSettings, now: () => number, heard: BreakerEvents = SILENT) {
    this.#settings = settings
    this.#now = now
    this.#heard = heard
  }

  /**
   * Lets a request through; whoever sends it calls back once with how it went.
   *
   * @throws GatewayError 503 while the provider is left alone.
   */
  enter(circuit: Circuit): (outcome: Outcome) => void {
    if (!this.#settings.enabled) return () => undefined
    const key = JSON.stringify([circuit.provider, circuit.route, circuit.model])
    const state = this.#current(key, circuit)
    if (state?.kind === 'open') throw this.#refusal(circuit)
    if (state?.kind === 'half-open') {
      if (state.admitted >= this.#settings.maxRequests) throw this.#refusal(circuit)
      state.admitted += 1
    }
    return (outcome) => this.#settle(key, circuit, state, outcome)
  }

  /** Circuits that let nothing through, or only some to try, at this moment. */
  broken(): readonly { readonly circuit: Circuit; readonly state: 'open' | 'half-open' }[] {
    return [...this.#states.values()].flatMap((state) => {
      if (state.kind === 'closed') return []
      const isOpen = state.kind === 'open' && this.#isLeftAlone(state.until)
      return [{ circuit: state.circuit, state: isOpen ? ('open' as const) : ('half-open' as const) }]
    })
  }

  /** Whether a circuit that is open is so still; not for longer than it was to be, also where a clock was set back. */
  #isLeftAlone(until: number): boolean {
    const left = until - this.#now()
    return left > 0 && left <= this.#settings.timeout
  }

  #refusal(circuit: Circuit): GatewayError {
    this.#heard.rejected(circuit)
    return new GatewayError(503, 'circuit_open', 'circuit breaker is open', {
      retryAfterSeconds: Math.ceil(this.#settings.timeout / 1_000),
    })
  }

  /** The state at this moment; undefined is closed without a failure. */
  #current(key: string, circuit: Circuit): State | undefined {
    const state = this.#states.get(key)
    const now = this.#now()
    // A clock may have been set back.
    if (state?.kind === 'closed' && (now - state.since >= this.#settings.interval || now < state.since)) {
      this.#states.delete(key)
      return undefined
    }
    if (state?.kind !== 'open' || this.#isLeftAlone(state.until)) return state
    const halfOpen: State = { kind: 'half-open', circuit, admitted: 0, successes: 0 }
    this.#states.set(key, halfOpen)
    return halfOpen
  }

  #settle(key: string, circuit: Circuit, entered: State | undefined, outcome: Outcome): void {
    const state = this.#current(key, circuit)
    if (entered?.kind === 'half-open') {
      // What was sent before the state changed says nothing of it any more.
      if (state !== entered) return
      if (outcome === 'failure') this.#open(key, circuit)
      else if (outcome === 'unknown') entered.admitted -= 1
      else {
        entered.successes += 1
        if (entered.successes >= this.#settings.maxRequests) this.#states.delete(key)
      }
      return
    }
    if (outcome === 'unknown' || (state !== undefined && state.kind !== 'closed')) return
    if (outcome === 'success') {
      this.#states.delete(key)
      return
    }
    const closed = state ?? { kind: 'closed' as const, since: this.#now(), failures: 0 }
    closed.failures += 1
    if (closed.failures >= this.#settings.failureThreshold) this.#open(key, circuit)
    else this.#states.set(key, closed)
  }

  #open(key: string, circuit: Circuit): void {
    this.#heard.tripped(circuit, this.#settings.timeout)
    this.#states.set(key, { kind: 'open', circuit, until: this.#now() + this.#settings.timeout })
  }
}
