import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'

import pg, { type ClientConfig } from 'pg'

import { describeError, type Logger } from '@slipway/request-log'

/** One committed change of a watched row. */
export interface ChangeEvent {
  readonly id: number
  readonly kind: string
  /** Value of the key column that the trigger names. */
  readonly key: string
  readonly op: 'insert' | 'update' | 'delete'
  readonly data: Readonly<Record<string, unknown>>
}

/** Takes events; must not throw and must not block. */
export interface FeedSubscriber {
  /** Kinds to receive; all when absent. */
  readonly kinds?: ReadonlySet<string>
  onEvent(event: ChangeEvent): void
  /** Events may have been missed: drop caches, read again. */
  onReset(): void
}

const PAGE = 1_000
const POKE_GAP_MS = 5
const POLL_MS = 500
/** A database that has not answered for so long is taken for gone, although its connection is still there. */
const ANSWER_MS = 10_000
const END_MS = 1_000
const CHANNEL = 'slipway_change_log'

const READ = (limit: number): string => `
  select pg_current_snapshot()::text as next, l.id, l.kind, l.key, l.op, l.data
    from (select 1) one left join (
      select id, kind, key, op, data from change_log
       where txid >= pg_snapshot_xmax($1::text::pg_snapshot)
         and pg_visible_in_snapshot(txid, coalesce($2::text::pg_snapshot, pg_current_snapshot())) and id > $3
      union all
      select id, kind, key, op, data from change_log
       where txid = any(array(select pg_snapshot_xip($1::text::pg_snapshot)))
         and pg_visible_in_snapshot(txid, coalesce($2::text::pg_snapshot, pg_current_snapshot())) and id > $3
      order by id limit ${limit}) l on true
   order by l.id`

const IDENTITY = `
  select pg_postmaster_start_time()::text as started, (select boundary::text from change_log_horizon) as horizon,
         pg_current_snapshot()::text as now`

interface Row {
  readonly next: string
  readonly id: number | null
  readonly kind: string
  readonly key: string
  readonly op: ChangeEvent['op']
  readonly data: Record<string, unknown>
}

/** The two connections of the feed; they come and go together. */
interface Connections {
  readonly reader: pg.Client
  readonly poker: pg.Client
}

/**
 * Reads the change log in commit-safe order. The cursor is a snapshot, not an id: new events are those that
 * are visible now and were not then, so a transaction that commits late is neither missed nor allowed to
 * hold others back, and per key the order is the order of the row locks. Woken by pokes (in process at
 * once, from other replicas by a NOTIFY sent outside of transactions and at most every 5 ms) and by a slow
 * poll, because a writer may die between its commit and its poke.
 */
export class ChangeFeed implements AsyncDisposable {
  readonly #config: () => ClientConfig
  readonly #log: Logger
  readonly #subscribers = new Set<FeedSubscriber>()
  /** Events belong to nobody's request or transaction, whoever's write has woken the feed. */
  readonly #outside = AsyncLocalStorage.snapshot()
  #connections: Connections | undefined
  #cursor = ''
  // A page limit needs a pinned target: the pages of one read end at the same snapshot. Both outlive a lost
  // connection, so that the next read goes on behind the last delivered event.
  #target: string | undefined
  #last = 0
  #postmaster = ''
  #wanted = false
  #reading: Promise<void> | undefined
  #poll: NodeJS.Timeout | undefined
  #pokeTimer: NodeJS.Timeout | undefined
  #poking = false
  #lastPoke = 0
  #connected = false
  #closed = false

  /**
   * `config` is asked for each connection; `answerTimeoutMs` is how long the database may take to answer before its
   * connection counts as lost.
   */
  constructor(options: {
    readonly config: () => ClientConfig
    readonly log: Logger
    readonly answerTimeoutMs?: number | undefined
  }) {
    this.#config = () => ({
      ...options.config(),
      application_name: 'slipway/feed',
      connectionTimeoutMillis: 5_000,
      query_timeout: options.answerTimeoutMs ?? ANSWER_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    })
    this.#log = options.log
  }

  /** False while the feed is cut off; caches must not be used then (ID-222). */
  get connected(): boolean {
    return this.#connected
  }

  /** Connects and places the cursor at now. */
  async start(): Promise<void> {
    this.#connections = await this.#connect()
    this.#connected = true
    this.#poll = setInterval(() => this.wake(), POLL_MS).unref()
  }

  /** Adds a subscriber; disposing the result removes it. */
  subscribe(subscriber: FeedSubscriber): Disposable {
    this.#subscribers.add(subscriber)
    return { [Symbol.dispose]: () => void this.#subscribers.delete(subscriber) }
  }

  /** Tells this process and, coalesced, all others that something was committed. */
  poke(): void {
    this.wake()
    if (this.#pokeTimer !== undefined || this.#closed) return
    const wait = Math.max(0, this.#lastPoke + POKE_GAP_MS - performance.now())
    this.#pokeTimer = this.#outside(() => setTimeout(() => void this.#sendPoke(), wait))
  }

  async #sendPoke(): Promise<void> {
    this.#pokeTimer = undefined
    const connections = this.#connections
    if (connections === undefined || this.#closed) return
    if (this.#poking) {
      this.poke()
      return
    }
    this.#poking = true
    this.#lastPoke = performance.now()
    try {
      await connections.poker.query(`notify ${CHANNEL}`)
    } catch (error) {
      // The slow poll of the other replicas stands in for a lost poke.
      this.#lose(connections, error)
    } finally {
      this.#poking = false
    }
  }

  /** Reads soon; calls while a read is under way lead to one more read. */
  wake(): void {
    if (this.#closed) return
    this.#wanted = true
    this.#reading ??= this.#outside(() => this.#drain())
  }

  async #drain(): Promise<void> {
    try {
      while (this.#wanted && !this.#closed) {
        this.#wanted = false
        try {
          this.#connections ??= await this.#connect()
        } catch (error) {
          // The poll tries again.
          this.#log.debug('change feed cannot connect', { error: describeError(error) })
          continue
        }
        await this.#readFrom(this.#connections)
      }
    } finally {
      // In the same turn as the last look at `#wanted`: a wake between the two would be lost.
      this.#reading = undefined
    }
  }

  async #readFrom(connections: Connections): Promise<void> {
    try {
      await this.#read(connections.reader)
      this.#connected = this.#connections === connections
    } catch (error) {
      this.#lose(connections, error)
    }
  }

  async #read(reader: pg.Client): Promise<void> {
    for (;;) {
      const { rows }: { rows: Row[] } = await reader.query<Row>({
        name: 'change_log_read',
        text: READ(PAGE),
        values: [this.#cursor, this.#target ?? null, this.#last],
      })
      this.#target ??= rows[0]?.next ?? this.#cursor
      let count = 0
      for (const row of rows) {
        if (row.id === null) continue
        count += 1
        const event = { id: row.id, kind: row.kind, key: row.key, op: row.op, data: row.data }
        this.#tell((subscriber) => {
          if (subscriber.kinds?.has(event.kind) ?? true) subscriber.onEvent(event)
        })
        this.#last = row.id
      }
      if (count < PAGE) break
    }
    this.#cursor = this.#target
    this.#target = undefined
    this.#last = 0
  }

  #tell(what: (subscriber: FeedSubscriber) => void): void {
    for (const subscriber of this.#subscribers) {
      try {
        what(subscriber)
      } catch (error) {
        this.#log.error('change feed subscriber failed', { error: describeError(error) })
      }
    }
  }

  async #connect(): Promise<Connections> {
    const reader = await this.#client()
    try {
      // After a bulk write the planner would scan the whole log for the second half of the query.
      await reader.query('set enable_seqscan = off')
      const identity = await reader.query<{ started: string; horizon: string; now: string }>(IDENTITY)
      const row = identity.rows[0]
      if (row === undefined) throw new Error('change log horizon is missing')
      reader.on('notification', () => this.wake())
      await reader.query(`listen ${CHANNEL}`)
      const connections = { reader, poker: await this.#client() }
      this.#place(row)
      return connections
    } catch (error) {
      await end(reader)
      throw error
    }
  }

  /** Goes on at the cursor if the log still reaches back to it and is the same log; else starts at now. */
  #place(log: { readonly started: string; readonly horizon: string; readonly now: string }): void {
    const known = this.#cursor !== ''
    const lost =
      known &&
      (log.started !== this.#postmaster || BigInt(this.#cursor.split(':', 1)[0] ?? '0') < BigInt(log.horizon))
    this.#postmaster = log.started
    if (known && !lost) return
    this.#cursor = log.now
    this.#target = undefined
    this.#last = 0
    if (lost) this.#tell((subscriber) => subscriber.onReset())
  }

  async #client(): Promise<pg.Client> {
    const client = new pg.Client(this.#config())
    client.on('error', (error) => {
      const connections = this.#connections
      if (connections?.reader === client || connections?.poker === client) this.#lose(connections, error)
    })
    try {
      await client.connect()
      return client
    } catch (error) {
      await end(client)
      throw error
    }
  }

  /** Gives up both connections, and asks for new ones. */
  #lose(connections: Connections, error: unknown): void {
    if (this.#connections !== connections) return
    this.#connections = undefined
    this.#connected = false
    if (this.#closed) return
    this.#log.warn('change feed lost its connection', { error: describeError(error) })
    void end(connections.reader)
    void end(connections.poker)
    this.wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#poll)
    clearTimeout(this.#pokeTimer)
    await this.#reading
    const connections = this.#connections
    this.#connections = undefined
    this.#connected = false
    if (connections !== undefined) await Promise.all([end(connections.reader), end(connections.poker)])
  }
}

/** Says goodbye; a peer that is gone is not waited for, since the probes of the connection end it. */
async function end(client: pg.Client): Promise<void> {
  const ended = new AbortController()
  await Promise.race([
    client.end().catch(() => undefined),
    delay(END_MS, undefined, { signal: ended.signal }).catch(() => undefined),
  ])
  ended.abort()
}
