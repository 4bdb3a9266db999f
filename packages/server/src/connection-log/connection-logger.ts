import { setTimeout as delay } from 'node:timers/promises'

import { Counter } from 'prom-client'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { batchOf } from './batch.ts'
import type { ConnectionEntry } from './entry.ts'
import { storeConnections } from './store.ts'

const actor = systemActor('connection_logger', 'connections are noted whoever makes them')

/** Entries of one write, and how long the first of them waits at most (RB-112). */
const BATCH = 1_000
const FLUSH_MS = 5_000
/** Batches that have failed and wait for another try. */
const MAX_WAITING = 10
const TRIES = 3
const PAUSE_MS = 1_000
const FAREWELL_MS = 10_000

/**
 * Writes the connection log in batches: whoever has something to note waits for nothing but room in the buffer. A batch
 * that fails is tried again a few times while others go on (RB-112).
 */
export class ConnectionLogger implements AsyncDisposable {
  readonly #context: AppContext
  readonly #flushMs: number
  readonly #dropped: Counter
  readonly #closing = new AbortController()
  #buffer: ConnectionEntry[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #waiting: (readonly ConnectionEntry[])[] = []
  #retrying: Promise<void> | undefined

  /** @param flushMs how long an entry waits at most, in milliseconds. */
  constructor(context: AppContext, flushMs = FLUSH_MS) {
    this.#context = context
    this.#flushMs = flushMs
    this.#dropped = new Counter({
      name: 'slipway_connection_log_dropped_total',
      help: 'Entries of the connection log that could not be stored.',
      labelNames: ['reason'],
      registers: [context.metrics],
    })
  }

  /** Notes a connection; waits while the buffer is full. Never throws. */
  async record(entry: ConnectionEntry): Promise<void> {
    this.#logLine(entry)
    while (this.#buffer.length >= BATCH) await this.#flush()
    this.#buffer.push(entry)
    if (this.#buffer.length >= BATCH) void this.#flush()
    else this.#timer ??= setTimeout(() => void this.#flush(), this.#flushMs).unref()
  }

  /** Log shippers see the same stream (RB-103). */
  #logLine(entry: ConnectionEntry): void {
    const { time, ...fields } = entry
    this.#context.log.info('connection_log', { ...fields, connection_time: time.toISOString() })
  }

  /** Stores what is buffered; of several calls at once the later ones wait for the first. */
  #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= labelled('connection-log', () => this.#write()).finally(() => {
      this.#writing = undefined
      if (this.#buffer.length > 0) this.#timer ??= setTimeout(() => void this.#flush(), this.#flushMs).unref()
    })
    return this.#writing
  }

  async #write(): Promise<void> {
    const entries = this.#buffer
    this.#buffer = []
    if (entries.length === 0) return
    try {
      await this.#store(entries)
    } catch (error) {
      if (this.#waiting.length >= MAX_WAITING) return this.#drop(entries, 'queue_full', error)
      this.#waiting.push(entries)
      this.#retrying ??= this.#retry().finally(() => {
        this.#retrying = undefined
      })
    }
  }

  async #retry(): Promise<void> {
    for (let entries = this.#waiting[0]; entries !== undefined; entries = this.#waiting[0]) {
      for (let tries = 1; ; tries += 1) {
        // Whoever ends the server waits for a last try and not for the pause.
        await delay(PAUSE_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined)
        try {
          await this.#store(entries)
          break
        } catch (error) {
          if (tries < TRIES) continue
          this.#drop(entries, 'failed', error)
          break
        }
      }
      this.#waiting.shift()
    }
  }

  #store(entries: readonly ConnectionEntry[]): Promise<void> {
    const batch = batchOf(entries)
    return this.#context.database.transaction((tx) => storeConnections(actor, tx, batch))
  }

  #drop(entries: readonly ConnectionEntry[], reason: string, error: unknown): void {
    this.#dropped.inc({ reason }, entries.length)
    this.#context.log.error('entries of the connection log could not be stored', {
      count: entries.length,
      error: describeError(error),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    const late = new AbortController()
    await Promise.race([
      this.#finish(),
      delay(FAREWELL_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ])
    late.abort()
    clearTimeout(this.#timer)
  }

  async #finish(): Promise<void> {
    await this.#writing
    await this.#flush()
    await this.#retrying
  }
}
