import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { findReadableFiles, linkFiles, readFileForModel, storeToolFile } from './index.ts'

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(100, 7)])

const stack = new AsyncDisposableStack()
let database: Database
let organizationId: string
let adaId: string

beforeAll(async () => {
  const copy = stack.use(await createTestDatabase())
  database = stack.use(await openDatabase(copy.url, { maxConnections: 4 }))
  organizationId = (await fixtures.organization(database.db)).id
  adaId = (await fixtures.user(database.db)).id
})
afterAll(() => stack.disposeAsync())

describe('CH-131: files of a chat', () => {
  const chatd = systemActor('chatd', 'a test')
  const chatOf = (owner_id: string) =>
    fixtures.chat(database.db, { owner_id, organization_id: organizationId })
  const fileOf = async (owner_id: string): Promise<string> =>
    (await fixtures.chatFile(database.db, { owner_id, organization_id: organizationId })).id
  const linkAll = (chatId: string, ids: readonly string[]) =>
    database.transaction((tx) => linkFiles(chatd, tx, chatId, ids))
  const namesOf = async (chatId: string): Promise<string[]> => {
    const links = database.db.selectFrom('chat_file_links').select('file_id')
    return (await links.where('chat_id', '=', chatId).execute()).map(({ file_id }) => file_id)
  }

  it('T-37: are 50 different ones at most, and what does not fit is not linked at all', async () => {
    const chat = await chatOf(adaId)
    const files = await Promise.all(Array.from({ length: 51 }, () => fileOf(adaId)))
    const linked = await linkAll(chat.id, files.slice(0, 48))
    expect(linked.map(({ id }) => id)).toEqual(files.slice(0, 48))
    const limit = { status: 400, message: 'Chat attachment limit reached.' }
    await expect(linkAll(chat.id, files.slice(46))).rejects.toMatchObject(limit)
    expect(await namesOf(chat.id)).toHaveLength(48)
    await linkAll(chat.id, [...files.slice(0, 50), files[0] ?? ''])
    expect(await namesOf(chat.id)).toHaveLength(50)
    // Those that are there cost nothing.
    expect(await linkAll(chat.id, [files[3] ?? '', files[3] ?? ''])).toHaveLength(1)
    await expect(linkAll(chat.id, files.slice(50))).rejects.toMatchObject(limit)
  })

  it('CH-131: who goes on without those that do not fit leaves none of them', async () => {
    const chat = await chatOf(adaId)
    const files = await Promise.all(Array.from({ length: 51 }, () => fileOf(adaId)))
    await linkAll(chat.id, files.slice(0, 49))
    await database.transaction((tx) =>
      expect(linkFiles(chatd, tx, chat.id, files.slice(49))).rejects.toMatchObject({ status: 400 }),
    )
    expect((await namesOf(chat.id)).sort()).toEqual(files.slice(0, 49).sort())
  })

  it('of two messages at once none passes by the limit', async () => {
    const chat = await chatOf(adaId)
    const files = await Promise.all(Array.from({ length: 60 }, () => fileOf(adaId)))
    const results = await Promise.allSettled([
      linkAll(chat.id, files.slice(0, 30)),
      linkAll(chat.id, files.slice(30)),
    ])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await namesOf(chat.id)).toHaveLength(30)
  })

  it('must be there and readable', async () => {
    const chat = await chatOf(adaId)
    const unavailable = { status: 400, message: 'Chat attachment unavailable.' }
    await expect(linkAll(chat.id, [await fileOf(adaId), randomUUID()])).rejects.toMatchObject(unavailable)
    expect(await namesOf(chat.id)).toEqual([])
    expect(await findReadableFiles(chatd, database.db, [randomUUID()])).toEqual([])
    expect(await readFileForModel(chatd, database.db, randomUUID())).toBeUndefined()
    await expect(linkAll(randomUUID(), [await fileOf(adaId)])).rejects.toMatchObject({ status: 404 })
  })

  it('that tools make are classified too, and read with all their bytes', async () => {
    const { db } = database
    const file = { ownerId: adaId, organizationId, name: '/tmp/shot.png', data: PNG }
    const info = await storeToolFile(chatd, db, file)
    expect(info).toMatchObject({ name: 'shot.png', mimetype: 'image/png', size_bytes: PNG.length })
    expect((await readFileForModel(chatd, db, info.id))?.data.equals(PNG)).toBe(true)
    for (const [bad, status] of [
      [{ data: Buffer.from('<svg/>') }, 400],
      [{ data: Buffer.alloc(0) }, 400],
      [{ name: '/' }, 400],
      [{ data: Buffer.alloc(10 * 1024 * 1024 + 1, 'x') }, 413],
    ] as const)
      await expect(storeToolFile(chatd, db, { ...file, ...bad })).rejects.toMatchObject({ status })
  })
})
