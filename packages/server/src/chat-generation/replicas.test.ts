import { afterAll, beforeAll, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createChat, getChat } from '@slipway/contract'
import {
  callsTools,
  Gate,
  openDatabase,
  says,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import type { ChatTool } from '../chat-tools/index.ts'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork
let ran: string[] = []
let resumed: unknown[] = []
let hold = new Gate()

/** Tools as both replicas have them; only the first one is held up. */
function tools(replica: string): readonly ChatTool[] {
  return [
    {
      name: 'quick',
      description: 'Answers at once.',
      inputSchema: { type: 'object' },
      run: async () => {
        ran.push(`quick on ${replica}`)
        return { result: 'quick' }
      },
    },
    {
      name: 'long',
      description: 'Takes its time.',
      inputSchema: { type: 'object' },
      run: async (_args, call) => {
        ran.push(`long on ${replica}`)
        resumed.push(call.resume)
        if (call.resume !== undefined) return { result: 'resumed' }
        await call.noteResume({ process: 7 })
        ran.push('noted')
        await hold.opened
        return { result: 'from the start' }
      },
    },
    {
      name: 'once',
      description: 'Does its work in a transaction.',
      inputSchema: { type: 'object' },
      run: async (_args, call) => {
        ran.push(`once on ${replica}`)
        if (replica === 'a') await hold.opened
        await using database = await openDatabase(at.server.databaseUrl, { maxConnections: 1 })
        const state = { done: replica }
        const outcome = database.transaction((tx) => call.noteDone(tx, state))
        ran.push(
          await outcome.then(
            () => `done on ${replica}`,
            (error: Error) => `${error.name} on ${replica}`,
          ),
        )
        return { result: replica }
      },
    },
  ]
}

beforeAll(async () => {
  // Its signs of life stop after the first one.
  at = await ChatsAtWork.start({
    chatExtension: { tools: () => tools('a'), timings: { heartbeatMs: 3_600_000, passMs: 3_600_000 } },
  })
})
afterAll(() => at[Symbol.asyncDispose]())

function second(timings: { readonly staleSeconds: number; readonly passMs: number }): Promise<TestServer> {
  return startTestServer({
    databaseUrl: at.server.databaseUrl,
    // Its own signs of life come often enough for its short patience.
    chatExtension: { tools: () => tools('b'), timings: { heartbeatMs: 200, ...timings } },
  })
}

it('T-20, B-5, OP-73: a chat whose replica gives no signs of life goes on elsewhere: finished calls stay, started ones are resumed, late commits are refused', async () => {
  ran = []
  resumed = []
  hold = new Gate()
  at.provider.play(callsTools({ id: 'q', name: 'quick' }, { id: 'l', name: 'long' }), says('The end'))
  const chat = await at.create('Work on it')
  await until('both tools', () => ran.includes('noted') && ran.includes('quick on a'))
  await using database = await openDatabase(at.server.databaseUrl, { maxConnections: 1 })
  await until('the stored result', async () => {
    const rows = await database.db
      .selectFrom('chat_tool_calls')
      .selectAll()
      .where('chat_id', '=', chat.id)
      .execute()
    return rows.length === 2 && rows.some((row) => row.result !== null)
  })
  await using _b = await second({ staleSeconds: 1, passMs: 200 })
  await at.reaches(chat.id, 'waiting')
  expect(ran).toEqual(['quick on a', 'long on a', 'noted', 'long on b'])
  expect(resumed).toEqual([undefined, { process: 7 }])
  hold.open()
  expect(await at.transcript(chat.id)).toEqual([
    'user: Work on it',
    'assistant: [quick({})] [long({})]',
    'tool: [quick → "quick"]',
    'tool: [long → "resumed"]',
    'assistant: The end',
  ])
  expect(await database.db.selectFrom('chat_tool_calls').selectAll().execute()).toEqual([])
})

it('B-5: what a call does in a transaction is done by the run that has the chat alone', async () => {
  ran = []
  hold = new Gate()
  at.provider.play(callsTools({ id: 'o', name: 'once' }), says('Once'))
  const chat = await at.create('Do it once')
  await until('the tool', () => ran.includes('once on a'))
  await using _b = await second({ staleSeconds: 1, passMs: 200 })
  await at.reaches(chat.id, 'waiting')
  hold.open()
  await until('the late one', () => ran.length === 4)
  expect(ran).toEqual(['once on a', 'once on b', 'done on b', 'FencedOff on a'])
  expect((await at.transcript(chat.id)).at(-1)).toBe('assistant: Once')
})

it('T-20: an answer that comes late from the former replica is refused, and there is one final answer', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['Late', { wait: gate.opened }, ' answer'] }, says('Right answer'))
  const chat = await at.create('Who answers?')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('Who answers') && one.sentEvents >= 2),
  )
  await using _b = await second({ staleSeconds: 1, passMs: 200 })
  await at.reaches(chat.id, 'waiting')
  gate.open()
  expect(await at.transcript(chat.id)).toEqual(['user: Who answers?', 'assistant: Right answer'])
})

it('T-21, CH-602, OP-59: of two replicas that hear of 100 chats at the same time, one takes each', async () => {
  await using b = await second({ staleSeconds: 30, passMs: 100 })
  const far = new Client({ url: b.url, token: at.owner.headers['Coder-Session-Token'] })
  const asked = new Map<string, number>()
  at.provider.answer = ({ text }) => {
    const [name = ''] = /race-\d+-/.exec(text) ?? []
    asked.set(name, (asked.get(name) ?? 0) + 1)
    return says('Here')
  }
  const ids: string[] = []
  for (let batch = 0; batch < 10; batch += 1)
    ids.push(
      ...(await Promise.all(
        Array.from({ length: 10 }, async (_, n) => {
          const client = n % 2 === 0 ? at.owner : far
          const made = await client.call(createChat, {
            body: {
              organization_id: at.organizationId,
              model_config_id: at.model.id,
              content: [{ type: 'text', text: `race-${batch * 10 + n}-` }],
            },
          })
          return made.id
        }),
      )),
    )
  for (const id of ids) await at.reaches(id, 'waiting')
  expect(asked.size).toBe(100)
  expect([...asked.values()].filter((times) => times !== 1)).toEqual([])
  at.provider.answer = () => undefined
}, 60_000)

it('B-17: a server that stops gives its chats back, and another replica goes on at once', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['Half', { wait: gate.opened }] }, says('Whole'))
  const chat = await at.create('Before the stop')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('Before the stop') && one.sentEvents >= 2),
  )
  await using b = await second({ staleSeconds: 30, passMs: 3_600_000 })
  const far = new Client({ url: b.url, token: at.owner.headers['Coder-Session-Token'] })
  const asked = at.provider.requests.length
  const stopped = at.server.stop()
  // Neither a pass nor a lease that has run out would bring it in this time.
  await until('another request', () => at.provider.requests.length > asked)
  await stopped
  await until(
    'the answer',
    async () => (await far.call(getChat, { params: { chat: chat.id } })).status === 'waiting',
  )
})
