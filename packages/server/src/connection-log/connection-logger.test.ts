import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { createLogger } from '@slipway/request-log'
import { createTestDatabase, fixtures, openDatabase, type TestDatabase, until } from '@slipway/testkit'
import type { AppContext } from '../context.ts'
import type { Database } from '../database/index.ts'
import { batchOf } from './batch.ts'
import { ConnectionLogger } from './connection-logger.ts'
import type { VisitEntry } from './entry.ts'

let source: TestDatabase
let database: Database
let agentId: string

beforeAll(async () => {
  source = await createTestDatabase()
  database = await openDatabase(source.url, { maxConnections: 2 })
  const resource = await fixtures.workspaceResource(database.db, {
    build: await fixtures.workspaceBuild(database.db),
  })
  agentId = (await fixtures.workspaceAgent(database.db, { resource })).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await source[Symbol.asyncDispose]()
})

function visit(given: Partial<VisitEntry> = {}): VisitEntry {
  return {
    kind: 'visit',
    type: 'tunnel',
    agentId,
    time: new Date(),
    ip: '192.0.2.1',
    userId: randomUUID(),
    userAgent: '',
    slugOrPort: '',
    status: 101,
    ...given,
  }
}

function logger(flushMs: number) {
  const lines: Record<string, unknown>[] = []
  const metrics = new Registry()
  const log = createLogger({ level: 'info', sink: { write: (line) => void lines.push(JSON.parse(line)) } })
  // All that the logger reads of the context.
  const context = { database, log, metrics } as unknown as AppContext
  return { lines, metrics, connections: new ConnectionLogger(context, flushMs) }
}

const stored = async (): Promise<number> =>
  (await sql<{ count: number }>`select count(*)::int as count from connection_logs`.execute(database.db))
    .rows[0]?.count ?? 0

it('RB-112: a full buffer is written at once, and nothing is lost when more comes than fits', async () => {
  const before = await stored()
  const { connections, lines } = logger(3_600_000)
  await Promise.all(Array.from({ length: 2_500 }, () => connections.record(visit())))
  await until('two full batches', async () => (await stored()) >= before + 2_000)
  await connections[Symbol.asyncDispose]()
  expect(await stored()).toBe(before + 2_500)
  // RB-103: each has a line of its own.
  expect(lines.filter(({ message }) => message === 'connection_log')).toHaveLength(2_500)
})

it('RB-112: what fails is tried again, and given up with a word in the log', async () => {
  const before = await stored()
  const { connections, lines, metrics } = logger(10)
  await sql`alter table connection_logs rename to elsewhere`.execute(database.db)
  await connections.record(visit())
  await until('it to be given up', () => lines.some(({ level }) => level === 'error'))
  expect(await metrics.metrics()).toContain('slipway_connection_log_dropped_total{reason="failed"} 1')
  await connections.record(visit())
  await sql`alter table elsewhere rename to connection_logs`.execute(database.db)
  await until('the next one', async () => (await stored()) === before + 1)
  await connections[Symbol.asyncDispose]()
})

it('RB-113: two replicas that note the same visit make one entry', async () => {
  const before = await stored()
  const same = visit()
  const [one, other] = [logger(3_600_000), logger(3_600_000)]
  await one.connections.record(same)
  await other.connections.record({ ...same, time: new Date(same.time.getTime() + 1_000) })
  await Promise.all([one.connections[Symbol.asyncDispose](), other.connections[Symbol.asyncDispose]()])
  const made = (await stored()) - before
  expect(made).toBe(1)
})

it('RB-111: visits that differ in one thing only are apart', () => {
  const base = visit()
  const { visits } = batchOf([
    base,
    base,
    { ...base, userId: undefined },
    { ...base, ip: '192.0.2.2' },
    { ...base, userAgent: 'x' },
    { ...base, slugOrPort: 'x' },
    { ...base, status: 403 },
    { ...base, type: 'workspace_app' },
    { ...base, agentId: randomUUID() },
    { ...base, agentId: 'no agent' },
  ])
  expect(visits).toHaveLength(8)
})
