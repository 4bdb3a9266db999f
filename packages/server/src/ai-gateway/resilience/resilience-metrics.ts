import type { Registry } from 'prom-client'

import type { BoundedNames } from '../observation/bounded-names.ts'
import { GatewaySeries } from '../observation/gateway-series.ts'
import type { BreakerEvents, Circuit } from './circuit-breakers.ts'

/** Why a request is not let in, or has to wait. */
export type OverloadLimit = 'concurrency' | 'user_concurrency' | 'rate'

/** How a wait for a place ends. */
export type WaitOutcome = 'admitted' | 'timeout' | 'left'

/** What the gateway counts of how it gets along with providers that fail, and with too many requests. */
export class ResilienceMetrics implements BreakerEvents {
  readonly #models: BoundedNames
  /** Circuits that have been open, by their labels: closed ones are told of as well. */
  readonly #known = new Map<string, Circuit>()
  readonly #trips
  readonly #rejects
  readonly #fallbacks
  readonly #refusals
  readonly #waits
  readonly #waiting

  /**
   * @param models names that they have in all series.
   * @param broken circuits that are not closed at the moment.
   */
  constructor(
    registry: Registry,
    models: BoundedNames,
    broken: () => readonly { readonly circuit: Circuit; readonly state: 'open' | 'half-open' }[],
  ) {
    this.#models = models
    const series = new GatewaySeries(registry)
    const circuit = ['provider', 'endpoint', 'model'] as const
    this.#trips = series.counter('circuit_breaker_trips_total', 'Circuits that were opened.', circuit)
    this.#rejects = series.counter(
      'circuit_breaker_rejects_total',
      'Requests that an open circuit did not let through.',
      circuit,
    )
    series.gauge(
      'circuit_breaker_state',
      'Circuits that were open before: 0 is closed, 0.5 half-open and 1 open.',
      circuit,
      (set) => {
        for (const one of this.#known.values()) set(this.#labels(one), 0)
        for (const { circuit: one, state } of broken()) set(this.#labels(one), state === 'open' ? 1 : 0.5)
      },
    )
    this.#fallbacks = series.counter(
      'provider_fallbacks_total',
      'Requests that went on to another provider.',
      ['provider', 'fallback'],
    )
    this.#refusals = series.counter('overload_rejections_total', 'Requests that a limit did not let in.', [
      'limit',
    ])
    this.#waits = series.counter('overload_waits_total', 'Requests that have waited for a place.', [
      'limit',
      'outcome',
    ])
    this.#waiting = series.level('overload_waiting', 'Requests that wait for a place.', ['limit'])
  }

  /** Clients name models as they like. */
  #labels({ provider, route, model }: Circuit) {
    return { provider, endpoint: route, model: this.#models.label(model) }
  }

  tripped(circuit: Circuit): void {
    const labels = this.#labels(circuit)
    this.#known.set(JSON.stringify(labels), circuit)
    this.#trips.add(labels)
  }

  rejected(circuit: Circuit): void {
    this.#rejects.add(this.#labels(circuit))
  }

  /** Counts a request that another provider is asked for, because this one has failed. */
  fellBack(provider: string, fallback: string): void {
    this.#fallbacks.add({ provider, fallback })
  }

  /** Counts a request that a limit did not let in. */
  refused(limit: OverloadLimit): void {
    this.#refusals.add({ limit })
  }

  /** Counts a request that waits for a place; whoever lets it go calls back with how that ended. */
  waits(limit: OverloadLimit): (outcome: WaitOutcome) => void {
    this.#waiting.add({ limit })
    return (outcome) => {
      this.#waiting.add({ limit }, -1)
      this.#waits.add({ limit, outcome })
    }
  }
}
