import type { AIProviderTest } from '@slipway/contract'
import type {
  ModelProvider,
  ModelProviders,
  ProviderKey,
  ProviderTroubles,
} from '../../ai-providers/index.ts'
import type { ExchangeParts } from '../exchange/exchange-parts.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import type { CooldownReason } from '../keys/key-pool.ts'
import { failureOfStatus } from '../recording/categories.ts'
import { storable } from '../wires/json.ts'
import type { BreakerEvents } from './circuit-breakers.ts'
import type { ResilienceMetrics } from './resilience-metrics.ts'

const MAX_ROUTE = 512
const MAX_MODEL = 256

type Parts = Pick<ExchangeParts, 'troubles'>

/** Hears what circuit breakers do, for metrics and for administrators (AG-B18). */
export function circuitEvents({
  resilience,
  troubles,
  providers,
}: {
  readonly resilience: ResilienceMetrics
  readonly troubles: ProviderTroubles
  readonly providers: ModelProviders
}): BreakerEvents {
  return {
    tripped: (circuit, forMs) => {
      resilience.tripped(circuit)
      const providerId = providers.find(circuit.provider)?.id
      if (providerId === undefined) return
      const subject = storable(circuit.route, MAX_ROUTE)
      const model = storable(circuit.model, MAX_MODEL)
      troubles.found({ providerId, subject, model, kind: 'circuit_open', error: '' }, forMs)
    },
    rejected: (circuit) => resilience.rejected(circuit),
  }
}

/** What the refusal of a key says. */
interface Refusal {
  readonly status: number
  /** Empty where somebody else reads it. */
  readonly body: string
  readonly reason: CooldownReason
  /** How long the key rests, in milliseconds. */
  readonly forMs: number
}

/** Notes that a key rests, and what the provider has said. */
export function foundResting(
  { troubles }: Parts,
  { id: providerId }: ModelProvider,
  { id: subject }: ProviderKey,
  { status, body, reason, forMs }: Refusal,
): void {
  if (forMs <= 0) return
  const error = failureOfStatus(status, body, 'other').message
  troubles.found({ providerId, subject, model: '', kind: reason, error }, forMs)
}

/** Notes how a provider has answered, and to which credential: one of its keys, another of the deployment, or a user's. */
export function foundAnswering(
  { troubles }: Parts,
  { id: providerId }: ModelProvider,
  credential: ProviderKey | 'deployment' | 'user',
  status: number,
): void {
  const subject = typeof credential === 'string' ? '' : credential.id
  const kind = credential === 'user' ? undefined : REFUSALS.get(status)
  if (status >= 500)
    troubles.found({ providerId, subject: '', model: '', kind: 'failing', error: answered(status) })
  else if (kind !== undefined)
    troubles.found({ providerId, subject, model: '', kind, error: answered(status) })
  else troubles.works(providerId, subject)
}

const REFUSALS: ReadonlyMap<number, 'unauthorized' | 'forbidden' | 'rate_limited'> = new Map([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [429, 'rate_limited'],
])

function answered(status: number): string {
  return `the provider has answered ${status}`
}

/** Notes that a provider was asked in vain. */
export function foundFailing({ troubles }: Parts, { id: providerId }: ModelProvider, error: unknown): void {
  if (!(error instanceof GatewayError) || !FAILURES.has(error.code)) return
  troubles.found({ providerId, subject: '', model: '', kind: 'failing', error: error.message })
}

const FAILURES: ReadonlySet<string> = new Set(['upstream_unreachable', 'timeout', 'provider_error'])

/**
 * Notes what the test of a provider has found of its keys, which are shown so at once. A key that works rests no more,
 * unless it has reached a limit: the test is no request to a model.
 */
export async function foundByTest(
  { troubles, pools }: Pick<ExchangeParts, 'troubles' | 'pools'>,
  { id: providerId }: ModelProvider,
  { results }: AIProviderTest,
): Promise<void> {
  const pool = pools.known().get(providerId)
  for (const { key_id: keyId, ok, status_code: status, error } of results) {
    if (keyId === null) continue
    const kind = REFUSALS.get(status)
    if (ok && !troubles.isLimited(providerId, keyId)) {
      troubles.works(providerId, keyId)
      if (pool?.limited().every(({ id }) => id !== keyId) === true) pool.wake(keyId)
    } else if (!ok && kind !== undefined && kind !== 'rate_limited')
      troubles.found({ providerId, subject: keyId, model: '', kind, error })
  }
  await troubles.settle()
}
