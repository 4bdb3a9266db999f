import { afterEach, beforeEach, expect, it } from 'vitest'

import { getChat, listAuditLogs, updateChatAutoArchiveDays, updateChatRetentionDays } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Half past midnight, in the time of nobody here. */
const NOW = new Date('2026-03-20T00:30:00Z')
const before = (days: number, hours = 0) => new Date(NOW.getTime() - days * DAY_MS - hours * HOUR_MS)

let steps: AsyncDisposableStack
let server: TestServer
let database: Database

beforeEach(async () => {
  steps = new AsyncDisposableStack()
  server = steps.use(await startTestServer({ clock: { now: () => NOW } }))
  database = steps.use(await openDatabase(server.databaseUrl))
})
afterEach(() => steps.disposeAsync())

/** A round is run at every start. */
async function restart(): Promise<void> {
  await server.stop()
  await server.start()
}

const exists = async (id: string) =>
  (await database.db.selectFrom('chats').select('id').where('id', '=', id).execute()).length === 1
const isArchived = async (id: string) =>
  (await database.db.selectFrom('chats').select('archived').where('id', '=', id).executeTakeFirstOrThrow())
    .archived

it('T-44, CH-1701: chats go so long after they were archived, with what belongs to them and not with their files', async () => {
  const { db } = database
  const admin = await server.owner()
  await admin.call(updateChatRetentionDays, { body: { retention_days: 30 } })
  const archived = (days: number) => ({ archived: true, archived_at: before(days), created_at: before(90) })
  const old = await fixtures.chat(db, archived(31))
  const child = await fixtures.chat(db, { ...archived(31), parent_chat_id: old.id, root_chat_id: old.id })
  await fixtures.chatMessage(db, { chat: old })
  const young = await fixtures.chat(db, archived(29))
  const active = await fixtures.chat(db, { created_at: before(90) })
  const [kept, lost] = await Promise.all([1, 2].map(() => fixtures.chatFile(db, { created_at: before(60) })))
  for (const chat of [old, active])
    await fixtures.chatFileLink(db, { chat, ...(kept === undefined ? {} : { file: kept }) })
  await fixtures.chatFileLink(db, { chat: old, ...(lost === undefined ? {} : { file: lost }) })
  await fixtures.chatIdempotencyKey(db, { created_at: before(2) })
  await fixtures.chatIdempotencyKey(db, { created_at: before(0, 1) })
  await restart()
  await until('the old chat to go', async () => !(await exists(old.id)))
  expect([await exists(child.id), await exists(young.id), await exists(active.id)]).toEqual([
    false,
    true,
    true,
  ])
  await until('its file to go', async () => {
    const files = await db.selectFrom('chat_files').select('id').execute()
    return files.length === 1 && files[0]?.id === kept?.id
  })
  await until('old answers to go', async () => {
    const keys = await db.selectFrom('chat_idempotency_keys').select('key').execute()
    return keys.length === 1
  })
})

it('CH-1701: nothing goes where chats are kept for ever', async () => {
  const admin = await server.owner()
  await admin.call(updateChatRetentionDays, { body: { retention_days: 0 } })
  const old = await fixtures.chat(database.db, { archived: true, archived_at: before(900) })
  const key = await fixtures.chatIdempotencyKey(database.db, { created_at: before(900) })
  await restart()
  await until('a round of the purge', async () => {
    const keys = await database.db.selectFrom('chat_idempotency_keys').select('key').execute()
    return !keys.some((one) => one.key === key.key)
  })
  expect(await exists(old.id)).toBe(true)
})

it('T-45, CH-1702: chats that nobody wrote to for so many days are archived, with all that belongs to them', async () => {
  const { db } = database
  const admin = await server.owner()
  await admin.call(updateChatAutoArchiveDays, { body: { auto_archive_days: 7 } })
  const of = { created_at: before(30) }
  const spoke = async (days: number, hours: number, columns: object = {}) => {
    const chat = await fixtures.chat(db, { ...of, ...columns })
    await fixtures.chatMessage(db, { chat, created_at: before(20) })
    await fixtures.chatMessage(db, { chat, created_at: before(days, hours) })
    await fixtures.chatMessage(db, { chat, created_at: before(1), deleted: true })
    return chat
  }
  // The first that is looked at, and in no state to be archived in: the others do not wait for it.
  const invalid = await fixtures.chat(db, { created_at: before(40) })
  await fixtures.chatQueuedMessage(db, { chat: invalid })
  const forgotten = await spoke(7, 1)
  const today = await spoke(7, 0)
  const pinned = await spoke(9, 0, { pin_order: 1 })
  const asking = await spoke(9, 0, {
    status: 'requires_action',
    requires_action_deadline_at: new Date(NOW.getTime() + DAY_MS),
  })
  const silent = await fixtures.chat(db, { ...of, status: 'error' })
  const child = await fixtures.chat(db, { ...of, parent_chat_id: silent.id, root_chat_id: silent.id })
  const parent = await fixtures.chat(db, of)
  await spoke(2, 0, { parent_chat_id: parent.id, root_chat_id: parent.id })
  await restart()
  await until(
    'the forgotten chats to be archived',
    async () => (await isArchived(forgotten.id)) && (await isArchived(silent.id)),
  )
  expect(await isArchived(child.id)).toBe(true)
  for (const chat of [invalid, today, pinned, asking, parent]) expect(await isArchived(chat.id)).toBe(false)
  const again = await server.owner()
  expect((await again.call(getChat, { params: { chat: forgotten.id } })).archived).toBe(true)
  await until('the entries', async () => {
    const { audit_logs } = await again.call(listAuditLogs, { query: { q: 'resource_type:chat', limit: 50 } })
    return audit_logs.length === 2
  })
  const { audit_logs } = await again.call(listAuditLogs, {
    query: { q: `resource_id:${forgotten.id}`, limit: 5 },
  })
  expect(audit_logs[0]).toMatchObject({
    action: 'write',
    status_code: 200,
    diff: { archived: { old: false, new: true } },
    additional_fields: { automatic_subsystem: 'chat_auto_archive' },
    user: { id: forgotten.owner_id },
  })
})
