import { setTimeout as delay } from 'node:timers/promises'

import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'

import { createTestDatabase, openDatabase } from '@slipway/testkit'
import { type ChangeEvent, prepared, sqlState } from './index.ts'
import { migrate, migrations } from './migrate.ts'

describe('migrations', () => {
  test('OP-44: replicas that start together migrate once', async () => {
    await using database = await createTestDatabase({ migrated: false })
    const config = { connectionString: database.url }
    await Promise.all(Array.from({ length: 5 }, () => migrate(config)))
    const client = new pg.Client(config)
    await client.connect()
    const { rows } = await client.query('select version from slipway_migrations order by version')
    await client.end()
    expect(rows.map((row) => row.version)).toEqual((await migrations()).map((step) => step.version))
  })

  test('OP-44: each earlier version migrates upwards with its data', async () => {
    const all = await migrations()
    for (const step of all) {
      await using database = await createTestDatabase({ migrated: false })
      const config = { connectionString: database.url }
      await migrate(config, step.version)
      const client = new pg.Client(config)
      await client.connect()
      if (step.version >= 2)
        await client.query(`insert into users (username, email) values ('ada', 'ada@example.com')`)
      await migrate(config)
      if (step.version >= 2)
        expect((await client.query('select username from users')).rows).toEqual([{ username: 'ada' }])
      await client.end()
    }
  })

  test('OP-45: a newer schema is refused with both versions named', async () => {
    await using database = await createTestDatabase()
    const config = { connectionString: database.url }
    const client = new pg.Client(config)
    await client.connect()
    await client.query(
      `insert into slipway_migrations (version, name, oldest_version) values (9999, 'later', 9999)`,
    )
    await expect(migrate(config)).rejects.toThrow(/9999.*knows/)
    await client.query('update slipway_migrations set oldest_version = 1 where version = 9999')
    await migrate(config)
    await client.end()
  })

  test('OP-45: a database of the reference is refused', async () => {
    await using database = await createTestDatabase({ migrated: false })
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query('create table schema_migrations (version bigint primary key, dirty boolean)')
    await client.end()
    await expect(migrate({ connectionString: database.url })).rejects.toThrow(/Coder schema/)
  })
})

describe('transactions', () => {
  test('OP-46: a serialization failure runs the work again, at most three times', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    let runs = 0
    const fail = sql`do $$ begin raise exception 'retry' using errcode = '40001'; end $$`
    await database.transaction(async (tx) => {
      runs += 1
      if (runs < 3) await fail.execute(tx)
    })
    expect(runs).toBe(3)
    runs = 0
    const always = database.transaction(async (tx) => {
      runs += 1
      await fail.execute(tx)
    })
    await expect(always).rejects.toSatisfy((error) => sqlState(error) === '40001')
    expect(runs).toBe(3)
  })

  test('OP-46: a nested transaction joins the outer one', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    const failed = database.transaction(async () => {
      await database.transaction((tx) =>
        tx.insertInto('site_configs').values({ key: 'a', value: 'b' }).execute(),
      )
      throw new Error('outer fails')
    })
    await expect(failed).rejects.toThrow('outer fails')
    expect(await database.db.selectFrom('site_configs').selectAll().execute()).toEqual([])
  })

  test('OP-43: requests wait for a connection instead of failing', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url, { maxConnections: 2 })
    const answers = await Promise.all(
      Array.from({ length: 30 }, () =>
        sql<{ n: number }>`select 1 as n from pg_sleep(0.005)`.execute(database.db),
      ),
    )
    expect(answers).toHaveLength(30)
  })

  test('a prepared query takes new values at each call', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    await database.db
      .insertInto('site_configs')
      .values([
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ])
      .execute()
    const find = prepared<{ key: string }, { value: string }>((db, p) =>
      db.selectFrom('site_configs').select('value').where('key', '=', p('key')),
    )
    expect(await find(database.db, { key: 'a' })).toEqual([{ value: '1' }])
    expect(await find(database.db, { key: 'b' })).toEqual([{ value: '2' }])
  })
})

describe('change feed', () => {
  test('concurrent writers, rollbacks, savepoints and late commits: each key in order, none missed or doubled', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    const client = new pg.Client({ connectionString: copy.url })
    await client.connect()
    await client.query('create table counters (id int primary key, n int not null)')
    await client.query('insert into counters select g, 0 from generate_series(1, 20) g')
    await client.query(
      `create trigger counters_announce after update on counters for each row execute function announce_change('counter', 'id', 'n')`,
    )
    const seen = new Map<string, number[]>()
    let resets = 0
    using _subscription = database.feed.subscribe({
      kinds: new Set(['counter']),
      onEvent: (event) =>
        void (seen.get(event.key) ?? seen.set(event.key, []).get(event.key))?.push(Number(event.data.n)),
      onReset: () => {
        resets += 1
      },
    })
    const writer = async (seed: number): Promise<void> => {
      const own = new pg.Client({ connectionString: copy.url })
      await own.connect()
      for (let round = 0; round < 25; round += 1) {
        await own.query('begin')
        await own.query('select pg_current_xact_id()')
        if (round % 5 === seed % 5) await delay(10)
        const keys = [(seed * 7 + round) % 20, (seed * 3 + round * 2) % 20]
          .map((key) => key + 1)
          .sort((a, b) => a - b)
        for (const key of new Set(keys)) await own.query('update counters set n = n + 1 where id = $1', [key])
        if (round % 4 === 0) {
          await own.query('savepoint s')
          await own.query('update counters set n = n + 100 where id = $1', [keys[0]])
          await own.query('rollback to savepoint s')
        }
        await own.query(round % 7 === 3 ? 'rollback' : 'commit')
      }
      await own.end()
    }
    const killer = async (): Promise<void> => {
      for (let i = 0; i < 3; i += 1) {
        await delay(60)
        await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'slipway/feed'`,
        )
      }
    }
    await Promise.all([...Array.from({ length: 8 }, (_, seed) => writer(seed)), killer()])
    const truth = await client.query<{ id: number; n: number }>('select id, n from counters order by id')
    await expect
      .poll(() => [...seen.values()].reduce((sum, list) => sum + list.length, 0), { timeout: 15_000 })
      .toBe(truth.rows.reduce((sum, row) => sum + row.n, 0))
    for (const row of truth.rows)
      expect(seen.get(String(row.id)) ?? []).toEqual(Array.from({ length: row.n }, (_, i) => i + 1))
    expect(resets).toBe(0)
    await client.end()
  })

  test('a write on one replica reaches another; a rolled back one does not', async () => {
    await using copy = await createTestDatabase()
    await using one = await openDatabase(copy.url)
    await using two = await openDatabase(copy.url)
    const events: ChangeEvent[] = []
    using _subscription = two.feed.subscribe({
      onEvent: (event) => void events.push(event),
      onReset: () => undefined,
    })
    await expect(
      one.transaction(async (tx) => {
        await tx.insertInto('users').values({ username: 'lost', email: 'lost@example.com' }).execute()
        throw new Error('undo')
      }),
    ).rejects.toThrow('undo')
    await one.db.insertInto('users').values({ username: 'kept', email: 'kept@example.com' }).execute()
    await expect.poll(() => events.length).toBe(1)
    expect(events[0]).toMatchObject({
      kind: 'user',
      op: 'insert',
      data: { status: 'dormant', deleted: false },
    })
  })

  test('a reader behind the purge horizon is told to reset', async () => {
    await using copy = await createTestDatabase()
    await using database = await openDatabase(copy.url)
    let resets = 0
    using _subscription = database.feed.subscribe({
      onEvent: () => undefined,
      onReset: () => {
        resets += 1
      },
    })
    const client = new pg.Client({ connectionString: copy.url })
    await client.connect()
    await client.query(
      `update change_log_horizon set boundary = (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000)::text::xid8`,
    )
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'slipway/feed'`,
    )
    await expect.poll(() => resets, { timeout: 10_000 }).toBeGreaterThan(0)
    await client.end()
  })
})
