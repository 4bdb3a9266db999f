import { expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase } from '@slipway/testkit'
import { systemActor } from '../../authz/index.ts'
import { countTurnSteps, listModelMessages } from './history.ts'

const actor = systemActor('chatd', 'a test reads what models see')

it('CH-700, CH-703: a summary in the middle of a turn hides steps from the model and not from their limit', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  const { db } = database
  const chat = await fixtures.chat(db)
  const say = async (columns: object) => (await fixtures.chatMessage(db, { chat, ...columns })).id
  const summary = { visibility: 'model', compressed: true } as const
  const shown = { role: 'assistant', visibility: 'user', compressed: true } as const
  const seen = async () => (await listModelMessages(actor, db, chat)).map((row) => row.id)
  expect(await countTurnSteps(actor, db, chat)).toBe(0)
  const system = await say({ role: 'system', visibility: 'model' })
  await say({})
  await say({ role: 'assistant' })
  await say({})
  for (let n = 0; n < 3; n += 1) await say({ role: 'assistant' })
  await say({ role: 'assistant', deleted: true })
  const boundary = await say(summary)
  await say(shown)
  const last = await say({ role: 'assistant' })
  expect(await seen()).toEqual([system, boundary, last])
  expect(await countTurnSteps(actor, db, chat)).toBe(4)
  await say({})
  expect(await countTurnSteps(actor, db, chat)).toBe(0)
})
