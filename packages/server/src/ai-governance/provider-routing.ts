import { Check } from 'typebox/value'

import { type AIKeyStrategy, AIProviderRouting } from '@slipway/contract'

/** Another provider that may answer, and under which names it has the models. */
export interface RoutedProvider {
  /** Name of a provider that speaks the same wire; it may be gone or off. */
  readonly provider: string
  /** Models of the one to models of the other; what is missing keeps its name. */
  readonly models: Readonly<Record<string, string>>
}

/** By which way requests to a provider go (AG-B10, AG-B11); undefined timeouts are those of the release, in milliseconds. */
export interface ProviderRouting {
  readonly keyStrategy: AIKeyStrategy
  /** Tried in this order. */
  readonly fallbacks: readonly RoutedProvider[]
  /** The provider's own share among those of `balance`. */
  readonly weight: number
  readonly balance: readonly (RoutedProvider & { readonly weight: number })[]
  readonly connectTimeoutMs: number | undefined
  readonly firstByteTimeoutMs: number | undefined
  readonly idleTimeoutMs: number | undefined
  readonly totalTimeoutMs: number | undefined
}

const DEFAULT: AIProviderRouting = {
  key_strategy: 'primary',
  fallbacks: [],
  weight: 1,
  balance: [],
  connect_timeout_ms: null,
  first_byte_timeout_ms: null,
  idle_timeout_ms: null,
  total_timeout_ms: null,
}

/** Stored routing with defaults for what is missing; one that no value of this release fits counts as none. */
export function readStoredRouting(stored: unknown): AIProviderRouting {
  const merged = typeof stored === 'object' && stored !== null ? { ...DEFAULT, ...stored } : DEFAULT
  return Check(AIProviderRouting, merged) ? merged : DEFAULT
}

/** Routing as the gateway uses it. */
export function providerRouting(stored: AIProviderRouting): ProviderRouting {
  return {
    keyStrategy: stored.key_strategy,
    fallbacks: stored.fallbacks.map(({ provider, models = {} }) => ({ provider, models })),
    weight: stored.weight,
    balance: stored.balance.map(({ provider, models = {}, weight }) => ({ provider, models, weight })),
    connectTimeoutMs: stored.connect_timeout_ms ?? undefined,
    firstByteTimeoutMs: stored.first_byte_timeout_ms ?? undefined,
    idleTimeoutMs: stored.idle_timeout_ms ?? undefined,
    totalTimeoutMs: stored.total_timeout_ms ?? undefined,
  }
}

/** Of a provider for which nothing is set. */
export const DEFAULT_ROUTING: ProviderRouting = providerRouting(DEFAULT)
