import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

import { type AIProvider, type User, upsertAIModelPrices, upsertGroupAIBudget } from '@slipway/contract'
import { callsTools, Gate, says, until } from '@slipway/testkit'
import { GatewayWorld } from '../gateway.fixture.ts'

const CHAT = '/v1/chat/completions'
const hello = { model: 'gpt-test', messages: [{ role: 'user', content: 'Say hi' }] }

let world: GatewayWorld
let user: User
let serial = 0
let provider: AIProvider

beforeAll(async () => {
  world = await GatewayWorld.start({ CODER_AI_GATEWAY_STRICT: 'false' })
  provider = await world.provider()
  await world.owner.call(upsertAIModelPrices, {
    body: {
      prices: [
        {
          provider: 'openai',
          model: 'gpt-test',
          input_price: 1_000_000,
          output_price: 0,
          cache_read_price: null,
          cache_write_price: null,
        },
      ],
    },
  })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  serial += 1
  user = await world.account(await world.server.user(`asker${serial}`))
})

const ask = (body: unknown = hello): Promise<Response> =>
  world.ask({ ownerId: user.id, provider: provider.name }, CHAT, body)
const whole = async (body: unknown = hello): Promise<number> => {
  const response = await ask(body)
  await response.text()
  return response.status
}
/** The requests of the user when so many have ended. */
const ended = (count: number) =>
  until('all ends', async () => {
    const records = await world.records(user.id)
    return records.interceptions.filter(({ ended_at }) => ended_at !== null).length === count
      ? records
      : undefined
  })

it('AG-81, decision 16: what many requests have left is stored together, and completely', async () => {
  world.upstream.answer = () => ({ ...says('Hi'), usage: { input: 10, output: 2 } })
  expect(new Set(await Promise.all(Array.from({ length: 50 }, () => whole())))).toEqual(new Set([200]))
  const { tokens, prompts, interceptions } = await ended(50)
  expect([tokens.length, prompts.length]).toEqual([50, 50])
  expect(new Set(tokens.map(({ interception_id }) => interception_id)).size).toBe(50)
  expect(new Set(interceptions.map((one) => JSON.stringify([one.error_type, one.credential_hint])))).toEqual(
    new Set([JSON.stringify([null, 'sk-o...nt-1'])]),
  )
})

it('AG-80: a request goes on with one that is stored in the same moment', async () => {
  world.upstream.answer = () => callsTools({ id: 'call_1', name: 'look' })
  await whole()
  world.upstream.answer = () => says('Done')
  await whole({
    ...hello,
    messages: [...hello.messages, { role: 'tool', tool_call_id: 'call_1', content: 'seen' }],
  })
  const { interceptions } = await ended(2)
  const [first, second] = interceptions
  expect(second).toMatchObject({ thread_parent_id: first?.id, thread_root_id: first?.id })
})

const goingOn = (call: string, more: object = {}) => ({
  ...hello,
  ...more,
  messages: [...hello.messages, { role: 'tool', tool_call_id: call, content: 'seen' }],
})

/** Works while the record of another request is being stored. */
const whileStoring = <Result>(work: () => Promise<Result>): Promise<Result> =>
  world.database.db.transaction().execute(async (held) => {
    await sql`lock table aibridge_user_prompts in exclusive mode`.execute(held)
    await whole({ ...hello, model: 'gpt-other' })
    await until('a record to wait for the lock', async () => {
      const { rows } = await sql`
        select from pg_locks where relation = 'aibridge_user_prompts'::regclass and not granted`.execute(held)
      return rows.length > 0
    })
    return work()
  })

it('AG-80: what begins while others are being stored finds what has ended before it', async () => {
  const gate = new Gate()
  world.upstream.answer = ({ text }) => {
    if (text.includes('seen')) return { steps: ['Hi ', { wait: gate.opened }, 'there'] }
    return text.includes('use a tool') ? callsTools({ id: 'call_2', name: 'look' }) : says('Hi')
  }
  const going = await whileStoring(async () => {
    await whole({ ...hello, messages: [{ role: 'user', content: 'use a tool' }] })
    return ask(goingOn('call_2', { stream: true, model: 'gpt-long' }))
  })
  const begun = await until('its beginning', async () =>
    (await world.records(user.id)).interceptions.find(({ model }) => model === 'gpt-long'),
  )
  const { tools } = await world.records(user.id)
  expect(tools).toHaveLength(1)
  expect(begun.thread_parent_id).toBe(tools[0]?.interception_id)
  gate.open()
  await going.text()
  await ended(3)
})

it('AG-80: what another replica stores late is gone on with once the request has ended', async () => {
  const gate = new Gate()
  world.upstream.answer = ({ text }) =>
    text.includes('seen')
      ? { steps: ['Hi ', { wait: gate.opened }, 'there'] }
      : callsTools({ id: 'call_3', name: 'look' })
  const going = await ask(goingOn('call_3', { stream: true }))
  await until('its beginning', async () => (await world.records(user.id)).interceptions.length === 1)
  await whole()
  await ended(1)
  gate.open()
  await going.text()
  const [second, first] = (await ended(2)).interceptions
  expect(second).toMatchObject({
    thread_parent_id: first?.id,
    thread_root_id: first?.id,
    session_id: first?.id,
  })
})

it('AG-78: a long request is there before it ends, so that it leaves a trace whatever happens', async () => {
  const gate = new Gate()
  world.upstream.answer = () => ({ steps: ['Hi ', { wait: gate.opened }, 'there'] })
  const response = await ask({ ...hello, stream: true })
  const [begun] = await until('its beginning', async () => {
    const { interceptions } = await world.records(user.id)
    return interceptions.length === 1 ? interceptions : undefined
  })
  expect(begun?.ended_at).toBeNull()
  gate.open()
  await response.text()
  expect((await ended(1)).interceptions[0]?.id).toBe(begun?.id)
})

it('AG-78: once a beginning was refused nothing is asked any more, until one is stored again', async () => {
  const { db } = world.database
  world.upstream.answer = () => ({ ...says('Hi'), usage: { input: 10, output: 2 } })
  await sql`alter table aibridge_interceptions add constraint no_more check (model <> 'gpt-test') not valid`.execute(
    db,
  )
  const from = world.lines.length
  try {
    // It ends before its beginning could be stored.
    expect(await whileStoring(() => whole())).toBe(200)
    await until('its record to be refused', () =>
      world.lines.slice(from).some(({ level, record }) => level === 'error' && record === 'begin'),
    )
    expect(await whole()).toBe(500)
    const seen = world.upstream.requests.length
    expect(await whole()).toBe(500)
    expect(world.upstream.requests).toHaveLength(seen)
    // AG-122: what was asked is in no line, but all that finds it.
    expect(
      world.lines.slice(from).findLast(({ message }) => /could not be recorded/.test(String(message))),
    ).toMatchObject({
      interception_id: expect.stringMatching(/^[\da-f-]{36}$/),
      credential_kind: 'centralized',
      credential_hint: '<failover key>',
      provider: expect.stringMatching(/^p-/),
      route: expect.stringContaining('/'),
      model: 'gpt-test',
      user_agent: expect.stringMatching(/^coder-agents\//),
      streaming: false,
    })
  } finally {
    await sql`alter table aibridge_interceptions drop constraint no_more`.execute(db)
  }
  expect(await whole()).toBe(200)
  // With the one that was being stored.
  await ended(2)
  // AG-110: the one that was refused is charged; AG-135: beside that there is nothing of it that nobody would delete.
  const spent = await db
    .selectFrom('ai_user_daily_spend')
    .select('spend_micros')
    .where('user_id', '=', user.id)
    .execute()
  expect(spent).toEqual([{ spend_micros: 20 }])
  const known = await db.selectFrom('aibridge_interceptions').select('id').execute()
  for (const table of ['aibridge_user_prompts', 'aibridge_token_usages'] as const) {
    const parts = await db.selectFrom(table).select('interception_id').execute()
    expect(parts.filter((one) => !known.some(({ id }) => id === one.interception_id))).toEqual([])
  }
})

it('AG-78: of requests that are stored together, one that is refused is lost alone', async () => {
  const { db } = world.database
  world.upstream.answer = () => ({ ...says('Hi'), usage: { input: 10, output: 2 } })
  await sql`alter table aibridge_user_prompts add constraint no_odd check (prompt <> 'odd') not valid`.execute(
    db,
  )
  const saying = (content: string) => whole({ model: 'gpt-odd', messages: [{ role: 'user', content }] })
  await Promise.all(['one', 'odd', 'two'].map(saying))
  const { prompts, tokens } = await until('all three to be stored', async () => {
    const records = await world.records(user.id)
    const asked = records.interceptions.filter(
      ({ model, ended_at }) => model === 'gpt-odd' && ended_at !== null,
    )
    const belongs = (part: { readonly interception_id: string }): boolean =>
      asked.some(({ id }) => id === part.interception_id)
    return asked.length === 3
      ? { prompts: records.prompts.filter(belongs), tokens: records.tokens.filter(belongs) }
      : undefined
  })
  await sql`alter table aibridge_user_prompts drop constraint no_odd`.execute(db)
  expect(prompts.map(({ prompt }) => prompt).toSorted()).toEqual(['one', 'two'])
  expect(tokens).toHaveLength(3)
})

it('AG-113: a budget that somebody gets holds within a second, and to the last request', async () => {
  world.upstream.answer = () => ({ ...says('Hi'), usage: { input: 10, output: 2 } })
  expect(await whole()).toBe(200)
  const group = user.organization_ids[0] ?? ''
  await world.owner.call(upsertGroupAIBudget, { params: { group }, body: { spend_limit_micros: 1 } })
  await until('the budget to hold', async () => (await whole()) === 403)
})
