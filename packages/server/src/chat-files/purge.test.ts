import { afterAll, beforeAll, expect, it } from 'vitest'

import { updateChatRetentionDays } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { linkFiles, unlinkedFiles } from './index.ts'

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)

let server: TestServer
let database: Database

beforeAll(async () => {
  server = await startTestServer()
  database = await openDatabase(server.databaseUrl, { maxConnections: 4 })
  await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const left = async (): Promise<string[]> =>
  (await database.db.selectFrom('chat_files').select('name').orderBy('name').execute()).map(
    ({ name }) => name,
  )

/** Runs a round of the purge, as every start does. */
async function roundWith(retention_days: number): Promise<void> {
  await (await server.owner()).call(updateChatRetentionDays, { body: { retention_days } })
  await server.stop()
  await server.start()
}

it('CH-1701: files that no chat links go after the retention, those of archived chats too stay', async () => {
  const { db } = database
  const archived = await fixtures.chat(db, { archived: true, archived_at: daysAgo(1) })
  const file = (name: string, days: number) => fixtures.chatFile(db, { name, created_at: daysAgo(days) })
  await file('old', 31)
  await file('young', 29)
  await fixtures.chatFileLink(db, { file: await file('linked', 400) })
  await fixtures.chatFileLink(db, { chat: archived, file: await file('of-archived', 400) })
  await roundWith(30)
  await until('the old file to go', async () => !(await left()).includes('old'))
  expect(await left()).toEqual(['linked', 'of-archived', 'young'])
  await roundWith(7)
  await until('the younger file to go', async () => !(await left()).includes('young'))
  expect(await left()).toEqual(['linked', 'of-archived'])
})

it('CH-1701: zero days are for ever', async () => {
  const { db } = database
  await fixtures.chatFile(db, { name: 'ancient', created_at: daysAgo(4000) })
  await roundWith(0)
  const metrics = async () =>
    (await fetch(`${server.url}/metrics`, { headers: (await server.owner()).headers })).text()
  await until('the round to end', async () =>
    /iteration_duration_seconds_count\{success="true"\} [1-9]/.test(await metrics()),
  )
  expect(await left()).toContain('ancient')
})

it('CH-1701: a file that is linked while it is looked at stays', async () => {
  const purger = systemActor('dbpurge', 'a test')
  const chatd = systemActor('chatd', 'a test')
  const chat = await fixtures.chat(database.db)
  const file = await fixtures.chatFile(database.db, { name: 'in-use', created_at: daysAgo(40) })
  const page = { before: daysAgo(30), limit: 10 }
  const linked = Promise.withResolvers<void>()
  const purged = Promise.withResolvers<void>()
  const linking = database.transaction(async (tx) => {
    await linkFiles(chatd, tx, chat.id, [file.id])
    linked.resolve()
    await purged.promise
  })
  await linked.promise
  await database.transaction((tx) => unlinkedFiles.deleteOld(purger, tx, page))
  purged.resolve()
  await linking
  expect(await left()).toContain('in-use')
  expect(await database.db.selectFrom('chat_file_links').select('file_id').execute()).toContainEqual({
    file_id: file.id,
  })
})
