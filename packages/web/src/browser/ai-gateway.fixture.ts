import type { Client } from '@slipway/client'
import {
  createAIProvider,
  createGroup,
  type Group,
  getUser,
  listOrganizations,
  type Organization,
  type User,
  updateGroup,
  updateOrganizationAIPrivacy,
  upsertGroupAIBudget,
  upsertGroupAILimits,
  upsertGroupAIModelPolicy,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Sight } from './sights.fixture.ts'

export const SESSIONS = '/ai-gateway/sessions'
const EVER = `${SESSIONS}?filter=${encodeURIComponent('started_after:"2020-01-01T00:00:00Z"')}`
const DAY_MS = 86_400_000

const MODELS = [
  { provider: 'anthropic', provider_name: 'anthropic', model: 'claude-sonnet-4-5', price: 9 },
  { provider: 'openai', provider_name: 'openai', model: 'gpt-5', price: 5 },
  { provider: 'anthropic', provider_name: 'anthropic', model: 'claude-haiku-4-5-20251001', price: 2 },
  { provider: 'openai', provider_name: 'house', model: 'qwen3-coder-480b-a35b-instruct', price: undefined },
] as const

const PROMPTS = [
  'Fix the flaky test in the payment service',
  'Explain how the feed announces changes to replicas that were away for a while',
  'Write a migration that adds the column without a lock',
  'Why does the build fail on arm64?',
  'Review this pull request for races, and tell me which of them a test could show',
] as const

/** A deployment where people have asked models for a month: records, groups with limits, providers. */
export class GatewayScene implements AsyncDisposable {
  readonly server: TestServer
  readonly owner: Client
  readonly ada: Client
  readonly adaUser: User
  readonly organization: Organization
  readonly group: Group
  readonly #steps: AsyncDisposableStack

  private constructor(
    parts: Pick<GatewayScene, 'server' | 'owner' | 'ada' | 'adaUser' | 'organization' | 'group'>,
    steps: AsyncDisposableStack,
  ) {
    this.server = parts.server
    this.owner = parts.owner
    this.ada = parts.ada
    this.adaUser = parts.adaUser
    this.organization = parts.organization
    this.group = parts.group
    this.#steps = steps
  }

  static async start(): Promise<GatewayScene> {
    await using steps = new AsyncDisposableStack()
    const server = steps.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
    const owner = await server.owner()
    const ada = await server.user('ada')
    const grace = await server.user('grace')
    const adaUser = await ada.call(getUser, { params: { user: 'me' } })
    const graceUser = await grace.call(getUser, { params: { user: 'me' } })
    const organization = (await owner.call(listOrganizations)).find((one) => one.is_default)
    if (organization === undefined) throw new Error('no default organization')
    for (const [name, type] of [
      ['anthropic', 'anthropic'],
      ['openai', 'openai'],
      ['house', 'openai-compat'],
    ] as const)
      await owner.call(createAIProvider, {
        body: {
          type,
          name,
          enabled: true,
          base_url: 'http://127.0.0.1:9/v1',
          api_keys: ['sk-first-key-1234567890', 'sk-second-key-1234567890'],
        },
      })
    const group = await owner.call(createGroup, {
      params: { organization: organization.id },
      body: { name: 'backend', display_name: 'Backend' },
    })
    await owner.call(updateGroup, {
      params: { group: group.id },
      body: { add_users: [adaUser.id, graceUser.id] },
    })
    const params = { group: group.id }
    await owner.call(upsertGroupAIBudget, { params, body: { spend_limit_micros: 50_000_000 } })
    await owner.call(upsertGroupAILimits, { params, body: { total_spend_limit_micros: 80_000_000 } })
    await owner.call(upsertGroupAIModelPolicy, {
      params,
      body: {
        allow: ['claude-*', 'openai/gpt-5*'],
        deny: ['*-preview'],
        aliases: { fast: 'claude-haiku-4-5' },
      },
    })
    await owner.call(updateOrganizationAIPrivacy, {
      params: { organization: organization.id },
      body: { own_sessions: true },
    })
    await using database = await openDatabase(server.databaseUrl)
    await recordMonth(database.db, [adaUser.id, graceUser.id], group.id)
    await recordConversation(database.db, adaUser.id, group.id)
    await recordLongThread(database.db, adaUser.id)
    return new GatewayScene({ server, owner, ada, adaUser, organization, group }, steps.move())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#steps.disposeAsync()
  }
}

type Db = Awaited<ReturnType<typeof openDatabase>>['db']

/** Requests of 28 days, more on some than on others, and what was spent with them. */
async function recordMonth(db: Db, users: readonly string[], group: string): Promise<void> {
  for (let day = 27; day >= 0; day--) {
    const at = new Date(Date.now() - day * DAY_MS - 60_000)
    for (const [index, { price, ...model }] of MODELS.entries()) {
      const weight = ((day * 7 + index * 5) % 9) + 1
      if (weight < 3) continue
      const user = users[(day + index) % users.length] ?? ''
      const interception = await fixtures.aibridgeInterception(db, {
        ...model,
        initiator_id: user,
        client: index % 2 === 0 ? 'Claude Code' : 'Codex',
        client_session_id: `session-${day}-${index}`,
        started_at: new Date(at.getTime() - 40_000),
        ended_at: at,
      })
      await fixtures.aibridgeUserPrompt(db, {
        interception,
        prompt: PROMPTS[(day + index) % PROMPTS.length] ?? '',
        created_at: at,
      })
      const cost = price === undefined ? null : price * weight * 60_000
      await fixtures.aibridgeTokenUsage(db, {
        interception,
        input_tokens: weight * 12_000,
        output_tokens: weight * 1_500,
        cache_read_input_tokens: weight * 80_000,
        cost_micros: cost,
        effective_group_id: group,
        created_at: at,
      })
    }
  }
  for (const [index, user_id] of users.entries())
    await fixtures.aiUserDailySpend(db, {
      user_id,
      effective_group_id: group,
      spend_micros: index === 0 ? 46_300_000 : 12_840_000,
    })
}

/** A session of an agent: a prompt with two requests and tools, a request that failed, and one for an alias. */
async function recordConversation(db: Db, user: string, group: string): Promise<void> {
  const of = {
    initiator_id: user,
    client: 'Claude Code',
    client_session_id: 'agent-session-1',
    provider: 'anthropic',
    provider_name: 'anthropic',
    model: 'claude-sonnet-4-5',
    credential_hint: 'sk-f...7890',
  }
  const at = (second: number) => new Date(Date.now() - 600_000 + second * 1000)
  const first = await fixtures.aibridgeInterception(db, { ...of, started_at: at(0), ended_at: at(6) })
  const second = await fixtures.aibridgeInterception(db, {
    ...of,
    thread_root_id: first.id,
    thread_parent_id: first.id,
    started_at: at(8),
    ended_at: at(19),
    metadata: '{"attempts":[{"provider":"openai","error":"503"}]}',
  })
  const failed = await fixtures.aibridgeInterception(db, {
    ...of,
    started_at: at(40),
    ended_at: at(41),
    error_type: 'overloaded',
    error_message: 'Overloaded: try again in a while',
  })
  const last = await fixtures.aibridgeInterception(db, {
    ...of,
    model: 'claude-haiku-4-5-20251001',
    requested_model: 'fast',
    started_at: at(60),
    ended_at: at(63),
  })
  const longPrompt = `The worker stops after a while.\n\n${Array.from({ length: 14 }, (_, line) => `at step${line} (worker.ts:${line + 1})`).join('\n')}`
  for (const [interception, prompt] of [
    [first, 'Find out why the worker forgets jobs, and repair it. <b>Tests</b> first.'],
    [failed, longPrompt],
    [last, 'Summarize what you have changed'],
  ] as const)
    await fixtures.aibridgeUserPrompt(db, { interception, prompt, created_at: interception.started_at })
  for (const interception of [first, second, last])
    await fixtures.aibridgeTokenUsage(db, {
      interception,
      input_tokens: 4_200,
      output_tokens: 812,
      cache_read_input_tokens: 38_400,
      cache_write_input_tokens: 900,
      cost_micros: 31_400,
      effective_group_id: group,
    })
  await fixtures.aibridgeModelThought(db, {
    interception: first,
    content:
      'The queue is read before the lock is held. I should look at the reader first, then at the lock.',
  })
  await fixtures.aibridgeToolUsage(db, {
    interception: first,
    tool: 'Read',
    input: '{"file_path":"/srv/worker/src/queue.ts","limit":200}',
  })
  await fixtures.aibridgeToolUsage(db, {
    interception: first,
    tool: 'Bash',
    input: '{"command":"npm test -- queue","timeout":120000}',
  })
  await fixtures.aibridgeToolUsage(db, {
    interception: second,
    tool: 'search_issues',
    injected: true,
    server_url: 'https://mcp.example.com/issues',
    invocation_error: 'the server did not answer within 30 s',
    input: '{"query":"lost jobs"}',
  })
}

/** One prompt that took many requests, of which the last failed. */
async function recordLongThread(db: Db, user: string): Promise<void> {
  let root: string | undefined
  for (let number = 1; number <= 25; number++) {
    const at = new Date(Date.now() - 300_000 + number * 1000)
    const { id } = await fixtures.aibridgeInterception(db, {
      initiator_id: user,
      client_session_id: 'long-session',
      started_at: at,
      ended_at: at,
      ...(root === undefined ? {} : { thread_root_id: root, thread_parent_id: root }),
      ...(number < 25 ? {} : { error_type: 'overloaded', error_message: 'Try again' }),
    })
    root ??= id
  }
}

/** The pages about the gateway, by name; `home` is the address of the organization. */
export const gatewaySights = (home: string): Readonly<Record<string, Sight>> => ({
  sessions: { path: EVER },
  'no sessions': { path: `${SESSIONS}?filter=client%3AZed` },
  session: {
    path: `${SESSIONS}/agent-session-1?initiator=ada`,
    open: (at) => at.getByRole('button', { name: /Bash/ }).click(),
  },
  spend: { path: `${home}/ai-spend?model=openai%2Fgpt-5` },
  'spend as a table': { path: `${home}/ai-spend?view=table` },
  limits: { path: `${home}/ai-limits` },
  group: { path: `${home}/groups/backend/ai` },
  governance: {
    path: '/ai/settings/governance',
    open: (at) => at.getByLabel('Export to').fill('https://example.com'),
  },
  prices: {
    path: '/ai/settings/prices',
    open: (at) => at.getByRole('button', { name: 'New price' }).click(),
  },
  provider: {
    path: '/ai/settings/providers/openai',
    open: (at) => at.getByRole('button', { name: 'Add provider' }).last().click(),
  },
  'own usage': { path: '/settings/ai' },
  'new token': { path: '/settings/tokens/new?for=ai' },
  user: { path: '/deployment/users/ada' },
})
