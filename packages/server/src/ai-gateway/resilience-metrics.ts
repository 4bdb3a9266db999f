import { Counter, Gauge, type Registry } from 'prom-client'

import { BoundedNames } from './bounded-names.ts'
import type { BreakerEvents, Circuit } from './circuit-breakers.ts'

/** The present prefix, and the former one that dashboards still ask for (AG-123). */
const PREFIXES = ['coder_ai_gateway_', 'coder_aibridged_'] as const

/** Why a request is not let in, or has to wait. */
export type OverloadLimit = 'concurrency' | 'user_concurrency' | 'rate'

/** How a wait for a place ends. */
export type WaitOutcome = 'admitted' | 'timeout' | 'left'

/** What the gateway counts of how it gets along with providers that fail, and with too many requests. */
export class ResilienceMetrics implements BreakerEvents {
  readonly #models = new BoundedNames()
  /** Circuits that have been open, by their labels: closed ones are told of as well. */
  readonly #known = new Map<string, Circuit>()
  readonly #trips: readonly Counter<'provider' | 'endpoint' | 'model'>[]
  readonly #rejects: readonly Counter<'provider' | 'endpoint' | 'model'>[]
  readonly #fallbacks: readonly Counter<'provider' | 'fallback'>[]
  readonly #refusals: readonly Counter<'limit'>[]
  readonly #waits: readonly Counter<'limit' | 'outcome'>[]
  readonly #waiting: readonly Gauge<'limit'>[]

  /** @param broken circuits that are not closed at the moment. */
  constructor(
    registry: Registry,
    broken: () => readonly { readonly circuit: Circuit; readonly state: 'open' | 'half-open' }[],
  ) {
    const registers = [registry]
    const counters = <Labels extends string>(name: string, help: string, labelNames: readonly Labels[]) =>
      PREFIXES.map(
        (prefix) =>
          new Counter<Labels>({ name: prefix + name, help, labelNames: [...labelNames], registers }),
      )
    const circuit = ['provider', 'endpoint', 'model'] as const
    this.#trips = counters('circuit_breaker_trips_total', 'Circuits that were opened.', circuit)
    this.#rejects = counters(
      'circuit_breaker_rejects_total',
      'Requests that an open circuit did not let through.',
      circuit,
    )
    for (const prefix of PREFIXES) {
      const gauge: Gauge<'provider' | 'endpoint' | 'model'> = new Gauge({
        name: `${prefix}circuit_breaker_state`,
        help: 'Circuits that were open before: 0 is closed, 0.5 half-open and 1 open.',
        labelNames: [...circuit],
        registers,
        collect: () => {
          gauge.reset()
          for (const one of this.#known.values()) gauge.set(this.#labels(one), 0)
          for (const { circuit: one, state } of broken())
            gauge.set(this.#labels(one), state === 'open' ? 1 : 0.5)
        },
      })
    }
    this.#fallbacks = counters('provider_fallbacks_total', 'Requests that went on to another provider.', [
      'provider',
      'fallback',
    ])
    this.#refusals = counters('overload_rejections_total', 'Requests that a limit did not let in.', ['limit'])
    this.#waits = counters('overload_waits_total', 'Requests that have waited for a place.', [
      'limit',
      'outcome',
    ])
    this.#waiting = PREFIXES.map(
      (prefix) =>
        new Gauge({
          name: `${prefix}overload_waiting`,
          help: 'Requests that wait for a place.',
          labelNames: ['limit'],
          registers,
        }),
    )
  }

  /** Clients name models as they like. */
  #labels({ provider, route, model }: Circuit) {
    return { provider, endpoint: route, model: this.#models.label(model) }
  }

  tripped(circuit: Circuit): void {
    const labels = this.#labels(circuit)
    this.#known.set(JSON.stringify(labels), circuit)
    for (const one of this.#trips) one.inc(labels)
  }

  rejected(circuit: Circuit): void {
    const labels = this.#labels(circuit)
    for (const one of this.#rejects) one.inc(labels)
  }

  /** Counts a request that another provider is asked for, because this one has failed. */
  fellBack(provider: string, fallback: string): void {
    for (const one of this.#fallbacks) one.inc({ provider, fallback })
  }

  /** Counts a request that a limit did not let in. */
  refused(limit: OverloadLimit): void {
    for (const one of this.#refusals) one.inc({ limit })
  }

  /** Counts a request that waits for a place; whoever lets it go calls back with how that ended. */
  waits(limit: OverloadLimit): (outcome: WaitOutcome) => void {
    for (const one of this.#waiting) one.inc({ limit })
    return (outcome) => {
      for (const one of this.#waiting) one.dec({ limit })
      for (const one of this.#waits) one.inc({ limit, outcome })
    }
  }
}
