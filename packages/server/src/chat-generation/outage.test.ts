import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { callsTools, Gate, openDatabase, says, until } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'
import { TIMINGS } from './parts.ts'

let at: ChatsAtWork
let pauses = 0

beforeAll(async () => {
  at = await ChatsAtWork.start({
    chatExtension: {
      timings: {
        pause: (ms, signal) => {
          pauses += 1
          return TIMINGS.pause(Math.min(ms, 200), signal)
        },
      },
    },
  })
})
afterAll(() => at[Symbol.asyncDispose]())

it('CH-606: an answer that is complete while the database is away for 20 s is committed when it is back, once', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['Before, ', { wait: gate.opened }, 'after'] }, says('Not this one'))
  const chat = await at.create('Hold on')
  await until('the stream', () => at.provider.requests.some((one) => one.sentEvents >= 2))
  const url = new URL(at.server.databaseUrl)
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const { Client } = await import('pg').then((module) => module.default)
  const elsewhere = new Client({ connectionString: url.href })
  await elsewhere.connect()
  try {
    await elsewhere.query(`alter database "${name}" allow_connections false`)
    const end = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1'
    await elsewhere.query(end, [name])
    gate.open()
    const before = pauses
    const since = performance.now()
    await until('commits that fail', () => pauses > before + 5)
    await until('20 s', () => performance.now() - since > 20_000)
    expect(at.provider.left).toBe(1)
  } finally {
    await elsewhere.query(`alter database "${name}" allow_connections true`)
    await elsewhere.end()
  }
  await until(
    'the end of the turn',
    async () => (await at.get(chat.id).catch(() => undefined))?.status === 'waiting',
  )
  expect(await at.transcript(chat.id)).toEqual(['user: Hold on', 'assistant: Before, after'])
  await using database = await openDatabase(at.server.databaseUrl, { maxConnections: 1 })
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from chat_messages where chat_id = ${chat.id} and role = 'assistant'`.execute(
    database.db,
  )
  expect(rows[0]?.n).toBe(1)
}, 60_000)

it('CH-606, CH-7.4: what takes too long is given up: an answer without end for good, tools until they are taken up again', async () => {
  let calls = 0
  await using short = await ChatsAtWork.start({
    chatExtension: {
      timings: { taskMs: 1_000 },
      tools: () => [
        {
          name: 'late',
          description: 'Answers when it is called again.',
          inputSchema: { type: 'object' },
          run: async () => {
            calls += 1
            return calls === 1 ? new Promise(() => undefined) : { result: { calls } }
          },
        },
      ],
    },
  })
  const { provider } = short
  let ended = false
  function* endless() {
    while (!ended) {
      yield 'over and '
      yield { delayMs: 20 }
    }
  }
  provider.play({ steps: endless() })
  const chat = await short.create('Tell me the end')
  const { last_error } = await short.reaches(chat.id, 'error')
  ended = true
  expect(last_error).toMatchObject({
    kind: 'timeout',
    retryable: false,
    message: expect.stringContaining('Ask for less at once'),
    detail: expect.stringMatching(/after 1 s$/),
  })
  expect(provider.requests.filter(({ streaming }) => streaming)).toHaveLength(1)
  provider.play(callsTools({ id: 'a', name: 'late' }), says('Done'))
  await short.send(chat.id, 'Use the tool')
  await short.reaches(chat.id, 'waiting')
  expect((await short.transcript(chat.id)).slice(-2)).toEqual([
    'tool: [late → {"calls":2}]',
    'assistant: Done',
  ])
})
