import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'

import {
  createGroup,
  getUser,
  getUserAISpend,
  type UpdateAIGatewaySettingsRequest,
  updateAIGatewaySettings,
  updateAIProviderRouting,
  updateGroup,
  updateUserRoles,
  upsertAIModelPrices,
  upsertGroupAIBudget,
  upsertGroupAILimits,
  upsertUserAIBudgetOverride,
} from '@slipway/contract'
import { says, until } from '@slipway/testkit'
import {
  ask,
  client,
  codeOf,
  goOnWith,
  hello,
  meetNewcomers,
  provider,
  serial,
  statusOf,
  user,
  world,
} from '../newcomer.fixture.ts'
import { BlockedUsers } from './blocked-users.ts'
import { Spending } from './spending.ts'

meetNewcomers()

afterEach(async () => {
  world.upstream.answer = () => undefined
  await settings({ budget_reservations: false, block_unpriced_models: false })
})

const settings = async (body: UpdateAIGatewaySettingsRequest): Promise<void> => {
  await world.owner.call(updateAIGatewaySettings, { body })
  await world.gateway.parts.governance.refresh()
}

/** A model of which each token costs so many thousandths of a dollar. */
const pricedModel = async (thousandths = 1, type = 'openai'): Promise<string> => {
  const model = `charged-${thousandths}-${serial}`
  await world.owner.call(upsertAIModelPrices, {
    body: {
      prices: [
        {
          provider: type,
          model,
          input_price: thousandths * 1_000_000_000,
          output_price: thousandths * 1_000_000_000,
          cache_read_price: null,
          cache_write_price: null,
        },
      ],
    },
  })
  return model
}

/** A group that the newcomer is in. */
const groupOf = async (name: string): Promise<string> => {
  const { id } = await world.owner.call(createGroup, {
    params: { organization: 'default' },
    body: { name: `${name}-${serial}` },
  })
  await world.owner.call(updateGroup, { params: { group: id }, body: { add_users: [user.id] } })
  return id
}

/** A group that bears what the newcomer spends. */
const bearer = async (micros: number): Promise<string> => {
  const id = await groupOf('bears')
  await world.owner.call(upsertGroupAIBudget, {
    params: { group: id },
    body: { spend_limit_micros: micros },
  })
  return id
}

const use = (model: string, input: number, body: object = {}): Promise<number> => {
  world.upstream.answer = () => ({ ...says('Hi'), usage: { input, output: 0 } })
  return statusOf(ask({ ...hello, model, ...body }))
}
const spent = async (): Promise<number> =>
  (await client.call(getUserAISpend, { params: { user: 'me' } })).current_spend_micros

/** Whether somebody waits for a row that this transaction holds. */
const isAwaited = async (tx: typeof world.database.db): Promise<boolean> => {
  const { rows } = await sql<{ waiting: boolean }>`
    select exists (select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))) as waiting`.execute(
    tx,
  )
  return rows[0]?.waiting === true
}
const totalOf = (type: 'group' | 'organization', id: string) =>
  sql`select from ai_total_daily_spend where subject_type = ${type} and subject_id = ${id}`

describe('AG-110: charges at the same time', () => {
  it('AG-110: whoever waits for an organization holds none of its groups', async () => {
    const model = await pricedModel()
    const id = await bearer(10_000_000)
    expect(await use(model, 100)).toBe(200)
    await until('the cost', async () => (await spent()) === 100_000)
    const {
      organization_ids: [organization = ''],
    } = user
    const asked = await world.database.transaction(async (tx) => {
      await sql`${totalOf('organization', organization)} for update`.execute(tx)
      const answer = use(model, 100)
      await until('the charge to wait', () => isAwaited(tx))
      const { rows } = await sql`${totalOf('group', id)} for update nowait`.execute(tx)
      expect(rows).not.toHaveLength(0)
      return { answer }
    })
    expect(await asked.answer).toBe(200)
    await until('the cost', async () => (await spent()) === 200_000)
  })

  it('AG-110: what a deadlock has undone is charged all the same', async () => {
    const model = await pricedModel()
    const id = await bearer(10_000_000)
    expect(await use(model, 100)).toBe(200)
    await until('the cost', async () => (await spent()) === 100_000)
    const {
      organization_ids: [organization = ''],
    } = user
    const asked = await world.database.transaction(async (tx) => {
      await sql`set local deadlock_timeout = '30s'`.execute(tx)
      await sql`${totalOf('group', id)} for update`.execute(tx)
      const answer = use(model, 100)
      await until('the charge to wait', () => isAwaited(tx))
      // Each waits for the other now: the charge has waited longer and is undone.
      await sql`${totalOf('organization', organization)} for update`.execute(tx)
      return { answer }
    })
    expect(await asked.answer).toBe(200)
    await until('the cost', async () => (await spent()) === 200_000)
  })
})

describe('AG-B14: a group whose members have a budget together, and none each', () => {
  const totals = async (id: string, total_spend_limit_micros: number | null): Promise<void> => {
    await world.owner.call(upsertGroupAILimits, {
      params: { group: id },
      body: { total_spend_limit_micros },
    })
  }
  const bearing = async () =>
    (await client.call(getUserAISpend, { params: { user: 'me' } })).effective_group_id

  it('AG-B14: bears what they spend, and they are refused beyond it', async () => {
    const model = await pricedModel()
    const id = await groupOf('together')
    await totals(id, 1_000_000)
    expect(await bearing()).toBe(id)
    expect(await use(model, 1_000)).toBe(200)
    const refused = await ask({ ...hello, model })
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('AI budget of US$1.00 of your group exceeded.')
    await using blocked = new BlockedUsers(world.context, world.gateway)
    await blocked.count()
    const gauge = `coder_ai_gateway_cost_control_blocked_users{group_id="${id}"}`
    expect(await world.context.metrics.metrics()).toContain(`${gauge} 1\n`)
    await totals(id, 2_000_000)
    await blocked.count()
    expect(await world.context.metrics.metrics()).not.toContain(gauge)
    await settings({ budget_reservations: true })
    expect(await codeOf(await ask({ ...hello, model, max_tokens: 1_000 }))).toBe('budget_exceeded')
  })

  it('AG-111: does so behind any budget of each, and of several such groups the one with the highest', async () => {
    const [low, high] = [await groupOf('low'), await groupOf('high')]
    await totals(low, 5)
    await totals(high, 7)
    expect(await bearing()).toBe(high)
    const { rows } = await sql<{ group_id: string }>`
      select group_id from ai_budget_of(${user.id}::uuid, 'lowest')`.execute(world.database.db)
    expect(rows).toEqual([{ group_id: low }])
    const each = await bearer(1)
    expect(await bearing()).toBe(each)
    await world.owner.call(upsertUserAIBudgetOverride, {
      params: { user: user.id },
      body: { group_id: low, spend_limit_micros: 3 },
    })
    expect(await bearing()).toBe(low)
    await world.owner.call(updateGroup, { params: { group: low }, body: { remove_users: [user.id] } })
    await world.owner.call(updateGroup, { params: { group: each }, body: { remove_users: [user.id] } })
    expect(await bearing()).toBe(high)
    await totals(high, null)
    expect(await bearing()).toBe(user.organization_ids[0])
  })
})

it('AG-111: PostgreSQL knows that a user has one budget, so that its plans for requests stay', async () => {
  const { rows } = await sql`select prorows from pg_proc where proname = 'ai_budget_of'`.execute(
    world.database.db,
  )
  expect(rows).toEqual([{ prorows: 1 }])
})

/** Who was told of the newcomer, with all that they were told. */
const told = async () =>
  (
    await sql<{ user_id: string; labels: Readonly<Record<string, string>> }>`
      select user_id, payload -> 'labels' as labels from notification_messages
       where payload -> 'labels' ->> 'username' = ${user.username} order by created_at`.execute(
      world.database.db,
    )
  ).rows

describe('AG-114: who is told of a threshold', () => {
  it('AG-114: the user once, and owners and user admins, with whose budget of which period it is', async () => {
    const admin = await world.server.user(`admin${serial}`)
    const { id: adminId } = await admin.call(getUser, { params: { user: 'me' } })
    await world.owner.call(updateUserRoles, { params: { user: adminId }, body: { roles: ['user-admin'] } })
    // Who administers users is told of themselves once.
    await world.owner.call(updateUserRoles, { params: { user: user.id }, body: { roles: ['user-admin'] } })
    const { id: ownerId } = await world.account(world.owner)
    const model = await pricedModel()
    await bearer(1_000_000)
    expect(await use(model, 850)).toBe(200)
    await until('all to be told', async () => (await told()).length >= 3)
    const all = (await told()).filter(({ user_id }) => [user.id, adminId, ownerId].includes(user_id))
    expect(all.map(({ user_id }) => user_id).toSorted()).toEqual([user.id, adminId, ownerId].toSorted())
    const now = new Date()
    const month = (of: number) => new Date(Date.UTC(now.getUTCFullYear(), of)).toISOString()
    for (const { labels } of all)
      expect(labels).toEqual({
        threshold: '85',
        limit: '$1.00',
        period: 'month',
        limit_source: 'group',
        username: user.username,
        effective_group_name: `bears-${serial}`,
        organization_name: 'coder',
        period_start: month(now.getUTCMonth()),
        period_end: month(now.getUTCMonth() + 1),
      })
  })

  /** Charges tokens of several times together. */
  const chargeTogether = async (
    model: string,
    ...uses: readonly (readonly [at: string, input: number])[]
  ) => {
    await using spending = new Spending(world.context, world.gateway.parts.governance)
    const charged = await world.database.transaction((tx) =>
      Promise.all(
        uses.map(([at, input]) =>
          spending.charge(
            {
              id: randomUUID(),
              interceptionId: randomUUID(),
              initiatorId: user.id,
              responseId: 'r',
              input,
              output: 0,
              cacheRead: 0,
              cacheWrite: 0,
              metadata: {},
              createdAt: new Date(at),
              providerType: 'openai',
              model,
              apiKeyId: undefined,
            },
            tx,
          ),
        ),
      ),
    )
    for (const { tell } of charged) tell()
    await spending.idle()
    return (await told())
      .filter(({ user_id }) => user_id === user.id)
      .map(({ labels }) => [labels.threshold, labels.period_start?.slice(0, 10)])
  }

  it('AG-114: what is charged together around midnight reaches it together, and at the end of a month does not', async () => {
    const model = await pricedModel()
    await bearer(1_000_000)
    const [last, first] = ['2031-01-31T23:59:59.900Z', '2031-02-01T00:00:00.100Z']
    expect(await chargeTogether(model, [last, 500], [first, 400])).toEqual([])
    // 1,200 of March.
    const days = ['2031-03-08T23:59:59.900Z', '2031-03-09T00:00:00.100Z'] as const
    expect(await chargeTogether(model, [days[0], 500], [days[1], 400])).toEqual([['85', '2031-03-01']])
    expect(await chargeTogether(model, [days[0], 200], [days[1], 100])).toEqual([
      ['85', '2031-03-01'],
      ['100', '2031-03-01'],
    ])
    // 900 of February, told of as of that month; what March has spent is none of it, however late this is known.
    expect((await chargeTogether(model, [last, 1], [first, 500])).at(-1)).toEqual(['85', '2031-02-01'])
  })
})

it('AG-110: models of Google cost the same by both of their names, and as much is set aside', async () => {
  goOnWith(await world.provider({ type: 'google' }))
  const model = await pricedModel(1, 'google')
  await bearer(500_000)
  expect(await use(`models/${model}`, 100)).toBe(200)
  await until('the cost', async () => (await spent()) === 100_000)
  await settings({ budget_reservations: true, block_unpriced_models: true })
  const refused = await ask({ ...hello, model: `models/${model}`, max_tokens: 400 })
  expect(await codeOf(refused)).toBe('budget_exceeded')
})

it('AG-110: a model costs no less with a space or what does not show in its name', async () => {
  const model = await pricedModel()
  await bearer(10_000_000)
  for (const name of [`${model} `, `\u200b${model}`, `${model}\n`]) expect(await use(name, 100)).toBe(200)
  await until('the cost', async () => (await spent()) === 300_000)
})

it('AG-36: the tokens of an answer with large pictures are charged', async () => {
  const model = await pricedModel()
  const last = {
    type: 'response.completed',
    response: {
      id: 'resp_pictures',
      status: 'completed',
      output: [{ type: 'image_generation_call', id: 'ig_1', result: 'A'.repeat(12 * 1024 * 1024) }],
      usage: { input_tokens: 7, output_tokens: 13 },
    },
  }
  world.upstream.answer = () => ({
    steps: [
      { raw: Buffer.from(`event: response.completed\ndata: ${JSON.stringify(last)}\n\n`) },
      { end: true },
    ],
  })
  const answer = await world.ask({ ownerId: user.id, provider: provider.name }, '/v1/responses', {
    model,
    input: 'Draw',
    stream: true,
  })
  await answer.text()
  await until('the cost', async () => (await spent()) === 20_000)
})

describe('AG-B14: what is set aside', () => {
  it.each([
    { max_completion_tokens: 1, max_tokens: 700 },
    { max_tokens: 700, max_completion_tokens: 1 },
    { n: 1, max_tokens: 100, generationConfig: { candidateCount: 7 } },
  ])('AG-B14: is the most that any member asks for: %j', async (members) => {
    await settings({ budget_reservations: true })
    const model = await pricedModel()
    await bearer(500_000)
    const response = await ask({ ...hello, model, ...members })
    expect(response.status).toBe(403)
    expect(await codeOf(response)).toBe('budget_exceeded')
    expect(await use(model, 1, { max_tokens: 100 })).toBe(200)
  })

  it('AG-B14: stays so until it is charged, however long that takes', async () => {
    await settings({ budget_reservations: true })
    const model = await pricedModel()
    await bearer(500_000)
    expect(await use(model, 100, { max_tokens: 100 })).toBe(200)
    await until('the cost', async () => (await spent()) === 100_000)
    const {
      organization_ids: [organization = ''],
    } = user
    await world.database.transaction(async (tx) => {
      await sql`${totalOf('organization', organization)} for update`.execute(tx)
      // Answered when the charge has had five seconds.
      expect(await use(model, 300, { max_tokens: 300 })).toBe(200)
      const refused = await ask({ ...hello, model, max_tokens: 300 })
      expect(await codeOf(refused)).toBe('budget_exceeded')
    })
    await until('the cost', async () => (await spent()) === 400_000)
    const left = await world.database.db
      .selectFrom('ai_spend_reservations')
      .select('interception_id')
      .where('user_id', '=', user.id)
      .execute()
    expect(left).toEqual([])
  })

  it('AG-B14, AG-84: is given back where the provider counts what cannot be', async () => {
    await settings({ budget_reservations: true })
    const model = await pricedModel()
    await bearer(500_000)
    for (const input of [1e13, 0.5, 1]) expect(await use(model, input, { max_tokens: 400 })).toBe(200)
    await until('the cost', async () => (await spent()) === 1_000)
  })

  /** What the newcomer's provider falls back to, by another name of the model. */
  const fallback = async (from: string, to: string): Promise<void> => {
    const other = await world.provider()
    await world.owner.call(updateAIProviderRouting, {
      params: { idOrName: provider.id },
      body: { fallbacks: [{ provider: other.name, models: { [from]: to } }] },
    })
    await world.gateway.parts.governance.refresh()
  }

  it('AG-B14: is what the dearest model costs that may answer', async () => {
    await settings({ budget_reservations: true })
    const [cheap, dear] = [await pricedModel(1), await pricedModel(10)]
    await bearer(500_000)
    expect(await use(cheap, 1, { max_tokens: 100 })).toBe(200)
    await fallback(cheap, dear)
    expect(await codeOf(await ask({ ...hello, model: cheap, max_tokens: 100 }))).toBe('budget_exceeded')
  })

  it('AG-B15: a model without a price is no fallback within a budget where those are blocked', async () => {
    const model = await pricedModel()
    await fallback(model, 'nobody-knows')
    await bearer(500_000)
    const statuses = async (): Promise<number> => {
      world.upstream.answer = ({ text }) => (text.includes('nobody-knows') ? says('Free') : { status: 503 })
      return statusOf(ask({ ...hello, model, max_tokens: 100 }))
    }
    expect(await statuses()).toBe(200)
    await settings({ block_unpriced_models: true })
    expect(await statuses()).toBe(503)
    await settings({ budget_reservations: true })
    expect(await statuses()).toBe(503)
  })
})
