import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase } from '@slipway/testkit'
import { systemActor } from '../../authz/index.ts'
import { type ChatRow, changeChat } from '../../chats/index.ts'
import type { Database } from '../../database/index.ts'
import { beat, insertHeartbeat, listCandidates, sweepHeartbeats } from './leases.ts'

const actor = systemActor('chatd', 'a test looks who takes which chat')
const steps = new AsyncDisposableStack()
let database: Database
let shared: object

beforeAll(async () => {
  database = steps.use(await openDatabase(steps.use(await createTestDatabase()).url))
  const { db } = database
  shared = {
    owner_id: (await fixtures.user(db)).id,
    organization_id: (await fixtures.organization(db)).id,
    last_model_config_id: (await fixtures.chatModelConfig(db)).id,
  }
})
afterAll(() => steps.disposeAsync())
beforeEach(() => database.db.deleteFrom('chats').execute())

const minutes = (ago: number) => new Date(Date.now() - ago * 60_000)
const make = (title: string, columns: object = {}): Promise<ChatRow> =>
  fixtures.chat(database.db, { ...shared, title, status: 'running', ...columns })

async function candidates(limit = 100): Promise<string[]> {
  const found = await listCandidates(actor, database.db, { staleSeconds: 30, limit })
  const rows = await database.db.selectFrom('chats').select(['id', 'title']).execute()
  const titles = new Map(rows.map(({ id, title }) => [id, title]))
  return found.map(({ id }) => titles.get(id) ?? '')
}

/** A run that has a chat, and gave its last sign of life so many seconds ago. */
const held = async (title: string, secondsAgo?: number) => {
  const chat = await make(title, { worker_id: randomUUID(), runner_id: randomUUID() })
  if (secondsAgo !== undefined)
    await fixtures.chatHeartbeat(database.db, {
      chat_id: chat.id,
      runner_id: chat.runner_id ?? '',
      heartbeat_at: new Date(Date.now() - secondsAgo * 1000),
    })
  return chat
}

it('CH-602: what needs somebody and has nobody, or nobody who gives signs of life', async () => {
  await make('free')
  await make('interrupted', { status: 'interrupting' })
  await make('asks', { status: 'requires_action', requires_action_deadline_at: minutes(-5) })
  await make('waits', { status: 'waiting' })
  await make('failed', { status: 'error' })
  await make('archived', { archived: true, archived_at: minutes(0) })
  await held('alive', 5)
  await held('stale', 300)
  await held('never heard of')
  // A sign of a former run counts for nothing.
  const former = await held('former')
  await fixtures.chatHeartbeat(database.db, { chat_id: former.id, runner_id: randomUUID() })
  expect((await candidates()).sort()).toEqual(
    ['asks', 'former', 'free', 'interrupted', 'never heard of', 'stale'].sort(),
  )
})

it('CH-603: interrupted ones first, then those that ask, then the others; roots and subagents in turn, the oldest first', async () => {
  const root = await make('parent', { status: 'waiting' })
  const below = { parent_chat_id: root.id, root_chat_id: root.id }
  const asks = { status: 'requires_action', requires_action_deadline_at: minutes(-5) }
  await make('root 2', { updated_at: minutes(8) })
  await make('root 1', { updated_at: minutes(9) })
  await make('root 3', { updated_at: minutes(7) })
  await make('child 2', { ...below, updated_at: minutes(2) })
  await make('child 1', { ...below, updated_at: minutes(3) })
  await make('asks', { ...asks, updated_at: minutes(1) })
  await make('interrupted', { status: 'interrupting', updated_at: minutes(0) })
  const order = ['interrupted', 'asks', 'root 1', 'child 1', 'root 2', 'child 2', 'root 3']
  expect(await candidates()).toEqual(order)
  expect(await candidates(3)).toEqual(order.slice(0, 3))
})

it('CH-134: signs of life are not logged by the database; one that is lost counts as stale and comes again', async () => {
  const { rows } = await sql<{ relpersistence: string }>`
    select relpersistence from pg_class where oid = 'chat_heartbeats'::regclass`.execute(database.db)
  expect(rows).toEqual([{ relpersistence: 'u' }])
  const { id: chatId, runner_id } = await held('alive', 1)
  expect(await candidates()).toEqual([])
  await database.db.deleteFrom('chat_heartbeats').execute()
  expect(await candidates()).toEqual(['alive'])
  expect(await beat(actor, database.db, [{ chatId, runnerId: runner_id ?? '' }])).toEqual(new Set([chatId]))
  expect(await candidates()).toEqual([])
})

it('CH-604: signs of life are written for those who have their chat, change no version and tell nobody', async () => {
  const context = { database, clock: { now: () => new Date() } }
  const chat = await make('taken')
  const runnerId = randomUUID()
  await changeChat(context, actor, chat.id, async (locked, tx) => {
    locked.acquire(randomUUID(), runnerId)
    await insertHeartbeat(actor, tx, locked.row, runnerId)
  })
  expect(await candidates()).toEqual([])
  const seen = async () => {
    const { rows } = await sql<object>`
      select c.*, (select count(*) from change_log) as announced from chats c where id = ${chat.id}`.execute(
      database.db,
    )
    return rows
  }
  const before = await seen()
  const lost = { chatId: chat.id, runnerId: randomUUID() }
  expect([...(await beat(actor, database.db, [lost, { chatId: chat.id, runnerId }]))]).toEqual([chat.id])
  expect(await beat(actor, database.db, [lost])).toEqual(new Set())
  expect(await seen()).toEqual(before)
  const runners = async () =>
    (await database.db.selectFrom('chat_heartbeats').select('runner_id').execute()).map(
      (row) => row.runner_id,
    )
  expect(await runners()).toEqual([runnerId])
  await fixtures.chatHeartbeat(database.db, {
    chat_id: chat.id,
    runner_id: lost.runnerId,
    heartbeat_at: minutes(1),
  })
  await sweepHeartbeats(actor, database.db, { runnerIds: [], olderThanSeconds: 30 })
  expect(await runners()).toEqual([runnerId])
  await sweepHeartbeats(actor, database.db, { runnerIds: [runnerId], olderThanSeconds: 30 })
  expect(await runners()).toEqual([])
})
