import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'

import {
  createGroup,
  createToken,
  getUserAISpend,
  type UpdateAIGatewaySettingsRequest,
  updateAIGatewaySettings,
  updateGroup,
  upsertAIModelPrices,
  upsertAPIKeyAILimits,
  upsertGroupAIBudget,
  upsertGroupAILimits,
  upsertOrganizationAIBudget,
} from '@slipway/contract'
import { Gate, says, until } from '@slipway/testkit'
import { gatewayErrorCode } from '../exchange/gateway-error.ts'
import {
  ask,
  client,
  codeOf,
  hello,
  meetNewcomers,
  provider,
  serial,
  statusOf,
  user,
  world,
} from '../newcomer.fixture.ts'
import { BlockedUsers } from './blocked-users.ts'
import { periodOf } from './period.ts'

meetNewcomers()

const OFF: UpdateAIGatewaySettingsRequest = {
  budget_period: 'month',
  budget_policy: 'highest',
  budget_enforced: true,
  budget_reservations: false,
  block_unpriced_models: false,
}
const settings = async (body: UpdateAIGatewaySettingsRequest): Promise<void> => {
  await world.owner.call(updateAIGatewaySettings, { body })
  await world.gateway.parts.governance.refresh()
}
afterEach(async () => {
  world.upstream.answer = () => undefined
  await settings(OFF)
  await sql`delete from organization_ai_budgets`.execute(world.database.db)
})

/** A model of which a million input tokens cost so many dollars, and output tokens too. */
const modelAt = async (dollars: number): Promise<string> => {
  const model = `at-${dollars}-${serial}`
  await world.owner.call(upsertAIModelPrices, {
    body: {
      prices: [
        {
          provider: 'openai',
          model,
          input_price: dollars * 1_000_000,
          output_price: dollars * 1_000_000,
          cache_read_price: null,
          cache_write_price: null,
        },
      ],
    },
  })
  return model
}
const group = async (members = [user.id]): Promise<string> => {
  const { id } = await world.owner.call(createGroup, {
    params: { organization: 'default' },
    body: { name: `g-${serial}-${Math.random().toString(36).slice(2, 8)}` },
  })
  await world.owner.call(updateGroup, { params: { group: id }, body: { add_users: members } })
  return id
}
const budget = (id: string, micros: number) =>
  world.owner.call(upsertGroupAIBudget, { params: { group: id }, body: { spend_limit_micros: micros } })
/** Asks a model and uses so many tokens, without waiting for a cost. */
const use = (model: string, input: number, body: object = {}): Promise<Response> => {
  world.upstream.answer = () => ({ ...says('Hi'), usage: { input, output: 0 } })
  return ask({ ...hello, model, ...body })
}
const spent = async (): Promise<number> =>
  (await client.call(getUserAISpend, { params: { user: 'me' } })).current_spend_micros

describe('AG-B14: periods', () => {
  it.each([
    ['day', '2026-11-26T00:00:00.000Z', '2026-11-27T00:00:00.000Z'],
    ['week', '2026-11-23T00:00:00.000Z', '2026-11-30T00:00:00.000Z'],
    ['month', '2026-11-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
    ['none', '1970-01-01T00:00:00.000Z', '9999-12-31T00:00:00.000Z'],
  ] as const)('AG-B14: a %s', (kind, start, end) => {
    expect(periodOf(new Date('2026-11-26T13:00:00Z'), kind)).toEqual({
      start: new Date(start),
      end: new Date(end),
    })
  })

  it('AG-B14: weeks begin on Monday, and on no other day', () => {
    const startOf = (day: string) => periodOf(new Date(`${day}T12:00:00Z`), 'week').start.toISOString()
    expect(startOf('2026-11-23')).toBe('2026-11-23T00:00:00.000Z')
    expect(startOf('2026-11-29')).toBe('2026-11-23T00:00:00.000Z')
    expect(startOf('2026-11-30')).toBe('2026-11-30T00:00:00.000Z')
  })

  it('AG-B14: a budget of a day begins anew on the next', async () => {
    await settings({ budget_period: 'day' })
    const model = await modelAt(1_000)
    await budget(await group(), 1_000_000)
    expect(await statusOf(use(model, 1_000))).toBe(200)
    await until('the cost', async () => (await spent()) === 1_000_000)
    expect(await codeOf(await use(model, 1_000))).toBe('budget_exceeded')
    world.clock.advance(86_400_000)
    expect(await statusOf(use(model, 1_000))).toBe(200)
    world.clock.advance(-86_400_000)
  })
})

describe('AG-B14: of several budgets', () => {
  it.each([
    ['highest', 3_000_000],
    ['lowest', 1_000_000],
    ['sum', 4_000_000],
  ] as const)('AG-B14: the %s counts', async (budget_policy, limit) => {
    await settings({ budget_policy })
    await budget(await group(), 1_000_000)
    await budget(await group(), 3_000_000)
    // The server reads its settings by itself.
    await until('the policy', async () => {
      const status = await client.call(getUserAISpend, { params: { user: 'me' } })
      return status.effective_budget?.spend_limit_micros === limit
    })
  })

  it('AG-B14: what is added up is measured by all that was spent, whoever bore it', async () => {
    await settings({ budget_policy: 'sum' })
    const model = await modelAt(1_000)
    const first = await group()
    await budget(first, 1_000_000)
    expect(await statusOf(use(model, 900))).toBe(200)
    // From now on the other group bears it.
    await budget(await group(), 2_000_000)
    expect(await statusOf(use(model, 2_200))).toBe(200)
    expect(await codeOf(await use(model, 1))).toBe('budget_exceeded')
  })
})

describe('AG-B14: budgets of many', () => {
  it('AG-B14: a group may spend so much together, whoever does', async () => {
    const model = await modelAt(1_000)
    const other = await world.account(await world.server.user(`other${serial}`))
    const id = await group([user.id, other.id])
    await budget(id, 10_000_000)
    await world.owner.call(upsertGroupAILimits, {
      params: { group: id },
      body: { total_spend_limit_micros: 1_000_000 },
    })
    expect(await statusOf(use(model, 1_000))).toBe(200)
    const refused = await world.ask(
      { ownerId: other.id, provider: provider.name },
      '/v1/chat/completions',
      hello,
    )
    expect(refused.status).toBe(403)
    const text = await refused.text()
    expect(gatewayErrorCode(text)).toBe('budget_exceeded')
    expect(text).toContain('AI budget of US$1.00 of your group exceeded.')
  })

  it('AG-B14: an organization may, through any of its groups', async () => {
    const model = await modelAt(1_000)
    const { rows } = await sql<{ spend: number }>`
      select coalesce(sum(spend_micros), 0)::bigint as spend from ai_total_daily_spend
       where subject_type = 'organization'`.execute(world.database.db)
    await world.owner.call(upsertOrganizationAIBudget, {
      params: { organization: 'default' },
      body: { spend_limit_micros: (rows[0]?.spend ?? 0) + 1_000_000 },
    })
    expect(await statusOf(use(model, 1_000))).toBe(200)
    expect(await codeOf(await ask())).toBe('budget_exceeded')
  })
})

describe('AG-123: metrics', () => {
  it('AG-123: tell how many users have used up their budgets, and how many requests were refused', async () => {
    const model = await modelAt(1_000)
    const id = await group()
    await budget(id, 1_000_000)
    await using blocked = new BlockedUsers(world.context, world.gateway)
    await blocked.count()
    const metrics = () => world.context.metrics.metrics()
    const prefix = 'coder_ai_gateway_cost_control'
    expect(await metrics()).not.toContain(`${prefix}_blocked_users{group_id="${id}"}`)
    expect(await statusOf(use(model, 1_000))).toBe(200)
    expect(await codeOf(await ask())).toBe('budget_exceeded')
    await blocked.count()
    expect(await metrics()).toContain(`${prefix}_blocked_users{group_id="${id}"} 1\n`)
    expect(await metrics()).toContain(`${prefix}_blocked_requests_total{group_id="${id}"} 1\n`)
    // A budget of nothing blocks whoever has spent nothing.
    const idle = await world.account(await world.server.user(`idle${serial}`))
    const none = await group([idle.id])
    await budget(none, 0)
    await blocked.count()
    expect(await metrics()).toContain(`${prefix}_blocked_users{group_id="${none}"} 1\n`)
  })
})

describe('AG-B14: budgets that are not enforced', () => {
  it('AG-B14: are warned of in a header, and refuse nothing', async () => {
    await settings({ budget_enforced: false })
    const model = await modelAt(1_000)
    await budget(await group(), 1_000_000)
    const { key } = await client.call(createToken, { params: { user: 'me' }, body: {} })
    const asked = async (method: string, path: string) => {
      world.upstream.answer = () => ({ ...says('Hi'), usage: { input: 1_000, output: 0 } })
      const response = await fetch(`${world.server.url}/api/v2/ai-gateway/${provider.name}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: JSON.stringify({ ...hello, model }) } : {}),
      })
      await response.text()
      return response
    }
    await until('the provider', async () => (await asked('GET', '/v1/models')).status !== 404)
    const first = await asked('POST', '/v1/chat/completions')
    expect(first.status).toBe(200)
    expect(first.headers.get('x-slipway-ai-budget-warning')).toBeNull()
    await until('the cost', async () => (await spent()) >= 1_000_000)
    for (const response of [await asked('POST', '/v1/chat/completions'), await asked('GET', '/v1/models')]) {
      expect(response.status).not.toBe(403)
      expect(response.headers.get('x-slipway-ai-budget-warning')).toContain('AI budget of US$1.00 exceeded')
    }
  })
})

describe('AG-B14, AG-113: requests at the same time', () => {
  /** Ten requests of 40 cents each, at a budget of a dollar; the statuses of their answers. */
  const tenAtOnce = async (): Promise<number[]> => {
    const model = await modelAt(1_000)
    await budget(await group(), 1_000_000)
    const gate = new Gate()
    world.upstream.answer = () => ({
      steps: [{ wait: gate.opened }, 'Hi'],
      usage: { input: 200, output: 200 },
    })
    const answers = Array.from({ length: 10 }, () =>
      statusOf(ask({ ...hello, model, max_tokens: 200, metadata: { padding: 'x'.repeat(470) } })),
    )
    const settled: number[] = []
    for (const answer of answers) void answer.then((status) => settled.push(status))
    await until('all to be asked or refused', () => {
      const waiting = world.upstream.requests.filter(
        ({ body }) => JSON.stringify(body ?? '').includes(model) || String(body).includes(model),
      ).length
      return settled.length + waiting >= 10
    })
    gate.open()
    const statuses = await Promise.all(answers)
    return statuses
  }

  it('AG-113: may together go beyond the budget, by what they cost, and no further', async () => {
    const statuses = await tenAtOnce()
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200))
    await until('the cost', async () => (await spent()) === 4_000_000)
    expect(await codeOf(await ask())).toBe('budget_exceeded')
  })

  it('AG-B14: do not where it is set aside before them; what is set aside is given back', async () => {
    await settings({ budget_reservations: true })
    const statuses = await tenAtOnce()
    const allowed = statuses.filter((status) => status === 200).length
    expect(allowed).toBe(2)
    expect(statuses.filter((status) => status === 403)).toHaveLength(8)
    await until('the cost', async () => (await spent()) === allowed * 400_000)
    const reserved = () =>
      world.database.db
        .selectFrom('ai_spend_reservations')
        .select('interception_id')
        .where('user_id', '=', user.id)
        .execute()
    expect(await reserved()).toEqual([])
  })

  it('AG-B14: a request that fails gives back what was set aside', async () => {
    await settings({ budget_reservations: true })
    const model = await modelAt(1_000)
    await budget(await group(), 1_000_000)
    world.upstream.answer = () => ({ status: 400, message: 'no' })
    // Three quarters of the budget each.
    for (const _ of [1, 2, 3]) expect(await statusOf(ask({ ...hello, model, max_tokens: 700 }))).toBe(400)
  })
})

describe('AG-B15: models without a price', () => {
  it('AG-B15: are refused to users with a budget where that is set, and to nobody else', async () => {
    expect(await statusOf(use('nobody-knows', 10))).toBe(200)
    await settings({ block_unpriced_models: true })
    expect(await statusOf(use('nobody-knows', 10))).toBe(200)
    await budget(await group(), 1_000_000)
    const refused = await ask({ ...hello, model: 'nobody-knows' })
    expect(refused.status).toBe(403)
    expect(await codeOf(refused)).toBe('model_not_priced')
    expect(await statusOf(use(await modelAt(1), 10))).toBe(200)
  })
})

describe('AG-B12: tokens in a minute', () => {
  it.each(['tokens_per_minute', 'member_tokens_per_minute'] as const)(
    'AG-B12: %s of a group are kept, until the next minute',
    async (limit) => {
      const model = await modelAt(0)
      await world.owner.call(upsertGroupAILimits, {
        params: { group: await group() },
        body: { [limit]: 1_000 },
      })
      const minute = world.clock.now().getTime() % 60_000
      // In the first second of a minute.
      world.clock.advance(60_000 - minute)
      expect(await statusOf(use(model, 999))).toBe(200)
      expect(await statusOf(use(model, 1))).toBe(200)
      const refused = await ask({ ...hello, model })
      expect(refused.status).toBe(429)
      const wait = Number(refused.headers.get('retry-after'))
      expect(wait).toBeGreaterThan(40)
      expect(wait).toBeLessThanOrEqual(60)
      expect(await codeOf(refused)).toBe('rate_limited')
      world.clock.advance(wait * 1_000)
      expect(await statusOf(use(model, 1))).toBe(200)
      world.clock.advance(minute - 60_000 - wait * 1_000)
    },
  )

  it('AG-B12: hold on every replica', async () => {
    const model = await modelAt(0)
    await world.owner.call(upsertGroupAILimits, {
      params: { group: await group() },
      body: { member_tokens_per_minute: 10 },
    })
    const { key } = await client.call(createToken, { params: { user: 'me' }, body: {} })
    await until('the other replica to refuse', async () => {
      await statusOf(use(model, 10))
      const response = await fetch(`${world.server.url}/api/v2/ai-gateway/${provider.name}/v1/models`, {
        headers: { authorization: `Bearer ${key}` },
      })
      await response.text()
      return response.status === 429
    })
  })

  it('AG-B12: nobody is counted who is not limited', async () => {
    expect(await statusOf(use(await modelAt(0), 10))).toBe(200)
    const counted = await world.database.db
      .selectFrom('ai_minute_tokens')
      .selectAll()
      .where('subject_id', '=', user.id)
      .execute()
    expect(counted).toEqual([])
  })
})

describe('AG-B8: tokens with limits', () => {
  const limited = async (body: object): Promise<string> => {
    const { key } = await client.call(createToken, { params: { user: 'me' }, body: {} })
    const id = key.slice(0, 10)
    await world.owner.call(upsertAPIKeyAILimits, { params: { user: user.id, keyid: id }, body })
    return id
  }
  const askBy = (apiKeyId: string, model: string, input = 1): Promise<Response> => {
    world.upstream.answer = () => ({ ...says('Hi'), usage: { input, output: 0 } })
    return world.ask({ ownerId: user.id, provider: provider.name, apiKeyId }, '/v1/chat/completions', {
      ...hello,
      model,
    })
  }

  it('AG-B8: spend so much in a month, whatever else the user may', async () => {
    const model = await modelAt(1_000)
    const id = await limited({ monthly_spend_limit_micros: 1_000_000 })
    await settings({ budget_enforced: false })
    expect(await statusOf(askBy(id, model, 1_000))).toBe(200)
    const refused = await askBy(id, model)
    expect(refused.status).toBe(403)
    const text = await refused.text()
    expect(gatewayErrorCode(text)).toBe('budget_exceeded')
    expect(text).toContain('Monthly AI budget of US$1.00 of this token exceeded')
    expect(await statusOf(use(model, 1))).toBe(200)
  })

  it('AG-B8: use so many tokens in a minute, and ask so often in a second', async () => {
    const model = await modelAt(0)
    const tokens = await limited({ tokens_per_minute: 5 })
    const left = 60_000 - (world.clock.now().getTime() % 60_000)
    world.clock.advance(left)
    expect(await statusOf(askBy(tokens, model, 5))).toBe(200)
    const refused = await askBy(tokens, model)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    await refused.text()
    world.clock.advance(-left)
    const often = await limited({ requests_per_second: 1 })
    const statuses = await Promise.all([1, 2, 3].map(() => statusOf(askBy(often, model))))
    expect(statuses.sort()).toEqual([200, 429, 429])
  })
})

describe('AG-114: thresholds', () => {
  const told = async (userId: string) => {
    const { rows } = await sql<{ template_id: string; threshold: string; limit: string; start: string }>`
      select template_id, payload -> 'labels' ->> 'threshold' as threshold, payload -> 'labels' ->> 'limit' as limit,
             payload -> 'labels' ->> 'period_start' as start
        from notification_messages where user_id = ${userId}
         and payload -> 'labels' ->> 'username' = ${user.username} order by created_at, threshold`.execute(
      world.database.db,
    )
    return rows
  }

  it('AG-114: the user and administrators are told of 85 and of 100 per cent, once each', async () => {
    const model = await modelAt(1_000)
    await budget(await group(), 1_000_000)
    const start = periodOf(new Date()).start.toISOString()
    expect(await statusOf(use(model, 840))).toBe(200)
    expect(await statusOf(use(model, 20))).toBe(200)
    await until('the warning', async () => (await told(user.id)).length === 1)
    expect(await told(user.id)).toMatchObject([{ threshold: '85', limit: '$1.00', start }])
    expect(await statusOf(use(model, 100))).toBe(200)
    expect(await statusOf(use(model, 100))).toBe(200)
    await until('the end', async () => (await told(user.id)).length === 2)
    expect((await told(user.id)).map(({ threshold }) => threshold)).toEqual(['85', '100'])
    const owner = await world.account(world.owner)
    await until('the owner', async () => (await told(owner.id)).length === 2)
    expect((await told(owner.id)).map(({ template_id }) => template_id)).toEqual([
      '2a7b0ac1-00e1-4625-9cd5-1e5933972c77',
      '0bafe0ea-a78b-4217-ad05-1ef12e92e025',
    ])
  })

  it('AG-114: a threshold that many reach together is told of once', async () => {
    const model = await modelAt(1_000)
    await budget(await group(), 1_000_000)
    const gate = new Gate()
    world.upstream.answer = () => ({ steps: [{ wait: gate.opened }, 'Hi'], usage: { input: 110, output: 0 } })
    const asked = Array.from({ length: 8 }, () => statusOf(ask({ ...hello, model })))
    gate.open()
    await Promise.all(asked)
    await until('the cost', async () => (await spent()) === 880_000)
    await until('the warning', async () => (await told(user.id)).length > 0)
    expect((await told(user.id)).map(({ threshold }) => threshold)).toEqual(['85'])
  })
})
