import { randomBytes } from 'node:crypto'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { createTestDatabase, openDatabase, type TestDatabase } from '@slipway/testkit'
import type { AppContext } from '../context.ts'
import type { Database } from '../database/index.ts'
import { Sealer } from '../secrets/index.ts'
import { KeyRing } from './key-ring.ts'
import { rotateKeys } from './rotate-keys.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const FEATURE = 'workspace_app_tickets'

let source: TestDatabase
let database: Database
let now = 0
const start = Date.parse('2026-01-01T00:00:00Z')

beforeEach(async () => {
  source = await createTestDatabase()
  database = await openDatabase(source.url, { maxConnections: 4 })
  now = start
})
afterEach(async () => {
  await database[Symbol.asyncDispose]()
  await source[Symbol.asyncDispose]()
})

function context(keySealer?: Sealer): Pick<AppContext, 'database' | 'clock' | 'secrets'> {
  const sealer = new Sealer([randomBytes(32)])
  return {
    database,
    clock: { now: () => new Date(now) },
    secrets: { sealer, keySealer, relayKey: randomBytes(32) },
  }
}

async function keys() {
  const rows = await database.db
    .selectFrom('crypto_keys')
    .selectAll()
    .where('feature', '=', FEATURE)
    .orderBy('sequence')
    .execute()
  return rows.map(({ sequence, starts_at, deletes_at }) => [
    sequence,
    starts_at.getTime() - start,
    deletes_at === null ? null : deletes_at.getTime() - start,
  ])
}

it('OP-74: a key lives 30 days, gets its successor an hour before, and goes when its last token has ended', async () => {
  const around = context()
  await rotateKeys(around)
  expect(await keys()).toEqual([[1, 0, null]])
  now = start + 30 * DAY - HOUR - 1
  await rotateKeys(around)
  expect(await keys()).toHaveLength(1)
  now = start + 30 * DAY - HOUR
  await rotateKeys(around)
  await rotateKeys(around)
  const end = 30 * DAY + HOUR + 60_000
  expect(await keys()).toEqual([
    [1, 0, end],
    [2, 30 * DAY, null],
  ])
  now = start + end
  await rotateKeys(around)
  expect(await keys()).toEqual([[2, 30 * DAY, null]])
})

it('OP-74: after a long pause the next key is announced before it signs', async () => {
  const around = context()
  await rotateKeys(around)
  now = start + 60 * DAY
  await rotateKeys(around)
  expect(await keys()).toEqual([
    [1, 0, 60 * DAY + 1.5 * HOUR + 60_000],
    [2, 60 * DAY + 0.5 * HOUR, null],
  ])
})

it('OP-74, OP-54: replicas that start together make one key', async () => {
  const made = await Promise.all(Array.from({ length: 4 }, () => new KeyRing(context(), FEATURE).signing()))
  expect(new Set(made.map(({ secret }) => secret.toString('hex'))).size).toBe(1)
  expect(await keys()).toEqual([[1, 0, null]])
})

it('OP-75: the newest key that has started signs, and every one that is kept is accepted', async () => {
  const around = context()
  const ring = new KeyRing(around, FEATURE)
  const first = await ring.signing()
  expect(first.id).toBe('1')
  now = start + 30 * DAY - HOUR
  await rotateKeys(around)
  expect((await ring.signing()).id).toBe('1')
  // Another replica signs with it already: its clock runs ahead.
  expect((await ring.find('2'))?.id).toBe('2')
  now = start + 30 * DAY
  expect((await ring.signing()).id).toBe('2')
  expect((await ring.find('1'))?.secret.equals(first.secret)).toBe(true)
  now = start + 30 * DAY + HOUR + 60_000
  expect(await ring.find('1')).toBeUndefined()
  expect(await ring.find('77')).toBeUndefined()
})

it('OP-67: keys are stored encrypted where there is a key from outside', async () => {
  const sealer = new Sealer([randomBytes(32)])
  const { secret, id } = await new KeyRing(context(sealer), FEATURE).signing()
  const [row] = await database.db
    .selectFrom('crypto_keys')
    .selectAll()
    .where('feature', '=', FEATURE)
    .execute()
  expect(row?.secret_key_id).toBe(sealer.digest)
  expect(row?.secret?.includes(secret)).toBe(false)
  expect((await new KeyRing(context(sealer), FEATURE).find(id))?.secret.equals(secret)).toBe(true)
  await expect(new KeyRing(context(), FEATURE).signing()).rejects.toThrow('encrypted under key')
})
