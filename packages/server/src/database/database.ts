import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'

import { type CompiledQuery, type IsolationLevel, Kysely, type Transaction } from 'kysely'
import pg from 'pg'

import type { Logger } from '@slipway/request-log'
import { ChangeLogPurge } from './change-log-purge.ts'
import { connectionConfig } from './connection-url.ts'
import { ChangeFeed } from './feed.ts'
import { type Migration, migrate } from './migrate.ts'
import { namingDialect, sqlState } from './naming-driver.ts'
import type { Tables } from './tables.ts'

/** Anything that statements can be sent through: the database itself or an open transaction. */
export type Db = Kysely<Tables>

/** How to open a {@link Database}. */
export interface DatabaseOptions {
  readonly url: string
  readonly maxConnections: number
  readonly log: Logger
  /** Marks this process in `pg_stat_activity`. */
  readonly replicaId: string
  /** Called for each statement; counts statements of a request. */
  readonly onStatement?: () => void
  /** Called when the answer to a statement has come. */
  readonly onAnswer?: () => void
  /** How long to wait for a server that does not answer yet, in milliseconds. */
  readonly connectTimeoutMs?: number
  /** After how many milliseconds without an answer the change feed takes its connection for dead. */
  readonly feedTimeoutMs?: number
}

const OLDEST_SERVER = 130_000
const RETRIED = new Set(['40001', '40P01'])
const ATTEMPTS = 3
const STATEMENT_MS = 60_000
const CONNECT_MS = 5_000

/** Where the database is and with which password, as of now: new connections look. */
type Access = { connectionString: string }

/**
 * A connection as it is made now. It gives up on a server that does not take it; waiting for a free one of the pool has no
 * limit (OP-43).
 */
function clientOf(access: Access): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super({
        ...(typeof config === 'string' ? {} : config),
        connectionString: access.connectionString,
        connectionTimeoutMillis: CONNECT_MS,
      })
    }
  }
}

// A job id, a build number or a log id stays far below 2^53; a bigint beyond it would be a bug.
pg.types.setTypeParser(20, (text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error(`bigint ${text} does not fit a number`)
  return value
})

// A day has no time zone: it stays the text that it is.
pg.types.setTypeParser(1082, (text) => text)

/**
 * The one way to PostgreSQL: a pool with named statements, transactions with retry, and the change feed.
 * Requests wait for a free connection; they never fail because the pool is busy (OP-43).
 */
export class Database implements AsyncDisposable {
  /** Query builder for single statements. */
  readonly db: Kysely<Tables>
  /** Ordered events of committed changes. */
  readonly feed: ChangeFeed
  /** Deletes events that every feed has read. */
  readonly changeLogPurge: ChangeLogPurge
  readonly #pool: pg.Pool
  readonly #log: Logger
  readonly #access: Access
  readonly #open = new AsyncLocalStorage<Transaction<Tables>>()

  private constructor(parts: {
    readonly pool: pg.Pool
    readonly db: Kysely<Tables>
    readonly feed: ChangeFeed
    readonly log: Logger
    readonly access: Access
  }) {
    const { pool, db, feed, log, access } = parts
    this.#pool = pool
    this.db = db
    this.feed = feed
    this.#log = log
    this.#access = access
    this.changeLogPurge = new ChangeLogPurge({ db, log })
  }

  /**
   * From now on connections are made with the password of this URL; those that are open stay (OP-15).
   *
   * @throws Error when more than the password is another one, or when the database does not let us in with it. Then the
   * former password stays.
   */
  async usePassword(url: string): Promise<void> {
    const { connectionString } = connectionConfig(url)
    if (connectionString === this.#access.connectionString) return
    if (withoutPassword(connectionString) !== withoutPassword(this.#access.connectionString))
      throw new Error('more than the password of postgres-url has changed, which takes a restart')
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_MS })
    client.on('error', () => undefined)
    try {
      await client.connect()
    } finally {
      await client.end().catch(() => undefined)
    }
    this.#access.connectionString = connectionString
  }

  /** Calls back when a connection that nobody used has failed: the server may be away. The listener must not throw. */
  onConnectionLost(listener: () => void): Disposable {
    this.#pool.on('error', listener)
    return { [Symbol.dispose]: () => void this.#pool.off('error', listener) }
  }

  /**
   * Connects (retrying for 30 s by default), checks the server version (OP-41), migrates (OP-44) and starts the feed.
   *
   * @throws Error with a message for the operator; it never holds the password.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const config = connectionConfig(options.url)
    await waitForServer(config, options)
    await migrate(config, { log: options.log })
    const pool = new pg.Pool({
      ...config,
      max: options.maxConnections,
      Client: clientOf(config),
      application_name: `slipway/${options.replicaId}`,
      statement_timeout: STATEMENT_MS,
      // The server ends a slow statement; this one is for a server that is not heard of any more.
      query_timeout: STATEMENT_MS + 5_000,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    })
    // The pool does not listen to a connection that is in use; its query fails by itself, so nothing is lost here.
    pool.on('connect', (client) => client.on('error', () => undefined))
    pool.on('error', (error) => options.log.warn('idle database connection failed', { error }))
    const feed = new ChangeFeed({
      config: () => config,
      log: options.log,
      answerTimeoutMs: options.feedTimeoutMs,
    })
    const db = new Kysely<Tables>({
      dialect: namingDialect(pool, {
        onStatement: options.onStatement ?? (() => undefined),
        onAnswer: options.onAnswer ?? (() => undefined),
        onCommittedWrite: () => feed.poke(),
      }),
    })
    await feed.start()
    return new Database({ pool, db, feed, log: options.log, access: config })
  }

  /**
   * Runs `work` in a transaction. A serialization failure or deadlock runs it again, up to `attempts` times
   * in all (OP-46); `work` must therefore have no effect outside the transaction. Called inside another
   * transaction of the same flow it joins that one, and only the outermost retries.
   */
  async transaction<T>(
    work: (tx: Transaction<Tables>) => Promise<T>,
    options: { readonly isolation?: IsolationLevel; readonly attempts?: number } = {},
  ): Promise<T> {
    const outer = this.#open.getStore()
    if (outer !== undefined) return work(outer)
    const attempts = options.attempts ?? ATTEMPTS
    for (let attempt = 1; ; attempt += 1) {
      try {
        const builder = this.db.transaction()
        return await (options.isolation === undefined
          ? builder
          : builder.setIsolationLevel(options.isolation)
        ).execute((tx) => this.#open.run(tx, () => work(tx)))
      } catch (error) {
        if (!isRetried(error) || attempt >= attempts) throw error
        this.#log.warn('transaction is repeated', { sqlstate: sqlState(error), executions: attempt })
        await delay(Math.random() * 10 * attempt)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.changeLogPurge[Symbol.asyncDispose]()
    await this.feed[Symbol.asyncDispose]()
    await this.#pool.end()
  }
}

/** Runs a statement that is a transaction of its own, again after a serialization failure or deadlock (OP-46). */
export async function repeated<T>(statement: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await statement()
    } catch (error) {
      if (!isRetried(error) || attempt >= ATTEMPTS) throw error
      await delay(Math.random() * 10 * attempt)
    }
  }
}

function isRetried(error: unknown): boolean {
  const state = sqlState(error)
  return state !== undefined && RETRIED.has(state)
}

async function waitForServer(
  config: pg.ClientConfig,
  options: Pick<DatabaseOptions, 'log' | 'connectTimeoutMs'>,
): Promise<void> {
  const deadline = Date.now() + (options.connectTimeoutMs ?? 30_000)
  for (let pause = 200; ; pause = Math.min(pause * 2, 3_000)) {
    const client = new pg.Client({ ...config, connectionTimeoutMillis: CONNECT_MS })
    client.on('error', () => undefined)
    try {
      await client.connect()
      const result = await client.query<{ server_version_num: string }>('show server_version_num')
      const version = Number(result.rows[0]?.server_version_num)
      if (version < OLDEST_SERVER)
        throw new UnsupportedServer(
          `PostgreSQL ${Math.floor(version / 10_000)}.${version % 100} is too old: Slipway needs 13.0 or newer`,
        )
      return
    } catch (error) {
      if (error instanceof UnsupportedServer || Date.now() + pause > deadline)
        throw error instanceof UnsupportedServer
          ? error
          : new Error(
              `cannot connect to the database: ${error instanceof Error ? error.message : String(error)}`,
            )
      options.log.info('waiting for the database')
      await delay(pause)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

function withoutPassword(connectionString: string): string {
  const url = new URL(connectionString)
  url.password = ''
  return url.href
}

class UnsupportedServer extends Error {}

/**
 * Migrates a database as the start of a server does, and does nothing else (OP-176).
 *
 * @returns the steps that were pending; with `dryRun` they still are.
 * @throws Error with a message for the operator; it never holds the password.
 */
export async function migrateSchema(
  options: Pick<DatabaseOptions, 'url' | 'log' | 'connectTimeoutMs'> & { readonly dryRun: boolean },
): Promise<Migration[]> {
  const config = connectionConfig(options.url)
  await waitForServer(config, options)
  return migrate(config, options)
}

const SLOT = Symbol('parameter')
interface Slot {
  readonly [SLOT]: string
}

/**
 * A hot query that is built and compiled once: `build` receives a function that stands for a parameter, and
 * each call only puts values in their places (a third of the cost of building it anew).
 */
export function prepared<P extends Record<string, unknown>, R>(
  build: (
    db: Kysely<Tables>,
    p: <K extends keyof P & string>(name: K) => P[K],
  ) => { compile(): CompiledQuery<R> },
): (db: Db, parameters: P) => Promise<R[]> {
  let compiled: CompiledQuery<R> | undefined
  return async (db, parameters) => {
    if (compiled === undefined) {
      const slot = (name: string): never => ({ [SLOT]: name }) as never
      compiled = build(db, slot).compile()
    }
    const values = compiled.parameters.map((value) => (isSlot(value) ? parameters[value[SLOT]] : value))
    const result = await db.executeQuery<R>({ ...compiled, parameters: values })
    return result.rows
  }
}

function isSlot(value: unknown): value is Slot {
  return typeof value === 'object' && value !== null && SLOT in value
}
