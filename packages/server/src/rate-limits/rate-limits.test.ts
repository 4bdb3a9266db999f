import { randomBytes } from 'node:crypto'

import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createLogger } from '@slipway/request-log'
import { FakeValkey, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import type { SharedTake } from '../edge/index.ts'
import { DatabaseCounters } from './database-counters.ts'
import { FailOpen } from './fail-open.ts'
import { deleteOldBuckets, takeFromBucket } from './store.ts'
import { ValkeyCounters } from './valkey-counters.ts'

const LIMIT = 10
const steps: AsyncDisposable[] = []
afterEach(async () => {
  for (const step of steps.splice(0).reverse()) await step[Symbol.asyncDispose]()
})

const statusesOf = async (url: string, headers: Readonly<Record<string, string>>, times: number) => {
  const found: number[] = []
  for (let i = 0; i < times; i += 1)
    found.push((await fetch(`${url}/api/v2/users/me/login-type`, { headers: { ...headers } })).status)
  return found
}
const passed = (statuses: readonly number[]) => statuses.filter((status) => status === 200).length

/** Waits for the beginning of a minute, where the counts of one test cannot fall into two windows. */
async function withinOneWindow(): Promise<void> {
  await until('a window with room', () => Date.now() % 60_000 < 50_000)
}

async function replicas(env: Record<string, string>): Promise<[TestServer, TestServer, Client]> {
  const options = { CODER_API_RATE_LIMIT: String(LIMIT), ...env }
  const first = await startTestServer({ env: options })
  steps.push(first)
  const client = await first.owner()
  const second = await startTestServer({ env: options, databaseUrl: first.databaseUrl })
  steps.push(second)
  return [first, second, client]
}

describe('ID-208: one budget for all replicas', () => {
  it('counted in the database', async () => {
    const [first, second, client] = await replicas({ CODER_RATE_LIMIT_STORE: 'database' })
    await withinOneWindow()
    const near = await statusesOf(first.url, client.headers, 6)
    const far = await statusesOf(second.url, client.headers, 6)
    expect(passed([...near, ...far])).toBe(LIMIT)
    const refused = await fetch(`${first.url}/api/v2/users/me/login-type`, { headers: { ...client.headers } })
    expect(refused.status).toBe(429)
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(120)
  }, 90_000)

  it('counted in Valkey', async () => {
    const valkey = await FakeValkey.start()
    steps.push(valkey)
    const [first, second, client] = await replicas({ CODER_RATE_LIMIT_VALKEY_URL: valkey.url })
    await withinOneWindow()
    const both = await Promise.all([
      statusesOf(first.url, client.headers, 8),
      statusesOf(second.url, client.headers, 8),
    ])
    expect(passed(both.flat())).toBe(LIMIT)
  }, 90_000)

  it('by default each replica counts for itself', async () => {
    const [first, second, client] = await replicas({})
    await withinOneWindow()
    const near = await statusesOf(first.url, client.headers, 12)
    const far = await statusesOf(second.url, client.headers, 12)
    expect([passed(near), passed(far)]).toEqual([LIMIT, LIMIT])
  }, 90_000)
})

describe('ID-208: counters that do not answer', () => {
  it('let requests pass and count here, with one warning until they answer again', async () => {
    const lines: Record<string, unknown>[] = []
    const valkey = await FakeValkey.start()
    steps.push(valkey)
    const server = await startTestServer({
      env: { CODER_API_RATE_LIMIT: String(LIMIT), CODER_RATE_LIMIT_VALKEY_URL: valkey.url },
      log: createLogger({ level: 'info', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
    })
    steps.push(server)
    const client = await server.owner()
    const { url } = valkey
    valkey.cut()
    await withinOneWindow()
    expect(passed(await statusesOf(server.url, client.headers, 12))).toBe(LIMIT)
    const warnings = lines.filter((line) => String(line.message).startsWith('rate limits cannot be shared'))
    expect(warnings).toHaveLength(1)
    expect(JSON.stringify(warnings)).not.toContain(url)
  }, 90_000)

  it('are asked again after a while, by one request and not by all', async () => {
    let asked = 0
    let broken = true
    const counters = new FailOpen(
      {
        take: async () => {
          asked += 1
          if (broken) throw new Error('connection refused')
          return { allowed: true, current: 1, previous: 0 }
        },
        [Symbol.asyncDispose]: async () => undefined,
      },
      createLogger({ level: 'error', sink: { write: () => undefined } }),
      50,
    )
    const take = () => counters.take(askedFor(1))
    expect(await take()).toBeUndefined()
    expect([await take(), await take(), asked]).toEqual([undefined, undefined, 1])
    broken = false
    await until('an answer', async () => (await take()) !== undefined)
    expect(asked).toBe(2)
    expect(await take()).toBeDefined()
  })
})

function askedFor(limit: number, more: Partial<SharedTake> = {}): SharedTake {
  return { bucket: Buffer.alloc(16, 7), windowStart: 60_000, windowMs: 60_000, elapsed: 0, limit, ...more }
}

describe.each(['the database', 'Valkey'])('ID-121: the sliding window in %s', (where) => {
  const actor = systemActor('rate_limiter', 'requests are counted before it matters who sends them')
  let take: (asked: SharedTake) => Promise<{ allowed: boolean; current: number; previous: number }>

  beforeEach(async () => {
    if (where === 'Valkey') {
      const valkey = await FakeValkey.start()
      const counters = await ValkeyCounters.connect(valkey.url)
      steps.push(valkey, counters)
      take = (asked) => counters.take(asked)
    } else {
      const server = await startTestServer()
      const database: Database = await openDatabase(server.databaseUrl)
      steps.push(server, database)
      take = (asked) => takeFromBucket(actor, database.db, asked)
    }
  })

  it('counts the window before by its remaining share, and refused requests not at all', async () => {
    const bucket = randomBytes(16)
    const times = async (count: number, more: Partial<SharedTake>) => {
      const results = []
      for (let i = 0; i < count; i += 1) results.push(await take(askedFor(10, { bucket, ...more })))
      return results.filter(({ allowed }) => allowed).length
    }
    expect(await times(12, {})).toBe(10)
    expect(await times(12, { windowStart: 120_000, elapsed: 0.5 })).toBe(5)
    expect(await times(12, { windowStart: 300_000 })).toBe(10)
    expect(await times(1, { bucket: randomBytes(16), windowStart: 300_000 })).toBe(1)
  })

  it('gives no place away twice', async () => {
    const bucket = randomBytes(16)
    const results = await Promise.all(Array.from({ length: 40 }, () => take(askedFor(10, { bucket }))))
    expect(results.filter(({ allowed }) => allowed)).toHaveLength(10)
    const last = await take(askedFor(10, { bucket }))
    expect(last).toEqual({ allowed: false, current: 10, previous: 0 })
  })
})

it('ID-208: rows of the past are deleted, those of now stay', async () => {
  const server = await startTestServer()
  steps.push(server)
  const database = await openDatabase(server.databaseUrl)
  steps.push(database)
  const actor = systemActor('rate_limiter', 'requests are counted before it matters who sends them')
  for (let i = 0; i < 5; i += 1)
    await takeFromBucket(
      actor,
      database.db,
      askedFor(1, { bucket: randomBytes(16), windowStart: i * 60_000 }),
    )
  expect(await deleteOldBuckets(actor, database.db, 180_000, 2)).toBe(2)
  expect(await deleteOldBuckets(actor, database.db, 180_000, 2)).toBe(1)
  const { rows } = await sql<{ window_start: number }>`
    select window_start from rate_limit_buckets order by 1`.execute(database.db)
  expect(rows.map((row) => row.window_start)).toEqual([180_000, 240_000])
})

it('ID-208: a flood of distinct addresses fills the database to a bound; then each replica counts for itself', async () => {
  const server = await startTestServer()
  steps.push(server)
  const database = await openDatabase(server.databaseUrl)
  steps.push(database)
  const log = createLogger({ level: 'error', sink: { write: () => undefined } })
  const counters = new DatabaseCounters({ database, log }, 20, 3)
  steps.push(counters)
  const now = Date.now()
  const take = () => counters.take(askedFor(1, { bucket: randomBytes(16), windowStart: now }))
  await until('the bound', async () => {
    try {
      return !(await take()).allowed
    } catch (error) {
      return String(error).includes('more than 3 counters')
    }
  })
  await sql`delete from rate_limit_buckets`.execute(database.db)
  await until('room', async () =>
    take().then(
      ({ allowed }) => allowed,
      () => false,
    ),
  )
})
