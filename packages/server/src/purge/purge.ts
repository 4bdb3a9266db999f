import { Counter, Gauge, Histogram } from 'prom-client'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { PURGED, type PurgedRecords } from './records.ts'
import { tryPurgeLock } from './store.ts'

const EVERY_MS = 10 * 60_000
/** Rows of one statement, and the time that one kind of record may take in a round (OP-79). */
const BATCH = 10_000
const KIND_MS = 60_000

const actor = systemActor('dbpurge', 'what is older than its retention is deleted')

/**
 * Deletes what has grown old: at the start and ten minutes after each round has ended. Every batch is a transaction of
 * its own, so that one kind of record that fails keeps no other from its turn (OP-76), and acts under a right to delete
 * alone (OP-77).
 */
export class Purge implements AsyncDisposable {
  readonly #context: AppContext
  readonly #everyMs: number
  readonly #seconds: Histogram
  readonly #purged: Counter
  readonly #backlog: Gauge
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void>
  #closed = false

  constructor(context: AppContext, everyMs = EVERY_MS) {
    this.#context = context
    this.#everyMs = everyMs
    const registers = [context.metrics]
    this.#seconds = new Histogram({
      name: 'coderd_dbpurge_iteration_duration_seconds',
      help: 'How long a round of the purge took.',
      labelNames: ['success'],
      buckets: [1, 5, 10, 30, 60, 300, 600],
      registers,
    })
    this.#purged = new Counter({
      name: 'coderd_dbpurge_records_purged_total',
      help: 'Rows that were deleted because they were older than their retention.',
      labelNames: ['record_type'],
      registers,
    })
    this.#backlog = new Gauge({
      name: 'slipway_dbpurge_backlog',
      help: 'Whether a round ended before everything old was deleted.',
      labelNames: ['record_type'],
      registers,
    })
    this.#round = this.#run()
  }

  /** Settles when the round that is under way has ended. */
  get idle(): Promise<void> {
    return this.#round
  }

  async #run(): Promise<void> {
    const start = performance.now()
    let worked = false
    let success = true
    for (const records of PURGED) {
      if (this.#closed) break
      try {
        worked = (await labelled('db-purge', () => this.#purge(records))) || worked
      } catch (error) {
        success = false
        this.#context.log.error('old records could not be deleted', {
          record_type: records.type,
          error: describeError(error),
        })
      }
    }
    // A round in which another replica had every turn is none (OP-78).
    if (worked || !success)
      this.#seconds.observe({ success: String(success) }, (performance.now() - start) / 1_000)
    if (!this.#closed)
      this.#timer = setTimeout(() => {
        this.#round = this.#run()
      }, this.#everyMs).unref()
  }

  /** Whether it was our turn. */
  async #purge({ type, counted, retentionMs, old, batch = BATCH }: PurgedRecords): Promise<boolean> {
    const { clock, database } = this.#context
    const retention = await retentionMs(this.#context)
    if (retention === 0) return false
    const before = new Date(clock.now().getTime() - retention)
    const end = performance.now() + KIND_MS
    for (;;) {
      const count = await database.transaction(async (tx) =>
        (await tryPurgeLock(actor, tx, type))
          ? old.deleteOld(actor, tx, { before, limit: batch })
          : undefined,
      )
      if (count === undefined) return false
      if (counted) this.#purged.inc({ record_type: type }, count)
      const more = count === batch
      const late = this.#closed || performance.now() > end
      if (more && !late) continue
      this.#backlog.set({ record_type: type }, more ? 1 : 0)
      return true
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#round
    clearTimeout(this.#timer)
  }
}
