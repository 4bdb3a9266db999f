import { sql } from 'kysely'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import {
  createTestDatabase,
  fixtures,
  openDatabase,
  startTestServer,
  type TestDatabase,
  until,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { extendChain } from './audit-chain.ts'
import { verifyChain } from './verify-chain.ts'

const DAY = 86_400_000
let source: TestDatabase
let database: Database

beforeEach(async () => {
  source = await createTestDatabase()
  database = await openDatabase(source.url, { maxConnections: 4 })
})
afterEach(async () => {
  await database[Symbol.asyncDispose]()
  await source[Symbol.asyncDispose]()
})

const extend = () => extendChain({ database, log: silentLogger() })
const verify = (retentionMs = 0, known?: { sequence: number; hash: string }) =>
  verifyChain({ database, clock: { now: () => new Date() } }, retentionMs, known)

/** Entries with links, oldest first. */
async function chained(count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n += 1) {
    const time = new Date(Date.now() - (count - n) * DAY)
    ids.push((await fixtures.auditLog(database.db, { time, diff: JSON.stringify({ n }) })).id)
  }
  expect(await extend()).toBe(count)
  return ids
}

/** What somebody with all rights to the database can do. */
const tamper = (...statements: string[]) =>
  database.transaction(async (tx) => {
    await sql`alter table audit_logs disable trigger user`.execute(tx)
    for (const statement of statements) await sql.raw(statement).execute(tx)
    await sql`alter table audit_logs enable trigger user`.execute(tx)
  })

it('RB-131: entries are linked in the background, and a log that nobody touched is found whole', async () => {
  await chained(3)
  await fixtures.auditLog(database.db)
  expect(await verify()).toMatchObject({ links: 3, purged: 0, faults: [], head: { sequence: 3 } })
  expect(await extend()).toBe(1)
  expect(await extend()).toBe(0)
  expect(await verify()).toMatchObject({ links: 4, faults: [] })
})

it('RB-131: a changed entry, one that is gone and one that was put in are found', async () => {
  const [first, second] = await chained(3)
  await tamper(
    `update audit_logs set status_code = 500 where id = '${first}'`,
    `delete from audit_logs where id = '${second}'`,
    `insert into audit_logs (resource_type, resource_id, action, status_code) values ('user', gen_random_uuid(), 'write', 200)`,
  )
  expect((await verify()).faults).toEqual([
    `entry ${first} was changed`,
    expect.stringContaining(`entry ${second} of `),
    '1 entries were put in past the chain',
  ])
})

it('RB-131: links cannot be removed or made anew unnoticed', async () => {
  const ids = await chained(4)
  const { head } = await verify()
  await sql`delete from audit_chain where sequence = 2`.execute(database.db)
  expect((await verify()).faults).toEqual([
    'links 2 to 2 are gone',
    'link 3 does not continue the chain',
    '1 entries were put in past the chain',
  ])
  // Whoever makes the whole chain anew is found out by a link that was kept elsewhere.
  await tamper(
    `delete from audit_logs where id = '${ids[3]}'`,
    'delete from audit_chain',
    'insert into audit_unchained select id from audit_logs',
  )
  expect(await extend()).toBe(3)
  expect((await verify()).faults).toEqual([])
  expect((await verify(0, head)).faults).toEqual(['link 4, which was kept elsewhere, is gone'])
  await fixtures.auditLog(database.db)
  await extend()
  expect((await verify(0, head)).faults).toEqual(['link 4 is not the one that was kept elsewhere'])
})

it('RB-131: nobody passes a deletion off as the work of retention', async () => {
  const [, second] = await chained(4)
  await tamper(
    `delete from audit_logs where id = '${second}'`,
    `update audit_chain set "time" = now() - interval '1 year' where audit_log_id = '${second}'`,
  )
  expect((await verify(30 * DAY)).faults).toEqual(['link 2 does not continue the chain'])
  await tamper(
    'delete from audit_logs where id in (select audit_log_id from audit_chain where sequence < 4)',
    'delete from audit_chain where sequence < 4',
  )
  expect((await verify()).faults).toEqual(['links 1 to 3 are gone, although the audit log is kept for ever'])
})

it('RB-131: two replicas never make the same link', async () => {
  await Promise.all(Array.from({ length: 20 }, () => fixtures.auditLog(database.db)))
  await Promise.all([extend(), extend(), extend()])
  while ((await extend()) > 0);
  expect(await verify()).toMatchObject({ links: 20, faults: [] })
})

it('RB-131: more than fit into one transaction are linked in the order of time, and what was purged before leaves nothing', async () => {
  const purged = await fixtures.auditLog(database.db)
  await tamper(
    `insert into audit_logs (id, "time", resource_type, resource_id, action, status_code)
     select lpad(to_hex(n), 32, '0')::uuid, now() - make_interval(secs => 3000 - n), 'user', gen_random_uuid(), 'write', 200
       from generate_series(1, 2100) n`,
    `insert into audit_unchained select id from audit_logs where id <> '${purged.id}'`,
    `delete from audit_logs where id = '${purged.id}'`,
  )
  while ((await extend()) > 0);
  expect(await verify()).toMatchObject({ links: 2_100, faults: [] })
  const { rows } = await sql<{ waiting: number; backwards: number }>`
    select (select count(*)::int from audit_unchained) as waiting, count(*)::int as backwards
      from audit_chain a join audit_chain b on b.sequence = a.sequence + 1 where b."time" < a."time"`.execute(
    database.db,
  )
  expect(rows).toEqual([{ waiting: 0, backwards: 0 }])
})

it('RB-106, RB-131: what retention deletes is no fault, and its links go after it', async () => {
  await chained(20)
  await using server = await startTestServer({
    databaseUrl: source.url,
    env: { CODER_AUDIT_LOGS_RETENTION: '5d' },
  })
  await server.owner()
  await until('the purge', async () => {
    const { links, purged } = await verify(5 * DAY)
    return links - purged < 10 && purged === 0
  })
  expect((await verify(5 * DAY)).faults).toEqual([])
})
