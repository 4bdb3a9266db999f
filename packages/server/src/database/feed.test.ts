import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

import fc from 'fast-check'
import pg from 'pg'
import { expect, test } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { createTestDatabase, databaseAddress, openDatabase, until } from '@slipway/testkit'
import { ChangeFeed } from './feed.ts'
import { type ChangeEvent, Database } from './index.ts'

const KILL_FEEDS = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name = 'slipway/feed'`

async function connected(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

/** Events and resets as a subscriber sees them. */
function watch(feed: ChangeFeed, kinds?: readonly string[]) {
  const events: ChangeEvent[] = []
  const seen = { events, resets: 0 }
  const subscription = feed.subscribe({
    ...(kinds === undefined ? {} : { kinds: new Set(kinds) }),
    onEvent: (event) => void events.push(event),
    onReset: () => {
      seen.resets += 1
    },
  })
  return Object.assign(seen, subscription)
}

async function makeCounters(client: pg.Client): Promise<void> {
  await client.query('create table counters (id text primary key, n int not null)')
  await client.query(
    `create trigger counters_announce after update on counters for each row execute function announce_change('counter', 'id', 'n')`,
  )
}

const KEYS = 8

/** What one writer does: transactions that lock their keys in order, so that none of them waits in a circle. */
const writes = fc.array(
  fc.record({
    keys: fc.uniqueArray(fc.nat(KEYS - 1), { minLength: 1, maxLength: 3 }),
    /** The number of the transaction is drawn long before it writes. */
    early: fc.boolean(),
    /** Milliseconds between its first write and its end, so that it commits after others that began later. */
    open: fc.constantFrom(0, 0, 1, 15),
    savepoint: fc.boolean(),
    rollback: fc.constantFrom(false, false, false, true),
  }),
  { minLength: 5, maxLength: 20 },
)

test('concurrent writers, rollbacks, savepoints, late commits and lost connections: each key in order, none missed or doubled', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  await using client = await connected(copy.url)
  await makeCounters(client)
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(writes, { minLength: 2, maxLength: 8 }),
      fc.array(fc.nat(60), { maxLength: 3 }),
      async (writers, kills) => {
        run += 1
        const idOf = (key: number) => `${run}-${key}`
        for (let key = 0; key < KEYS; key += 1)
          await client.query('insert into counters values ($1, 0)', [idOf(key)])
        using seen = watch(database.feed, ['counter'])
        const write = async (plan: (typeof writers)[number]): Promise<void> => {
          await using own = await connected(copy.url)
          const add = (key: number, n: number) =>
            own.query('update counters set n = n + $2 where id = $1', [idOf(key), n])
          for (const { keys, early, open, savepoint, rollback } of plan) {
            const sorted = keys.toSorted((a, b) => a - b)
            await own.query('begin')
            if (early) await own.query('select pg_current_xact_id()')
            for (const key of sorted) await add(key, 1)
            if (savepoint) {
              await own.query('savepoint s')
              await add(sorted[0] ?? 0, 100)
              await own.query('rollback to savepoint s')
            }
            await own.query('select pg_sleep($1)', [open / 1000])
            await own.query(rollback ? 'rollback' : 'commit')
          }
        }
        const kill = async (): Promise<void> => {
          for (const ms of kills) {
            await client.query('select pg_sleep($1)', [ms / 1000])
            await client.query(KILL_FEEDS)
          }
        }
        await Promise.all([...writers.map(write), kill()])
        const { rows } = await client.query<{ id: string; n: number }>(
          'select id, n from counters where id like $1',
          [`${run}-%`],
        )
        const total = rows.reduce((sum, row) => sum + row.n, 0)
        await until(`${total} events`, () => seen.events.length >= total)
        for (const { id, n } of rows)
          expect(seen.events.filter((event) => event.key === id).map((event) => event.data.n)).toEqual(
            Array.from({ length: n }, (_, i) => i + 1),
          )
        expect(seen.events).toHaveLength(total)
        expect(seen.resets).toBe(0)
      },
    ),
    { numRuns: 6, endOnFailure: true },
  )
}, 60_000)

test('a transaction of many pages is delivered once and in order, although the connection is lost between them', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  await using client = await connected(copy.url)
  await makeCounters(client)
  await client.query(`insert into counters select g, 0 from generate_series(1, 3500) g`)
  const seen: string[] = []
  let killed: Promise<unknown> | undefined
  using _subscription = database.feed.subscribe({
    kinds: new Set(['counter']),
    onEvent: ({ key, data }) => {
      seen.push(`${key} ${data.n}`)
      if (seen.length === 1_500) killed = client.query(KILL_FEEDS)
    },
    onReset: () => void seen.push('reset'),
  })
  await client.query('begin')
  for (let id = 1; id <= 3_500; id += 500)
    await client.query('update counters set n = n + 1 where id::int between $1 and $1 + 499', [id])
  await client.query('commit')
  await client.query('update counters set n = n + 1 where id::int = 7')
  await until('all of them', () => seen.length >= 3_501)
  await killed
  expect(new Set(seen).size).toBe(3_501)
  expect(seen).toHaveLength(3_501)
  expect(seen.indexOf('7 1')).toBeLessThan(seen.indexOf('7 2'))
  expect(seen).not.toContain('reset')
})

test('a write on one replica reaches another; a rolled back one does not', async () => {
  await using copy = await createTestDatabase()
  await using one = await openDatabase(copy.url)
  await using two = await openDatabase(copy.url)
  using seen = watch(two.feed)
  await expect(
    one.transaction(async (tx) => {
      await tx.insertInto('users').values({ username: 'lost', email: 'lost@example.com' }).execute()
      throw new Error('undo')
    }),
  ).rejects.toThrow('undo')
  await one.db.insertInto('users').values({ username: 'kept', email: 'kept@example.com' }).execute()
  await until('the event', () => seen.events.length > 0)
  expect(seen.events).toEqual([
    expect.objectContaining({
      kind: 'user',
      op: 'insert',
      data: expect.objectContaining({ status: 'dormant', deleted: false }),
    }),
  ])
})

test('events are delivered outside of the request and the transaction that wrote them', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  const flow = new AsyncLocalStorage<string>()
  const flows: unknown[] = []
  using _subscription = database.feed.subscribe({
    onEvent: () => void flows.push(flow.getStore()),
    onReset: () => undefined,
  })
  await flow.run('a request', () =>
    database.db.insertInto('users').values({ username: 'ada', email: 'ada@example.com' }).execute(),
  )
  await until('the event', () => flows.length > 0)
  expect(flows).toEqual([undefined])
})

test('ID-222: after a lost connection the feed counts as cut off until what was missed has been delivered', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  await using client = await connected(copy.url)
  const states: boolean[] = []
  using _subscription = database.feed.subscribe({
    onEvent: () => void states.push(database.feed.connected),
    onReset: () => undefined,
  })
  await client.query('begin')
  await client.query(`insert into users (username, email) values ('ada', 'ada@example.com')`)
  await client.query(KILL_FEEDS)
  await client.query('commit')
  await until('the event', () => states.length > 0)
  expect(states).toEqual([false])
  await until('the feed', () => database.feed.connected)
})

test('OP-65: a lost connection for pokes is replaced, so that other replicas go on hearing at once', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  await using client = await connected(copy.url)
  const pids = async (): Promise<number[]> => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and application_name = 'slipway/feed'`,
    )
    return rows.map((row) => row.pid)
  }
  await database.db.insertInto('users').values({ username: 'ada', email: 'ada@example.com' }).execute()
  const [lost] = await until('the poke', async () => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and query like 'notify %' and state = 'idle'`,
    )
    return rows.length > 0 && rows.map((row) => row.pid)
  })
  await client.query('select pg_terminate_backend($1)', [lost])
  await until('two connections again', async () => {
    const now = await pids()
    return now.length === 2 && !now.includes(lost ?? 0)
  })
})

test('a feed that gets only one of its two connections gives it back', async () => {
  await using copy = await createTestDatabase()
  await using client = await connected(copy.url)
  const role = `feed_${new URL(copy.url).pathname.slice(1)}`
  await client.query(`create role ${role} login password 'x' connection limit 1`)
  try {
    await client.query(`grant select on change_log, change_log_horizon to ${role}`)
    const own = new URL(copy.url)
    own.username = role
    own.password = 'x'
    await using feed = new ChangeFeed({ config: () => ({ connectionString: own.href }), log: silentLogger() })
    await expect(feed.start()).rejects.toThrow('too many connections')
    await until('the first one to end', async () => {
      const { rowCount } = await client.query('select 1 from pg_stat_activity where usename = $1', [role])
      return rowCount === 0
    })
  } finally {
    await client.query(`drop owned by ${role}`)
    await client.query(`drop role ${role}`)
  }
})

/** Stands between a client and PostgreSQL; a frozen connection stays open and says nothing any more. */
async function relay(url: string) {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(databaseAddress(url))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = new URL(url)
  own.hostname = '127.0.0.1'
  own.port = String((server.address() as AddressInfo).port)
  return {
    url: own.href,
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause()
    },
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

test('OP-65, half-open TCP: a database that does not answer any more is left, and the feed goes on over a new connection', async () => {
  await using copy = await createTestDatabase()
  using between = await relay(copy.url)
  await using database = await Database.open({
    url: between.url,
    maxConnections: 1,
    log: silentLogger(),
    replicaId: 'half-open',
    feedTimeoutMs: 300,
  })
  await using client = await connected(copy.url)
  using seen = watch(database.feed)
  between.freeze()
  await client.query(`insert into users (username, email) values ('ada', 'ada@example.com')`)
  await until('the event', () => seen.events.length > 0)
  expect(seen).toMatchObject({ resets: 0, events: [{ kind: 'user', op: 'insert' }] })
})

test('a reader behind the purge horizon is told to reset', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  await using client = await connected(copy.url)
  using seen = watch(database.feed)
  await client.query(
    `update change_log_horizon set boundary = (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000)::text::xid8`,
  )
  await client.query(KILL_FEEDS)
  await until('the reset', () => seen.resets > 0)
})

test('the log is purged of what all feeds have read, and of nothing that an open transaction will publish', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  await using client = await connected(copy.url)
  using seen = watch(database.feed)
  const add = async (name: string): Promise<void> => {
    const count = seen.events.length
    await database.db
      .insertInto('users')
      .values({ username: name, email: `${name}@example.com` })
      .execute()
    await until('its event', () => seen.events.length > count)
  }
  const logged = async () => (await client.query('select key from change_log')).rowCount
  // Transactions of other databases of the server hold the horizon back too.
  const purge = async (left: number) => {
    await until(`${left} rows to be left`, async () => {
      await database.changeLogPurge.run()
      return (await logged()) === left
    })
  }

  await add('old')
  await purge(0)
  await client.query('begin')
  await client.query(`insert into users (username, email) values ('late', 'late@example.com')`)
  await add('young')
  for (let run = 0; run < 3; run += 1) await database.changeLogPurge.run()
  await client.query('commit')
  await until('the late one', () => seen.events.length === 3)
  expect(await logged()).toBe(2)
  await purge(0)

  await add('newer')
  await client.query(KILL_FEEDS)
  await add('newest')
  expect(seen).toMatchObject({ resets: 0, events: { length: 5 } })
})

test('a log that was restored from the dump of another database server is purged of what never happened here', async () => {
  await using copy = await createTestDatabase()
  await using database = await openDatabase(copy.url)
  await using client = await connected(copy.url)
  await client.query(
    `insert into change_log (txid, kind, key, op) values ('9000000000000000', 'user', 'elsewhere', 'update')`,
  )
  await client.query(`update change_log_horizon set boundary = '9000000000000000'`)
  await database.changeLogPurge.run()
  await database.changeLogPurge.run()
  const { rows } = await client.query(
    `select (select count(*)::int from change_log where key = 'elsewhere') as left,
            boundary < pg_snapshot_xmax(pg_current_snapshot()) as past from change_log_horizon`,
  )
  expect(rows).toEqual([{ left: 0, past: true }])
})
