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

/**
 * Reads the change log in commit-safe order. The cursor is a snapshot, not an id: new events are those that
 * are visible now and were not then, so a transaction that commits late is neither missed nor allowed to
 * hold others back, and per key the order is the order of the row locks. Woken by pokes (in process at
 * once, from other replicas by a NOTIFY sent outside of transactions and at most every 5 ms) and by a slow
 * poll, because a writer may die between its commit and its poke.
 */
export class ChangeFeed implements AsyncDisposable {
  readonly #config: ClientConfig
  readonly #log: Logger
  readonly #subscribers = new Set<FeedSubscriber>()
  #reader: pg.Client | undefined
  #poker: pg.Client | undefined
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

  constructor(options: { readonly config: ClientConfig; readonly log: Logger }) {
    this.#config = options.config
    this.#log = options.log
  }

  /** False while the feed is cut off; caches must not be used then (ID-222). */
  get connected(): boolean {
    return this.#connected
  }

  /** Connects and places the cursor at now. */
  async start(): Promise<void> {
    await this.#connect()
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
    const wait = Math.max(0, this.#lastPoke + POKE_GAP_MS - Date.now())
    this.#pokeTimer = setTimeout(() => void this.#sendPoke(), wait)
  }

  async #sendPoke(): Promise<void> {
    this.#pokeTimer = undefined
    if (this.#poker === undefined || this.#closed) return
    if (this.#poking) {
      this.poke()
      return
    }
    this.#poking = true
    this.#lastPoke = Date.now()
    try {
      await this.#poker.query(`notify ${CHANNEL}`)
    } catch (error) {
      // The slow poll of the other replicas stands in for a lost poke.
      this.#log.debug('poke was not sent', { error: describeError(error) })
    } finally {
      this.#poking = false
    }
  }

  /** Reads soon; calls while a read is under way lead to one more read. */
  wake(): void {
    if (this.#closed) return
    this.#wanted = true
    this.#reading ??= this.#drain().finally(() => {
      this.#reading = undefined
    })
  }

  async #drain(): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false
      try {
        if (this.#reader === undefined) await this.#connect()
        await this.#read()
        this.#connected = true
      } catch (error) {
        if (this.#connected)
          this.#log.warn('change feed lost its connection', { error: describeError(error) })
        await this.#disconnect()
      }
    }
  }

  async #read(): Promise<void> {
    const reader = this.#reader
    if (reader === undefined) return
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
        this.#deliver({ id: row.id, kind: row.kind, key: row.key, op: row.op, data: row.data })
        this.#last = row.id
      }
      if (count < PAGE) break
    }
    this.#cursor = this.#target
    this.#target = undefined
    this.#last = 0
  }

  #deliver(event: ChangeEvent): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.kinds !== undefined && !subscriber.kinds.has(event.kind)) continue
      try {
        subscriber.onEvent(event)
      } catch (error) {
        this.#log.error('change feed subscriber failed', { error: describeError(error), kind: event.kind })
      }
    }
  }

  #reset(): void {
    for (const subscriber of this.#subscribers) subscriber.onReset()
  }

  async #connect(): Promise<void> {
    const reader = await this.#client()
    const poker = await this.#client()
    try {
      // After a bulk write the planner would scan the whole log for the second half of the query.
      await reader.query('set enable_seqscan = off')
      const identity = await reader.query<{ started: string; horizon: string; now: string }>(IDENTITY)
      const row = identity.rows[0]
      if (row === undefined) throw new Error('change log horizon is missing')
      const known = this.#cursor !== ''
      const lost =
        known &&
        (row.started !== this.#postmaster ||
          BigInt(this.#cursor.split(':', 1)[0] ?? '0') < BigInt(row.horizon))
      if (!known || lost) {
        this.#cursor = row.now
        this.#target = undefined
        this.#last = 0
      }
      this.#postmaster = row.started
      await reader.query(`listen ${CHANNEL}`)
      reader.on('notification', () => this.wake())
      this.#reader = reader
      this.#poker = poker
      this.#connected = true
      if (lost) this.#reset()
    } catch (error) {
      await Promise.allSettled([reader.end(), poker.end()])
      throw error
    }
  }

  async #client(): Promise<pg.Client> {
    const client = new pg.Client({
      ...this.#config,
      application_name: 'slipway/feed',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    })
    client.on('error', () => {
      this.#connected = false
      this.wake()
    })
    await client.connect()
    return client
  }

  async #disconnect(): Promise<void> {
    this.#connected = false
    const clients = [this.#reader, this.#poker]
    this.#reader = undefined
    this.#poker = undefined
    await Promise.allSettled(clients.map((client) => client?.end()))
  }

  /** Deletes events that every transaction open `minutes` ago has seen; see {@link rememberHorizon}. */
  async purgeBelow(horizon: string): Promise<number> {
    const client = await this.#client()
    try {
      await client.query('begin')
      await client.query('update change_log_horizon set boundary = greatest(boundary, $1::text::xid8)', [
        horizon,
      ])
      const result = await client.query('delete from change_log where txid < $1::text::xid8', [horizon])
      await client.query('commit')
      return result.rowCount ?? 0
    } finally {
      await client.end()
    }
  }

  /** Lower end of the present: nothing below it is still being written. Purge with it some minutes later. */
  async horizon(): Promise<string> {
    const client = await this.#client()
    try {
      const result = await client.query<{ xmin: string }>(
        'select pg_snapshot_xmin(pg_current_snapshot())::text as xmin',
      )
      return result.rows[0]?.xmin ?? '0'
    } finally {
      await client.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#poll)
    clearTimeout(this.#pokeTimer)
    await this.#reading
    await this.#disconnect()
  }
}
