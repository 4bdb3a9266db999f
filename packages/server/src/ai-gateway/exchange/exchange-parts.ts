import type { LRUCache } from 'lru-cache'

import type { Governance } from '../../ai-governance/index.ts'
import type { ModelProvider, ModelProviders, ProviderTroubles } from '../../ai-providers/index.ts'
import type { AppContext } from '../../context.ts'
import type { Tracing } from '../../tracing/index.ts'
import type { Upstream } from '../answers/upstream.ts'
import type { AwsCredentials } from '../bedrock/aws-credentials.ts'
import type { KnownCaller } from '../data-plane/caller.ts'
import type { FirewallMark } from '../data-plane/firewall-mark.ts'
import type { Guardrails } from '../guardrails/guardrails.ts'
import type { Credential } from '../keys/credentials.ts'
import type { KeyPools } from '../keys/key-pool.ts'
import type { KeyRates } from '../keys/key-rates.ts'
import type { GatewayMetrics } from '../observation/metrics.ts'
import type { Dumps } from '../recording/dumps.ts'
import type { LastKnown } from '../recording/last-known.ts'
import type { Recorder } from '../recording/recorder.ts'
import type { CircuitBreakers } from '../resilience/circuit-breakers.ts'
import type { ResilienceMetrics } from '../resilience/resilience-metrics.ts'
import type { Initiator } from '../store/budgets.ts'
import type { ToolInjection } from '../tool-injection/open-tool-loop.ts'
import type { RequestFacts } from '../wires/request-facts.ts'
import type { Wire } from '../wires/wire.ts'
import type { RequestHeaders } from './clients.ts'

/** One request of a client to a model. */
export interface ModelRequest {
  readonly provider: ModelProvider
  readonly initiatorId: string
  readonly initiator: Initiator
  readonly apiKeyId: string | undefined
  readonly method: string
  /** Where it goes. */
  readonly url: URL
  /** Path behind the name of the provider; a label of metrics. */
  readonly route: string
  /** What the client sent, names in lower case. */
  readonly headers: RequestHeaders
  readonly body: Uint8Array
  /** What is changed in the body before all else; undefined for nothing. May refuse. */
  readonly edit?: (wire: Wire, body: Uint8Array, facts: RequestFacts) => Uint8Array
  /** What the user brings in place of the deployment's keys. */
  readonly byok: Credential | undefined
  /**
   * Whether the caller asks again by itself: the refusal of the last key is then answered as the provider gave it, rather
   * than as one of all keys (AG-54), and nothing is retried here (AG-55).
   */
  readonly relayRefusal: boolean
  /** See `GatewayCall`. */
  readonly triesResting?: boolean | undefined
  /** The token of this deployment that came with it; undefined for callers in this process. */
  readonly token?: string
  /** What a firewall in a workspace has said of it (AG-17). */
  readonly agentFirewall?: FirewallMark | undefined
  readonly signal: AbortSignal
}

/** The parts that every exchange uses. */
export interface ExchangeParts {
  readonly context: AppContext
  readonly governance: Governance
  readonly providers: ModelProviders
  /** What was found wrong with providers. */
  readonly troubles: ProviderTroubles
  readonly upstream: Upstream
  readonly aws: AwsCredentials
  readonly injection: ToolInjection
  readonly pools: KeyPools
  readonly breakers: CircuitBreakers
  readonly recorder: Recorder
  readonly metrics: GatewayMetrics
  readonly guardrails: Guardrails
  /** Undefined while there are no traces. */
  readonly tracing: Tracing | undefined
  /** Undefined unless requests are written down (AG-125). */
  readonly dumps: Dumps | undefined
  readonly lastInitiators: LastKnown<Initiator>
  /** Those whom nothing limited a moment ago, by user and token. */
  readonly unlimitedInitiators: LRUCache<string, Initiator>
  readonly lastCallers: LastKnown<KnownCaller>
  readonly resilience: ResilienceMetrics
  readonly keyRates: KeyRates
}
