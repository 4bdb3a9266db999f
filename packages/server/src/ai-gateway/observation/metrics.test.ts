import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createToken, getAIProvider, upsertGroupAIBudget } from '@slipway/contract'
import { says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'
import { NOTHING } from '../wires/observation.ts'

const PREFIXES = ['coder_ai_gateway_', 'coder_aibridged_']
const ATTEMPTS = [1, 2, 3, 4, 5, 10, 25]
/** The table of AG-123: type, labels, and the bounds of a histogram. */
const SERIES: Readonly<Record<string, readonly [type: string, labels: string, buckets?: readonly number[]]>> =
  {
    interceptions_total: ['counter', 'provider model status route method initiator_id client'],
    interceptions_inflight: ['gauge', 'provider model route'],
    interceptions_duration_seconds: ['histogram', 'provider model', [0.5, 2, 5, 15, 30, 60, 120]],
    passthrough_total: ['counter', 'provider route method'],
    prompts_total: ['counter', 'provider model initiator_id client'],
    tokens_total: ['counter', 'provider model type initiator_id client'],
    injected_tool_invocations_total: ['counter', 'provider model server name'],
    non_injected_tool_selections_total: ['counter', 'provider model name'],
    circuit_breaker_state: ['gauge', 'provider endpoint model'],
    circuit_breaker_trips_total: ['counter', 'provider endpoint model'],
    circuit_breaker_rejects_total: ['counter', 'provider endpoint model'],
    key_pool_state: ['gauge', 'provider state'],
    key_pool_state_transitions_total: ['counter', 'provider reason'],
    key_pool_exhaustions_total: ['counter', 'provider outcome'],
    key_pool_failover_attempts: ['histogram', 'provider', ATTEMPTS],
    provider_info: ['gauge', 'provider_name provider_type status'],
    providers_last_reload_timestamp_seconds: ['gauge', ''],
    providers_last_reload_success_timestamp_seconds: ['gauge', ''],
  }
const COST_CONTROL: typeof SERIES = {
  cost_control_blocked_requests_total: ['counter', 'group_id'],
  cost_control_blocked_users: ['gauge', 'group_id'],
  cost_control_unpriced_token_usage_records_total: ['counter', 'provider provider_type model'],
  cost_control_enforcement_duration_seconds: [
    'histogram',
    'outcome',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  ],
}

let world: GatewayWorld

beforeAll(async () => {
  world = await GatewayWorld.start({
    CODER_PROMETHEUS_ENABLE: 'true',
    CODER_PROMETHEUS_ADDRESS: '127.0.0.1:0',
    CODER_AI_GATEWAY_CIRCUIT_BREAKER_ENABLED: 'true',
    CODER_AI_GATEWAY_CIRCUIT_BREAKER_FAILURE_THRESHOLD: '1',
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const textOf = (): Promise<string> => world.context.metrics.metrics()
/** Series of a name with their values. */
async function valuesOf(name: string): Promise<readonly string[]> {
  return (await textOf())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

describe('AG-123: series', () => {
  beforeAll(async () => {
    const { id: ownerId } = await world.account(world.owner)
    const { name } = await world.provider({ api_keys: ['sk-limited-1', 'sk-refused-1', 'sk-good-1'] })
    await world.provider({ name: 'switched-off', enabled: false })
    const ask = async (body: object = {}, path = '/v1/chat/completions') => {
      const asked = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...body }
      await (await world.ask({ ownerId, provider: name }, path, asked)).text()
    }
    world.upstream.answer = ({ key }) => {
      if (key === 'sk-limited-1') return { status: 429 }
      if (key === 'sk-refused-1') return { status: 401 }
      return {
        steps: ['Hi', { call: { name: 'ls' } }],
        usage: { input: 9, cached: 4, output: 3, reasoning: 2 },
      }
    }
    await ask()
    world.upstream.answer = () => ({ status: 503 })
    await ask({ model: 'broken' })
    await ask({ model: 'broken' })
    world.upstream.answer = () => says('Hi')
  })

  it.each(Object.entries({ ...SERIES, ...COST_CONTROL }))(
    'AG-123: %s has its type, labels and bounds',
    async (name, [type, labels, buckets]) => {
      const text = await textOf()
      for (const prefix of name in SERIES ? PREFIXES : PREFIXES.slice(0, 1)) {
        expect(text).toContain(`\n# TYPE ${prefix}${name} ${type}\n`)
        const metric = world.context.metrics.getSingleMetric(prefix + name)
        if (metric === undefined || !('labelNames' in metric)) throw new Error(`there is no ${prefix}${name}`)
        expect(metric.labelNames).toEqual(labels.split(' ').filter((label) => label !== ''))
        if (buckets !== undefined)
          expect('upperBounds' in metric ? metric.upperBounds : undefined).toEqual(buckets)
      }
    },
  )

  it('AG-123: those of cost control have no former name', async () => {
    expect(await textOf()).not.toContain('coder_aibridged_cost_control')
  })

  it('AG-123: what happened is counted under both prefixes alike', async () => {
    for (const name of Object.keys(SERIES)) {
      const [present, former] = await Promise.all(PREFIXES.map((prefix) => valuesOf(prefix + name)))
      const named = (lines: readonly string[] = []) =>
        lines.map((line) => line.replace(/^coder_ai(?:_gateway|bridged)_/, '')).toSorted()
      expect(named(former)).toEqual(named(present))
    }
    const text = await textOf()
    for (const line of [
      /_interceptions_total\{provider="p-\w+",model="m",status="completed",route="\/v1\/chat\/completions",method="POST",initiator_id="[\w-]{36}",client="Coder Agents"\} 1/,
      /_interceptions_total\{provider="p-\w+",model="broken",status="failed",.*\} 2/,
      /_interceptions_inflight\{.*model="m".*\} 0/,
      /_tokens_total\{.*type="input".*\} 5/,
      /_tokens_total\{.*type="output".*\} 3/,
      /_tokens_total\{.*type="cache_read_input_tokens".*\} 4/,
      /_tokens_total\{.*type="completion_reasoning".*\} 2/,
      /_non_injected_tool_selections_total\{.*name="ls"\} 1/,
      /_key_pool_state\{provider="p-\w+",state="valid"\} 1/,
      /_key_pool_state\{provider="p-\w+",state="temporary"\} 2/,
      /_key_pool_state\{provider="p-\w+",state="permanent"\} 0/,
      /_key_pool_state_transitions_total\{provider="p-\w+",reason="rate_limited"\} 1/,
      /_key_pool_state_transitions_total\{provider="p-\w+",reason="unauthorized"\} 1/,
      /_key_pool_failover_attempts_bucket\{le="3",provider="p-\w+"\} 2/,
      /_circuit_breaker_state\{provider="p-\w+",endpoint="\/v1\/chat\/completions",model="broken"\} 1/,
      /_circuit_breaker_trips_total\{.*model="broken"\} 1/,
      /_circuit_breaker_rejects_total\{.*model="broken"\} 1/,
      /_provider_info\{provider_name="switched-off",provider_type="openai",status="disabled"\} 1/,
    ])
      expect(text).toMatch(line)
  })

  it('AG-123: what clients of the server have asked is counted where it is scraped', async () => {
    const { key } = await world.owner.call(createToken, { params: { user: 'me' }, body: {} })
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${world.server.url}/api/v2/ai-gateway${path}`, {
        ...init,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      })
    const [name, limited, refused] = [
      (await world.provider()).name,
      (await world.provider()).name,
      (await world.provider()).name,
    ]
    await until('the providers', async () => (await ask(`/${refused}/v1/models`)).status === 200)
    expect((await ask(`/${name}/v1/models`)).status).toBe(200)
    for (const [provider, status] of [
      [limited, 429],
      [refused, 401],
    ] as const) {
      world.upstream.answer = () => ({ status })
      const body = JSON.stringify({ model: 'm', messages: [] })
      await (await ask(`/${provider}/v1/chat/completions`, { method: 'POST', body })).text()
    }
    world.upstream.answer = () => says('Hi')
    const text = await (await fetch(`${world.server.url}/metrics`, { headers: world.owner.headers })).text()
    for (const prefix of PREFIXES)
      for (const line of [
        `passthrough_total{provider="${name}",route="/v1/models(/*)",method="GET"}`,
        `provider_info{provider_name="${name}",provider_type="openai",status="enabled"}`,
        `key_pool_exhaustions_total{provider="${limited}",outcome="rate_limited"}`,
        `key_pool_exhaustions_total{provider="${refused}",outcome="auth_failed"}`,
      ])
        expect(text).toContain(`\n${prefix}${line} 1\n`)
  })

  it('AG-123: a look at a budget is counted by how it went, whoever asks', async () => {
    const asker = await world.account(await world.server.user('budgeted'))
    const { name } = await world.provider()
    const ask = async () =>
      (
        await world.ask({ ownerId: asker.id, provider: name }, '/v1/chat/completions', {
          model: 'm',
          messages: [],
        })
      ).text()
    const looks = async (outcome: string): Promise<number> => {
      const series = `coder_ai_gateway_cost_control_enforcement_duration_seconds_count{outcome="${outcome}"}`
      return Number(
        (await textOf())
          .split('\n')
          .find((line) => line.startsWith(series))
          ?.split(' ')[1] ?? 0,
      )
    }
    const grows = async (outcome: string): Promise<void> => {
      const before = await looks(outcome)
      await ask()
      expect(await looks(outcome), outcome).toBe(before + 1)
    }
    await grows('allowed')
    const [everyone = ''] = asker.organization_ids
    await world.owner.call(upsertGroupAIBudget, {
      params: { group: everyone },
      body: { spend_limit_micros: 0 },
    })
    await grows('blocked')
    const { db } = world.database
    await db.schema.alterTable('ai_user_daily_spend').renameTo('elsewhere').execute()
    try {
      await grows('error')
    } finally {
      await db.schema.alterTable('elsewhere').renameTo('ai_user_daily_spend').execute()
    }
    await db.deleteFrom('group_ai_budgets').execute()
  })

  it('AG-123: tools that the gateway has called are counted apart from those that clients call', async () => {
    const { id: initiatorId } = await world.account(world.owner)
    const call = { callId: 'c', itemId: '', input: '{}', responseId: 'r' }
    const answerer = { providerName: 'p-tools', providerType: 'openai', model: 'm' }
    world.gateway.parts.metrics.ended({
      interception: {
        id: 'x',
        initiatorId,
        apiKeyId: undefined,
        provider: 'openai',
        providerName: 'p-tools',
        model: 'm',
        metadata: {},
        startedAt: new Date(),
        client: 'Unknown',
        clientSessionId: undefined,
        credentialKind: 'centralized',
        credentialHint: '',
        toolCallId: undefined,
      },
      answerer,
      prompt: undefined,
      observation: { ...NOTHING, tools: [{ ...call, callId: 'd', tool: 'theirs' }] },
      earlier: [{ ...NOTHING, answerer, tools: [{ ...call, tool: 'ours' }] }],
      injected: [
        { ...call, tool: 'ours', serverName: 's', serverUrl: 'https://mcp.example', error: undefined },
      ],
      credentialHint: undefined,
      metadata: undefined,
      failure: undefined,
      incomplete: false,
      privacy: 'full',
      isAwaited: false,
    })
    const of = 'provider="p-tools",model="m"'
    for (const prefix of PREFIXES) {
      expect(await valuesOf(`${prefix}injected_tool_invocations_total`)).toContain(
        `${prefix}injected_tool_invocations_total{${of},server="https://mcp.example",name="ours"} 1`,
      )
      const theirs = (await valuesOf(`${prefix}non_injected_tool_selections_total`)).filter((line) =>
        line.includes('p-tools'),
      )
      expect(theirs).toEqual([`${prefix}non_injected_tool_selections_total{${of},name="theirs"} 1`])
    }
  })

  it('AG-123: a reading of the providers that fails is one that did not succeed', async () => {
    const times = async () =>
      Promise.all(
        ['', 'success_'].map(async (which) =>
          Number(
            (await valuesOf(`coder_ai_gateway_providers_last_reload_${which}timestamp_seconds`))[0]?.split(
              ' ',
            )[1],
          ),
        ),
      )
    await world.providers.refresh()
    const [read, succeeded] = await times()
    expect(read).toBe(succeeded)
    world.clock.advance(60_000)
    const { db } = world.database
    await db.schema.alterTable('ai_providers').renameTo('elsewhere').execute()
    try {
      await world.providers.refresh()
    } finally {
      await db.schema.alterTable('elsewhere').renameTo('ai_providers').execute()
    }
    const [later, still] = await times()
    expect(still).toBe(succeeded)
    expect(later).toBeGreaterThanOrEqual((read ?? 0) + 60)
  })
})

it('AG-B18: a provider that fails, and circuits that are open, are shown by every replica', async () => {
  const { id: ownerId } = await world.account(world.owner)
  const { name } = await world.provider()
  const shown = async () => {
    await world.gateway.parts.troubles.settle()
    return world.owner.call(getAIProvider, { params: { idOrName: name } })
  }
  const ask = async (model: string) => {
    const body = { model, messages: [{ role: 'user', content: 'Hi' }] }
    await (await world.ask({ ownerId, provider: name }, '/v1/chat/completions', body)).text()
  }
  world.upstream.answer = () => ({ status: 503 })
  await ask('m-broken')
  expect(await shown()).toMatchObject({
    trouble: { kind: 'failing', error: 'the provider has answered 503', until: null },
    open_circuits: [{ route: '/v1/chat/completions', model: 'm-broken' }],
  })
  world.upstream.answer = () => says('Hi')
  await ask('m-other')
  expect(await shown()).toMatchObject({ trouble: null, open_circuits: [{ model: 'm-broken' }] })
})
