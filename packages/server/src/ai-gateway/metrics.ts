import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

import type { ModelProvider } from '../ai-providers/index.ts'
import type { Ending } from './ending.ts'
import type { KeyPools } from './key-pool.ts'

/** The present prefix, and the former one that dashboards still ask for (AG-123). */
const PREFIXES = ['coder_ai_gateway_', 'coder_aibridged_'] as const
/** Names of models and of tools that get series of their own; clients choose them freely (AG-B21). */
const MAX_NAMES = 200
const OTHER = 'other'

/** A series under both prefixes. */
interface Both<Labels extends string> {
  readonly all: readonly Counter<Labels>[]
}

function inc<Labels extends string>(
  { all }: Both<Labels>,
  labels: Readonly<Record<Labels, string>>,
  value = 1,
): void {
  for (const one of all) one.labels(labels).inc(value)
}

/** What the gateway counts (AG-123). */
export class GatewayMetrics {
  readonly #models = new Set<string>()
  readonly #toolNames = new Set<string>()
  readonly #interceptions
  readonly #inflight
  readonly #durations
  readonly #prompts
  readonly #tokens
  readonly #tools
  readonly #transitions
  readonly #exhaustions
  readonly #failovers
  readonly #unpriced
  readonly #blocked
  readonly #enforcement
  readonly #reloads
  readonly #passthrough

  /** @param parts what gauges are read from when they are asked for. */
  constructor(
    registry: Registry,
    parts: { readonly providers: () => readonly ModelProvider[]; readonly pools: KeyPools },
  ) {
    const registers = [registry]
    const counter = <Labels extends string>(name: string, help: string, labelNames: readonly Labels[]) => ({
      all: PREFIXES.map(
        (prefix) =>
          new Counter<Labels>({ name: prefix + name, help, labelNames: [...labelNames], registers }),
      ),
    })
    const gauge = <Labels extends string>(
      name: string,
      help: string,
      labelNames: readonly Labels[],
      collect?: (set: (labels: Readonly<Record<Labels, string>>, value: number) => void) => void,
    ) => ({
      all: PREFIXES.map((prefix) => {
        const made: Gauge<Labels> = new Gauge<Labels>({
          name: prefix + name,
          help,
          labelNames: [...labelNames],
          registers,
          ...(collect === undefined
            ? {}
            : {
                collect: () => {
                  made.reset()
                  collect((labels, value) => made.set(labels, value))
                },
              }),
        })
        return made
      }),
    })
    this.#interceptions = counter('interceptions_total', 'Requests to models by how they ended.', [
      'provider',
      'model',
      'status',
      'route',
      'method',
      'initiator_id',
      'client',
    ])
    this.#inflight = gauge('interceptions_inflight', 'Requests to models that are under way.', [
      'provider',
      'model',
      'route',
    ])
    this.#durations = PREFIXES.map(
      (prefix) =>
        new Histogram({
          name: `${prefix}interceptions_duration_seconds`,
          help: 'How long requests to models took.',
          labelNames: ['provider', 'model'],
          buckets: [0.5, 2, 5, 15, 30, 60, 120],
          registers,
        }),
    )
    this.#passthrough = counter('passthrough_total', 'Requests that are relayed without being recorded.', [
      'provider',
      'route',
      'method',
    ])
    this.#prompts = counter('prompts_total', 'What users have asked.', [
      'provider',
      'model',
      'initiator_id',
      'client',
    ])
    this.#tokens = counter('tokens_total', 'Tokens by kind.', [
      'provider',
      'model',
      'type',
      'initiator_id',
      'client',
    ])
    this.#tools = counter('non_injected_tool_selections_total', 'Tools that models have chosen.', [
      'provider',
      'model',
      'name',
    ])
    gauge(
      'key_pool_state',
      'Keys of providers by whether they can be used.',
      ['provider', 'state'],
      (set) => {
        const names = new Map(parts.providers().map(({ id, name }) => [id, name]))
        for (const [id, pool] of parts.pools.known()) {
          const provider = names.get(id)
          if (provider === undefined) continue
          const { valid, temporary } = pool.states()
          set({ provider, state: 'valid' }, valid)
          set({ provider, state: 'temporary' }, temporary)
          set({ provider, state: 'permanent' }, 0)
        }
      },
    )
    this.#transitions = counter('key_pool_state_transitions_total', 'Keys that were taken out for a while.', [
      'provider',
      'reason',
    ])
    this.#exhaustions = counter('key_pool_exhaustions_total', 'Requests that no key was left for.', [
      'provider',
      'outcome',
    ])
    this.#failovers = PREFIXES.map(
      (prefix) =>
        new Histogram({
          name: `${prefix}key_pool_failover_attempts`,
          help: 'Keys that were tried for a request.',
          labelNames: ['provider'],
          buckets: [1, 2, 3, 4, 5, 10, 25],
          registers,
        }),
    )
    gauge(
      'provider_info',
      'Providers and whether they can be used.',
      ['provider_name', 'provider_type', 'status'],
      (set) => {
        for (const { name, type, status } of parts.providers())
          set({ provider_name: name, provider_type: type, status }, 1)
      },
    )
    this.#reloads = [
      ...gauge('providers_last_reload_timestamp_seconds', 'When providers were last read.', []).all,
      ...gauge('providers_last_reload_success_timestamp_seconds', 'When that last succeeded.', []).all,
    ]
    const costControl = 'coder_ai_gateway_cost_control_'
    this.#unpriced = new Counter({
      name: `${costControl}unpriced_token_usage_records_total`,
      help: 'Records of tokens of models without a price.',
      labelNames: ['provider', 'provider_type', 'model'],
      registers,
    })
    this.#blocked = new Counter({
      name: `${costControl}blocked_requests_total`,
      help: 'Requests that were refused because a budget is used up.',
      labelNames: ['group_id'],
      registers,
    })
    this.#enforcement = new Histogram({
      name: `${costControl}enforcement_duration_seconds`,
      help: 'How long it took to look at a budget.',
      labelNames: ['outcome'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    })
  }

  #model(model: string): string {
    return bounded(this.#models, model)
  }

  /** Counts a request that is under way; disposing the result ends it. */
  begun(labels: { readonly provider: string; readonly model: string; readonly route: string }): Disposable {
    const named = { ...labels, model: this.#model(labels.model) }
    for (const one of this.#inflight.all) one.inc(named)
    return { [Symbol.dispose]: () => void this.#inflight.all.map((one) => one.dec(named)) }
  }

  /** Counts a request that has ended. */
  finished(labels: {
    readonly provider: string
    readonly model: string
    readonly route: string
    readonly method: string
    readonly initiatorId: string
    readonly client: string
    readonly failed: boolean
    readonly seconds: number
  }): void {
    const { provider, route, method, initiatorId, client, failed, seconds } = labels
    const model = this.#model(labels.model)
    inc(this.#interceptions, {
      provider,
      model,
      status: failed ? 'failed' : 'completed',
      route,
      method,
      initiator_id: initiatorId,
      client,
    })
    for (const one of this.#durations) one.observe({ provider, model }, seconds)
  }

  /** Counts a request that is relayed only. */
  passed(provider: string, route: string, method: string): void {
    inc(this.#passthrough, { provider, route, method })
  }

  /** Counts what a request that has ended has used. */
  ended({ interception, prompt, observation }: Ending): void {
    const provider = interception.providerName
    const model = this.#model(interception.model)
    const of = { provider, model, initiator_id: interception.initiatorId, client: interception.client }
    if (prompt !== undefined) inc(this.#prompts, of)
    const { usage } = observation
    if (usage !== undefined) {
      const kinds = {
        input: usage.input,
        output: usage.output,
        cache_read_input_tokens: usage.cacheRead,
        cache_write_input_tokens: usage.cacheWrite,
        ...usage.extras,
      }
      for (const [type, tokens] of Object.entries(kinds))
        if (tokens > 0) inc(this.#tokens, { ...of, type }, tokens)
    }
    for (const { tool } of observation.tools)
      inc(this.#tools, { provider, model, name: bounded(this.#toolNames, tool) })
  }

  /** Counts a record without a price. */
  unpriced({ interception, providerType }: Ending): void {
    this.#unpriced.inc({
      provider: interception.providerName,
      provider_type: providerType,
      model: this.#model(interception.model),
    })
  }

  /** Counts a key that was taken out. */
  keyRests(provider: string, reason: string): void {
    inc(this.#transitions, { provider, reason })
  }

  /** Counts a request that no key was left for. */
  exhausted(provider: string, outcome: 'rate_limited' | 'auth_failed'): void {
    inc(this.#exhaustions, { provider, outcome })
  }

  /** Counts the keys that a request was tried with. */
  tried(provider: string, keys: number): void {
    for (const one of this.#failovers) one.observe({ provider }, keys)
  }

  /** Counts a look at a budget. */
  enforced(outcome: 'allowed' | 'blocked' | 'error', seconds: number, groupId?: string): void {
    this.#enforcement.observe({ outcome }, seconds)
    if (outcome === 'blocked') this.#blocked.inc({ group_id: groupId ?? '' })
  }

  /** Notes that providers were read. */
  reloaded(): void {
    for (const one of this.#reloads) one.setToCurrentTime()
  }
}

/** The name itself while there are few. */
function bounded(known: Set<string>, name: string): string {
  if (known.has(name)) return name
  if (known.size >= MAX_NAMES) return OTHER
  known.add(name)
  return name
}
