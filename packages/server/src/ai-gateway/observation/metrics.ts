import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

import type { ModelProviders } from '../../ai-providers/index.ts'
import type { KeyPools } from '../keys/key-pool.ts'
import { pricedName } from '../prices/prices.ts'
import { choices } from '../recording/ended-record.ts'
import type { Ending } from '../recording/ending.ts'
import { BoundedNames } from './bounded-names.ts'
import { GatewaySeries } from './gateway-series.ts'

/** Records that wait for the database: characters in memory, bytes on disk. */
interface RecordsWaiting {
  readonly memory: number
  readonly disk: number
}

/** What the gateway counts (AG-123). */
export class GatewayMetrics {
  readonly #models: BoundedNames
  readonly #toolNames = new BoundedNames()
  readonly #servers = new BoundedNames()
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
  readonly #blockedUsers
  readonly #enforcement
  readonly #passthrough
  readonly #injected
  readonly #lost
  readonly #guarded
  #setAside: () => number = () => 0
  readonly #exported
  readonly #initiatorLabel: () => boolean
  #waiting: () => RecordsWaiting = () => ({ memory: 0, disk: 0 })

  /** @param parts what gauges are read from when they are asked for, names of models, and whether users are told apart. */
  constructor(
    registry: Registry,
    parts: {
      readonly providers: Pick<ModelProviders, 'list' | 'lastReads'>
      readonly pools: KeyPools
      readonly models: BoundedNames
      readonly initiatorLabel: () => boolean
    },
  ) {
    this.#initiatorLabel = parts.initiatorLabel
    this.#models = parts.models
    const registers = [registry]
    const series = new GatewaySeries(registry)
    this.#interceptions = series.counter('interceptions_total', 'Requests to models by how they ended.', [
      'provider',
      'model',
      'status',
      'route',
      'method',
      'initiator_id',
      'client',
    ])
    this.#inflight = series.level('interceptions_inflight', 'Requests to models that are under way.', [
      'provider',
      'model',
      'route',
    ])
    this.#durations = series.histogram(
      'interceptions_duration_seconds',
      'How long requests to models took.',
      ['provider', 'model'],
      [0.5, 2, 5, 15, 30, 60, 120],
    )
    this.#passthrough = series.counter(
      'passthrough_total',
      'Requests that are relayed without being recorded.',
      ['provider', 'route', 'method'],
    )
    this.#prompts = series.counter('prompts_total', 'What users have asked.', [
      'provider',
      'model',
      'initiator_id',
      'client',
    ])
    this.#tokens = series.counter('tokens_total', 'Tokens by kind.', [
      'provider',
      'model',
      'type',
      'initiator_id',
      'client',
    ])
    this.#tools = series.counter('non_injected_tool_selections_total', 'Tools that models have chosen.', [
      'provider',
      'model',
      'name',
    ])
    series.gauge(
      'key_pool_state',
      'Keys of providers by whether they can be used.',
      ['provider', 'state'],
      (set) => {
        const names = new Map(parts.providers.list().map(({ id, name }) => [id, name]))
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
    this.#transitions = series.counter(
      'key_pool_state_transitions_total',
      'Keys that were taken out for a while.',
      ['provider', 'reason'],
    )
    this.#exhaustions = series.counter('key_pool_exhaustions_total', 'Requests that no key was left for.', [
      'provider',
      'outcome',
    ])
    this.#failovers = series.histogram(
      'key_pool_failover_attempts',
      'Keys that were tried for a request.',
      ['provider'],
      [1, 2, 3, 4, 5, 10, 25],
    )
    series.gauge(
      'provider_info',
      'Providers and whether they can be used.',
      ['provider_name', 'provider_type', 'status'],
      (set) => {
        for (const { name, type, status } of parts.providers.list())
          set({ provider_name: name, provider_type: type, status }, 1)
      },
    )
    for (const [name, help, when] of [
      ['providers_last_reload_timestamp_seconds', 'When providers were last read.', 'began'],
      ['providers_last_reload_success_timestamp_seconds', 'When that last succeeded.', 'succeeded'],
    ] as const)
      series.gauge(name, help, [], (set) => {
        const at = parts.providers.lastReads[when]
        if (at !== undefined) set({}, at.getTime() / 1_000)
      })
    this.#injected = series.counter(
      'injected_tool_invocations_total',
      'Tools that the gateway has called for models.',
      ['provider', 'model', 'server', 'name'],
    )
    this.#lost = series.counter('records_lost_total', 'Records that could not be kept, by why.', ['reason'])
    series.gauge(
      'records_waiting',
      'Records that wait for the database: characters in memory, bytes on disk.',
      ['where'],
      (set) => {
        const { memory, disk } = this.#waiting()
        set({ where: 'memory' }, memory)
        set({ where: 'disk' }, disk)
      },
    )
    this.#guarded = series.counter('guardrail_decisions_total', 'What guardrails have decided of requests.', [
      'guardrail',
      'decision',
    ])
    this.#exported = series.counter(
      'exported_interceptions_total',
      'Requests that the export was offered, by outcome.',
      ['outcome'],
    )
    series.gauge(
      'export_set_aside',
      'Requests that the destination of the export refuses, and that wait for the settings to be saved.',
      [],
      (set) => set({}, this.#setAside()),
    )
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
    this.#blockedUsers = new Gauge({
      name: `${costControl}blocked_users`,
      help: 'Users whose budget is used up, as of a few minutes ago.',
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
    return this.#models.label(model)
  }

  /** Counts a request that is under way; disposing the result ends it. */
  begun(labels: { readonly provider: string; readonly model: string; readonly route: string }): Disposable {
    const named = { ...labels, model: this.#model(labels.model) }
    this.#inflight.add(named)
    return { [Symbol.dispose]: () => this.#inflight.add(named, -1) }
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
    const { provider, route, method, client, failed, seconds } = labels
    const initiatorId = this.#initiator(labels.initiatorId)
    const model = this.#model(labels.model)
    this.#interceptions.add({
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
    this.#passthrough.add({ provider, route, method })
  }

  /** Counts what a request that has ended has used. */
  ended({ interception, answerer, prompt, observation, earlier, injected }: Ending): void {
    const who = { initiator_id: this.#initiator(interception.initiatorId), client: interception.client }
    const provider = answerer.providerName
    const model = this.#model(answerer.model)
    if (prompt !== undefined) this.#prompts.add({ provider, model, ...who })
    for (const answer of [...earlier, { ...observation, answerer }]) {
      const { usage, answerer: by } = answer
      const of = { provider: by.providerName, model: this.#model(by.model) }
      if (usage !== undefined) {
        const kinds = {
          input: usage.input,
          output: usage.output,
          cache_read_input_tokens: usage.cacheRead,
          cache_write_input_tokens: usage.cacheWrite,
          ...usage.extras,
        }
        for (const [type, tokens] of Object.entries(kinds))
          if (tokens > 0) this.#tokens.add({ ...of, ...who, type }, tokens)
      }
      for (const { tool } of choices(answer, injected))
        this.#tools.add({ ...of, name: this.#toolNames.label(tool) })
    }
    for (const { tool, serverUrl } of injected)
      this.#injected.add({
        provider,
        model,
        server: this.#servers.label(serverUrl),
        name: this.#toolNames.label(tool),
      })
  }

  /** AG-B21. */
  #initiator(id: string): string {
    return this.#initiatorLabel() ? id : ''
  }

  /** Notes that a model has a price: its name is none that somebody has made up (AG-B21). */
  priced({ providerType, model }: { readonly providerType: string; readonly model: string }): void {
    this.#models.keep(pricedName(providerType, model))
  }

  /** Counts a record without a price. */
  unpriced(
    provider: string,
    { providerType, model }: { readonly providerType: string; readonly model: string },
  ): void {
    this.#unpriced.inc({ provider, provider_type: providerType, model: this.#model(model) })
  }

  /** Says where the gauges of waiting records are read from. */
  recordsWait(waiting: () => RecordsWaiting): void {
    this.#waiting = waiting
  }

  /** Says where the gauge of interceptions that are set aside is read from. */
  exportSetsAside(count: () => number): void {
    this.#setAside = count
  }

  /** Counts records that could not be kept. */
  recordsLost(reason: string, count: number): void {
    this.#lost.add({ reason }, count)
  }

  /** Counts what a guardrail has decided. */
  guarded(guardrail: 'secrets' | 'webhook', decision: string): void {
    this.#guarded.add({ guardrail, decision })
  }

  /** Counts requests that the export was offered. */
  exported(outcome: 'delivered' | 'failed' | 'set_aside', count: number): void {
    this.#exported.add({ outcome }, count)
  }

  /** Counts a key that was taken out. */
  keyRests(provider: string, reason: string): void {
    this.#transitions.add({ provider, reason })
  }

  /** Counts a request that no key was left for. */
  exhausted(provider: string, outcome: 'rate_limited' | 'auth_failed'): void {
    this.#exhaustions.add({ provider, outcome })
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

  /** Counts a request that is refused because what it may cost is more than is left of a budget. */
  refusedForBudget(groupId: string | undefined): void {
    this.#blocked.inc({ group_id: groupId ?? '' })
  }

  /** Notes how many users have used up their budgets, by the group that bears them; groups that are not named have none. */
  blockedUsers(byGroup: ReadonlyMap<string, number>): void {
    this.#blockedUsers.reset()
    for (const [group_id, users] of byGroup) this.#blockedUsers.set({ group_id }, users)
  }
}
