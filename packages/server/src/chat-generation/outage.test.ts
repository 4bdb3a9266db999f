import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { Gate, openDatabase, says, until } from '@slipway/testkit'
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

it('CH-606: an answer that is complete while the database is away is committed when it is back, once', async () => {
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
    await until('commits that fail', () => pauses > before + 5)
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
