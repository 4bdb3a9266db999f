import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase, type TestDatabase } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { type ChatRow, changeChat, insertChat } from './index.ts'

const actor = systemActor('chatd', 'a test makes and changes chats')
const steps = new AsyncDisposableStack()
let database: Database
let model: string
let owner: { readonly id: string }
let organization: { readonly id: string }

beforeAll(async () => {
  const test: TestDatabase = steps.use(await createTestDatabase())
  database = steps.use(await openDatabase(test.url))
  model = (await fixtures.chatModelConfig(database.db)).id
  owner = await fixtures.user(database.db)
  organization = await fixtures.organization(database.db)
})
afterAll(() => steps.disposeAsync())

interface Announced {
  readonly op: string
  readonly data: Readonly<Record<string, unknown>>
}

async function announced(chatId: string): Promise<Announced[]> {
  const { rows } = await sql<Announced>`
    select op, data from change_log where kind = 'chat' and key = ${chatId} order by id`.execute(database.db)
  return rows
}

/** What of a row is announced. */
function stateOf(row: ChatRow): Record<string, unknown> {
  return {
    owner_id: row.owner_id,
    organization_id: row.organization_id,
    root_chat_id: row.id,
    snapshot_version: row.snapshot_version,
    history_version: row.history_version,
    queue_version: row.queue_version,
    retry_state_version: row.retry_state_version,
    generation_attempt: row.generation_attempt,
    status: row.status,
    archived: row.archived,
    worker_id: row.worker_id,
    runner_id: row.runner_id,
  }
}

const stored = (id: string): Promise<ChatRow> =>
  database.db.selectFrom('chats').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

it('CH-111, CH-608, B-2: a chat that is made is announced once, as it is committed', async () => {
  const { chat } = await database.transaction((tx) =>
    insertChat(
      actor,
      tx,
      {
        status: 'running',
        ownerId: owner.id,
        organizationId: organization.id,
        clientType: 'api',
        title: 'x',
        modelConfigId: model,
        reasoningEffort: null,
        workspaceId: null,
      },
      [{ role: 'user', parts: [{ type: 'text', text: 'hi' }], visibility: 'both', modelConfigId: model }],
    ),
  )
  const row = await stored(chat.id)
  expect(await announced(chat.id)).toEqual([{ op: 'insert', data: { ...stateOf(row), changed: [] } }])
})

it('CH-111, CH-608: the last that is announced of a change is the row that it leaves, and says what has changed', async () => {
  const chat = await fixtures.chat(database.db, { owner_id: owner.id, organization_id: organization.id })
  const message = {
    parts: [{ type: 'text' as const, text: 'hi' }],
    modelConfigId: chat.last_model_config_id,
    reasoningEffort: null,
    createdBy: owner.id,
  }
  const context = { database, clock: { now: () => new Date() } }
  const changes = [
    {
      does: (id: string) => changeChat(context, actor, id, (locked) => locked.sendIdle(message)),
      says: ['status'],
    },
    { does: (id: string) => changeChat(context, actor, id, (locked) => locked.enqueue(message)), says: [] },
    {
      does: (id: string) => changeChat(context, actor, id, async (locked) => locked.noteAttempt()),
      says: [],
    },
    {
      does: (id: string) => changeChat(context, actor, id, (locked) => locked.interrupt()),
      says: ['status'],
    },
  ]
  for (const { does, says } of changes) {
    const before = (await announced(chat.id)).length
    await does(chat.id)
    const news = (await announced(chat.id)).slice(before)
    const row = await stored(chat.id)
    expect(news.at(-1)?.data).toMatchObject(stateOf(row))
    expect(new Set(news.flatMap(({ data }) => Object.values(Object(data.changed))))).toEqual(new Set(says))
  }
  // Nobody is told of what nobody sees.
  const before = (await announced(chat.id)).length
  await database.db.updateTable('chats').set({ last_read_message_id: 1 }).where('id', '=', chat.id).execute()
  expect(await announced(chat.id)).toHaveLength(before)
  await database.db.deleteFrom('chats').where('id', '=', chat.id).execute()
  expect((await announced(chat.id)).at(-1)?.op).toBe('delete')
})
