import { createHash } from 'node:crypto'

import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import { DatabaseError, type Pool, type PoolClient } from 'pg'

import { type ApiError, conflict } from '../errors/index.ts'

const MAX_NAMES = 2_000
const WRITES = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

/** What the driver reports to its owner. */
export interface DriverEvents {
  /** A statement is about to be sent. */
  onStatement(): void
  /** Its answer has come, and whoever asked goes on. */
  onAnswer(): void
  /** A write has been committed: other parts may want to read the change log now. */
  onCommittedWrite(): void
}

/**
 * Kysely dialect over a `pg` pool that sends every statement as a named prepared one: PostgreSQL parses and
 * plans a text once per connection, which halves the cost of a short query. The number of names is bounded;
 * further texts are sent unnamed. It also knows which statements wrote, so that the change feed is woken
 * after each commit without anybody having to remember it.
 */
export function namingDialect(pool: Pool, events: DriverEvents): Dialect {
  const names = new Map<string, string>()
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text)
    if (known !== undefined) return known
    if (names.size >= MAX_NAMES) return undefined
    const name = `s_${createHash('sha256').update(text).digest('base64url').slice(0, 20)}`
    names.set(text, name)
    return name
  }
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new NamingDriver(pool, nameOf, events),
    createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }
}

class NamingDriver implements Driver {
  readonly #pool: Pool
  readonly #nameOf: (text: string) => string | undefined
  readonly #events: DriverEvents

  constructor(pool: Pool, nameOf: (text: string) => string | undefined, events: DriverEvents) {
    this.#pool = pool
    this.#nameOf = nameOf
    this.#events = events
  }

  async init(): Promise<void> {
    // The pool connects on first use.
  }

  async acquireConnection(): Promise<NamingConnection> {
    return new NamingConnection(await this.#pool.connect(), this.#nameOf, this.#events)
  }

  async beginTransaction(connection: NamingConnection, settings: TransactionSettings): Promise<void> {
    await connection.begin(settings.isolationLevel)
  }

  async commitTransaction(connection: NamingConnection): Promise<void> {
    await connection.commit()
  }

  async rollbackTransaction(connection: NamingConnection): Promise<void> {
    await connection.rollback()
  }

  async releaseConnection(connection: NamingConnection): Promise<void> {
    connection.release()
  }

  async destroy(): Promise<void> {
    // The pool belongs to the database object, which ends it.
  }
}

class NamingConnection implements DatabaseConnection {
  readonly #client: PoolClient
  readonly #nameOf: (text: string) => string | undefined
  readonly #events: DriverEvents
  #inTransaction = false
  #wrote = false
  #broken: Error | undefined

  constructor(client: PoolClient, nameOf: (text: string) => string | undefined, events: DriverEvents) {
    this.#client = client
    this.#nameOf = nameOf
    this.#events = events
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.#events.onStatement()
    const name = this.#nameOf(query.sql)
    const result = await this.#run(() =>
      this.#client.query({
        ...(name === undefined ? {} : { name }),
        text: query.sql,
        values: [...query.parameters],
      }),
    )
    this.#events.onAnswer()
    if (WRITES.has(result.command)) {
      if (this.#inTransaction) this.#wrote = true
      else this.#events.onCommittedWrite()
    }
    return {
      rows: result.rows,
      ...(result.rowCount === null ? {} : { numAffectedRows: BigInt(result.rowCount) }),
    }
  }

  // Streams are not used; lists are bounded by their page.
  // biome-ignore lint/correctness/useYield: the interface asks for a generator, this driver has no cursor support
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming queries are not supported by this driver')
  }

  async begin(isolation: string | undefined): Promise<void> {
    this.#wrote = false
    await this.#run(() =>
      this.#client.query(isolation === undefined ? 'begin' : `begin isolation level ${isolation}`),
    )
    this.#inTransaction = true
  }

  async commit(): Promise<void> {
    await this.#run(() => this.#client.query('commit'))
    this.#inTransaction = false
    if (this.#wrote) this.#events.onCommittedWrite()
  }

  async rollback(): Promise<void> {
    this.#inTransaction = false
    // The server rolls back by itself when the connection ends; asking a dead one would hide the first error.
    if (this.#broken !== undefined) return
    await this.#run(() => this.#client.query('rollback'))
  }

  /** A connection that failed below SQL must not go back to the pool. */
  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof Error && !isSqlError(error)) this.#broken = error
      throw goneMeanwhile(error) ?? error
    }
  }

  release(): void {
    this.#client.release(this.#broken)
  }
}

/** What the triggers say that keep rows from being put under a user or an organization that is deleted. */
const GONE = /^(user|organization) \S+ is deleted$/

/** The answer to whoever was about to write for something that somebody else has just deleted. */
function goneMeanwhile(error: unknown): ApiError | undefined {
  if (!(error instanceof DatabaseError) || error.code !== '23000') return undefined
  const kind = GONE.exec(error.message)?.[1]
  return kind === undefined
    ? undefined
    : conflict(`The ${kind} has been deleted meanwhile.`, { cause: error })
}

/** SQLSTATE of an error that the server reported, e.g. `23505` for a unique violation. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined
}

function isSqlError(error: Error): boolean {
  const state = sqlState(error)
  return state !== undefined && !state.startsWith('57P')
}

/** Name of the violated constraint or unique index when `error` is a unique violation (23505). */
export function violatedUnique(error: unknown): string | undefined {
  return error instanceof DatabaseError && error.code === '23505' ? error.constraint : undefined
}
