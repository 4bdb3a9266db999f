import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'

import { suspendUser } from '@slipway/contract'
import { callsTools, fixtures, says, until } from '@slipway/testkit'
import { gatewayErrorCode } from '../exchange/gateway-error.ts'
import {
  ask,
  CHAT,
  codeOf,
  hello,
  meetNewcomers,
  provider,
  records,
  serial,
  statusOf,
  user,
  world,
} from '../newcomer.fixture.ts'
import { costOfChats } from './costs.ts'

meetNewcomers()

describe('AG-80: threads', () => {
  it('AG-80: the result of a tool call goes on in its thread, but only for the same user', async () => {
    const call = `call-${randomUUID()}`
    const result = {
      ...hello,
      messages: [...hello.messages, { role: 'tool', tool_call_id: call, content: 'x' }],
    }
    world.upstream.play(callsTools({ id: call, name: 'ls' }), callsTools({ name: 'ls' }), says('done'))
    await (await ask()).text()
    await (await ask(result)).text()
    const other = await world.account(await world.server.user(`other${serial}`))
    await (await world.ask({ ownerId: other.id, provider: provider.name }, CHAT, result)).text()
    const [first, second] = (await records()).interceptions
    expect(second).toMatchObject({
      thread_parent_id: first?.id,
      thread_root_id: first?.id,
      session_id: first?.id,
    })
    expect((await world.records(other.id)).interceptions).toMatchObject([{ thread_parent_id: null }])
  })
})

describe('AG-113: budgets', () => {
  const everyone = async (): Promise<string> => {
    const { rows } = await sql<{ id: string }>`select id from organizations where is_default`.execute(
      world.database.db,
    )
    return rows[0]?.id ?? ''
  }
  const price = (model: string, input: number, output: number) =>
    sql`insert into ai_model_prices (provider, model, source, input_price, output_price)
        values ('openai', ${model}, 'custom', ${input}, ${output})`.execute(world.database.db)
  const limit = async (micros: number) =>
    sql`insert into user_ai_budget_overrides (user_id, group_id, spend_limit_micros)
        values (${user.id}, ${await everyone()}, ${micros})`.execute(world.database.db)

  it('AG-110: tokens cost what the model costs at that moment, and add up by day', async () => {
    const model = `priced-${serial}`
    await price(model, 3_000_000, 15_000_000)
    for (const _ of [1, 2]) {
      world.upstream.play({ ...says('Hi'), usage: { input: 1_000, cached: 400, output: 100 } })
      await (await ask({ ...hello, model })).text()
    }
    const { tokens } = await records()
    // 600 × 3 + 100 × 15, and nothing for what has no price of its own.
    expect(tokens).toMatchObject([
      {
        cost_micros: 3_300,
        input_price_micros: 3_000_000,
        output_price_micros: 15_000_000,
        cache_read_price_micros: null,
        effective_group_id: await everyone(),
      },
      { cost_micros: 3_300 },
    ])
    const spend = await world.database.db
      .selectFrom('ai_user_daily_spend')
      .selectAll()
      .where('user_id', '=', user.id)
      .execute()
    expect(spend).toEqual([
      {
        user_id: user.id,
        effective_group_id: await everyone(),
        day: new Date().toISOString().slice(0, 10),
        spend_micros: 6_600,
      },
    ])
  })

  it('AG-110: each kind of tokens is rounded down by itself, and what cannot be the cost is none', async () => {
    const model = `odd-${serial}`
    // 1.5 and 1.5 are 2, and not 3.
    await price(model, 500_000, 1_500_000)
    world.upstream.play({ ...says('Hi'), usage: { input: 3, output: 1 } })
    await (await ask({ ...hello, model })).text()
    const dear = `dear-${serial}`
    await price(dear, 1_000_000_000_000, 0)
    // 10^13 is the most that an answer may cost.
    for (const input of [10_000_000, 10_000_001]) {
      world.upstream.play({ ...says('Hi'), usage: { input, output: 0 } })
      await (await ask({ ...hello, model: dear })).text()
    }
    expect((await records()).tokens.map(({ cost_micros }) => cost_micros)).toEqual([
      2,
      10_000_000_000_000,
      null,
    ])
    const { rows } = await sql<{ spend: number }>`
      select spend_micros as spend from ai_user_daily_spend where user_id = ${user.id}`.execute(
      world.database.db,
    )
    expect(rows).toEqual([{ spend: 10_000_000_000_002 }])
  })

  it('AG-110: a model without a price costs an unknown amount', async () => {
    world.upstream.play(says('Hi'))
    await (await ask({ ...hello, model: 'nobody-knows' })).text()
    expect((await records()).tokens).toMatchObject([{ cost_micros: null, input_tokens: 10 }])
    expect(await world.context.metrics.metrics()).toContain(
      `coder_ai_gateway_cost_control_unpriced_token_usage_records_total{provider="${provider.name}",provider_type="openai",model="nobody-knows"} 1`,
    )
  })

  it('AG-113: whoever has spent their budget is refused until the next month', async () => {
    const model = `dear-${serial}`
    await price(model, 1_000_000_000, 0)
    await limit(1_000_000)
    world.upstream.play({ ...says('Hi'), usage: { input: 1_000, output: 0 } })
    expect(await statusOf(ask({ ...hello, model }))).toBe(200)
    await until('the cost', async () => (await records()).tokens[0]?.cost_micros)
    const before = world.upstream.requests.length
    const response = await ask({ ...hello, model })
    expect(response.status).toBe(403)
    const body = await response.text()
    expect(body).toContain('AI budget of US$1.00 exceeded. Please contact an administrator for more details.')
    expect(gatewayErrorCode(body)).toBe('budget_exceeded')
    expect(world.upstream.requests).toHaveLength(before)
    world.clock.advance(32 * 86_400_000)
    world.upstream.play(says('Hi'))
    expect(await statusOf(ask({ ...hello, model }))).toBe(200)
    world.clock.advance(-32 * 86_400_000)
  })

  it('AG-113: a budget of nothing blocks everything, and one that cannot be looked at too', async () => {
    await limit(0)
    expect(await codeOf(await ask())).toBe('budget_exceeded')
    await sql`alter table ai_user_daily_spend rename to elsewhere`.execute(world.database.db)
    try {
      const response = await ask()
      expect(response.status).toBe(500)
      expect(await codeOf(response)).toBe('internal_error')
    } finally {
      await sql`alter table elsewhere rename to ai_user_daily_spend`.execute(world.database.db)
    }
  })

  it('AG-111: of several budgets the highest counts, and one of the user’s own above all', async () => {
    const { db } = world.database
    const organization = await everyone()
    const group = async (name: string, micros: number | undefined): Promise<string> => {
      const { rows } = await sql<{ id: string }>`
        insert into groups (organization_id, name) values (${organization}, ${name}) returning id`.execute(db)
      const id = rows[0]?.id ?? ''
      await sql`insert into group_members (group_id, user_id) values (${id}, ${user.id})`.execute(db)
      if (micros !== undefined)
        await sql`insert into group_ai_budgets (group_id, spend_limit_micros) values (${id}, ${micros})`.execute(
          db,
        )
      return id
    }
    const effective = async () =>
      (
        await sql<{ group_id: string; spend_limit_micros: number | null; limit_source: string | null }>`
          select group_id, spend_limit_micros, limit_source from ai_budget_of(${user.id}::uuid, 'highest')`.execute(
          db,
        )
      ).rows
    expect(await effective()).toEqual([
      { group_id: organization, spend_limit_micros: null, limit_source: null },
    ])
    await group(`none-${serial}`, undefined)
    await group(`low-${serial}`, 5)
    const high = await group(`high-${serial}`, 7)
    expect(await effective()).toEqual([{ group_id: high, spend_limit_micros: 7, limit_source: 'group' }])
    await limit(3)
    expect(await effective()).toEqual([
      { group_id: organization, spend_limit_micros: 3, limit_source: 'user_override' },
    ])
    // AG-115: whoever leaves the group loses the budget that goes with it.
    await sql`delete from organization_members where user_id = ${user.id}`.execute(db)
    expect(await effective()).toEqual([])
  })

  it('AG-111: of equal budgets the one of the organization that was joined first counts, then the lesser id', async () => {
    const { db } = world.database
    const organization = async (name: string, joined: string): Promise<string> => {
      const { id } = await fixtures.organization(db, { name: `${name}-${serial}` })
      await sql`insert into organization_members (organization_id, user_id, created_at)
        values (${id}, ${user.id}, ${joined}::timestamptz)`.execute(db)
      return id
    }
    const group = async (of: string, id: string): Promise<string> => {
      await sql`insert into groups (id, organization_id, name) values (${id}, ${of}, ${id})`.execute(db)
      await sql`insert into group_members (group_id, user_id) values (${id}, ${user.id})`.execute(db)
      await sql`insert into group_ai_budgets (group_id, spend_limit_micros) values (${id}, 7)`.execute(db)
      return id
    }
    const effective = async () =>
      (
        await sql<{
          id: string
        }>`select group_id as id from ai_budget_of(${user.id}::uuid, 'highest')`.execute(db)
      ).rows[0]?.id
    const [late, early] = [
      await organization('late', '2025-02-01'),
      await organization('early', '2025-01-01'),
    ]
    expect(await effective()).toBe(await everyone())
    const least = `00000000-0000-4000-8000-${String(serial).padStart(12, '0')}`
    await group(late, least)
    expect(await effective()).toBe(least)
    const [lesser, greater] = [randomUUID(), randomUUID()].toSorted()
    await group(early, greater ?? '')
    expect(await effective()).toBe(greater)
    await group(early, lesser ?? '')
    expect(await effective()).toBe(lesser)
    // What is gone bears nothing.
    await sql`update organizations set deleted = true where id = ${early}`.execute(db)
    expect(await effective()).toBe(least)
    await sql`update organizations set deleted = true where id = ${late}`.execute(db)
    expect(await effective()).toBe(await everyone())
  })

  it('a user who is suspended or gone asks nothing', async () => {
    await world.owner.call(suspendUser, { params: { user: user.username } })
    expect(await codeOf(await ask())).toBe('unauthorized')
    expect(
      await codeOf(await world.ask({ ownerId: randomUUID(), provider: provider.name }, CHAT, hello)),
    ).toBe('unauthorized')
  })
})

describe('CH-804: what chats cost', () => {
  it('CH-804: is summed over the tree of a chat, by its owner’s records alone', async () => {
    const rootChatId = randomUUID()
    const model = `chatty-${serial}`
    await sql`insert into ai_model_prices (provider, model, source, input_price)
      values ('openai', ${model}, 'custom', 1000000)`.execute(world.database.db)
    const inChat = (subchatId: string | undefined, named: string, ownerId = user.id) => {
      world.upstream.play({ ...says('Hi'), usage: { input: 50, output: 1 } })
      return world
        .ask({ ownerId, provider: provider.name, rootChatId, subchatId }, CHAT, { ...hello, model: named })
        .then((response) => response.text())
    }
    await inChat(undefined, model)
    await inChat(randomUUID(), model)
    await inChat(undefined, 'unpriced')
    await inChat(undefined, model, (await world.account(world.owner)).id)
    expect((await records()).interceptions).toMatchObject([
      { client_session_id: rootChatId, session_id: rootChatId },
      { session_id: rootChatId },
      { session_id: rootChatId },
    ])
    expect(await costOfChats(world.context, { ownerId: user.id, rootChatId })).toEqual({
      totalCostMicros: 100,
      requestCount: 3,
      unpricedRequestCount: 1,
    })
    expect(await costOfChats(world.context, { ownerId: user.id, rootChatId: randomUUID() })).toEqual({
      totalCostMicros: 0,
      requestCount: 0,
      unpricedRequestCount: 0,
    })
  })
})

describe('CH-508: the key of a user’s chats', () => {
  it('CH-508: is made once, whoever asks at the same time, and extended before it expires', async () => {
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => world.gateway.keyFor(user.id)))
    expect(new Set([first, ...others]).size).toBe(1)
    const row = async () =>
      world.database.db
        .selectFrom('api_keys')
        .selectAll()
        .where('id', '=', first ?? '')
        .executeTakeFirstOrThrow()
    const made = await row()
    expect(made).toMatchObject({
      token_name: `chatd_${user.id}_session_token`,
      user_id: user.id,
      scopes: ['aibridge_interception:create'],
    })
    world.clock.advance(29 * 86_400_000 + 60_000)
    expect(await world.gateway.keyFor(user.id)).toBe(first)
    expect((await row()).expires_at.getTime()).toBeGreaterThan(made.expires_at.getTime() + 28 * 86_400_000)
    world.clock.advance(-29 * 86_400_000 - 60_000)
    world.upstream.play(says('Hi'))
    await (
      await world.ask({ ownerId: user.id, provider: provider.name, apiKeyId: first }, CHAT, hello)
    ).text()
    expect((await records()).interceptions).toMatchObject([{ api_key_id: first }])
  })
})
