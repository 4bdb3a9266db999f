import { randomUUID } from 'node:crypto'

import { Counter, Gauge } from 'prom-client'

import { describeError } from '@slipway/request-log'
import { extendChain } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { Config } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import type { Destination } from './destination.ts'
import { httpDestination } from './http-destination.ts'
import { sendBatches } from './send-batches.ts'
import {
  countForwardable,
  listForwardable,
  releaseForwardingLease,
  storeForwarded,
  takeForwardingLease,
} from './store.ts'
import { syslogDestination } from './syslog-destination.ts'

const actor = systemActor('audit_forwarder', 'entries of the audit log go to whoever else keeps them')

/** For a batch to be taken; shorter than the turn of a replica. */
const SEND_MS = 15_000
const LEASE_SECONDS = 60
const BATCH = 200

/** Destinations that the deployment names (RB-131). */
function destinationsOf(
  config: Pick<Config, 'auditForwardUrl' | 'auditForwardToken' | 'auditForwardSyslog'>,
): Destination[] {
  return [
    ...(config.auditForwardUrl === ''
      ? []
      : [httpDestination(config.auditForwardUrl, config.auditForwardToken)]),
    ...(config.auditForwardSyslog === '' ? [] : [syslogDestination(config.auditForwardSyslog)]),
  ]
}

/**
 * Sends the entries of the audit log on, in the order of its chain, to each destination by itself (RB-131). The queue is
 * the log itself: a batch is in memory at a time, and what could not be delivered stays where it is and is tried again,
 * for as long as the log is kept. Every entry arrives at least once; what arrives twice has the same `sequence`.
 */
export class AuditForwarder implements AsyncDisposable {
  readonly #context: AppContext
  readonly #everyMs: number | undefined
  readonly #lease = randomUUID()
  readonly #stopping = new AbortController()
  readonly #lanes: readonly Promise<void>[]
  readonly #sent: Counter
  readonly #failures: Counter
  readonly #backlog: Gauge

  constructor(
    context: AppContext,
    destinations: readonly Destination[] = destinationsOf(context.config),
    everyMs?: number,
  ) {
    this.#context = context
    this.#everyMs = everyMs
    const registers = [context.metrics]
    this.#sent = new Counter({
      name: 'slipway_audit_forwarded_total',
      help: 'Entries of the audit log that a destination has taken.',
      labelNames: ['destination'],
      registers,
    })
    this.#failures = new Counter({
      name: 'slipway_audit_forward_failures_total',
      help: 'Batches of entries of the audit log that a destination has not taken.',
      labelNames: ['destination'],
      registers,
    })
    this.#backlog = new Gauge({
      name: 'slipway_audit_forward_backlog',
      help: 'Entries of the audit log that wait for a destination, where this replica sends to it.',
      labelNames: ['destination'],
      registers,
    })
    this.#lanes = destinations.map((destination) => this.#run(destination))
  }

  async #run(destination: Destination): Promise<void> {
    const { database, log } = this.#context
    await sendBatches(
      {
        most: BATCH,
        everyMs: this.#everyMs,
        send: (limit) => labelled('audit-forwarder', () => this.#forward(destination, limit)),
        failed: (error, failures) => {
          this.#failures.inc({ destination: destination.kind })
          log.error('entries of the audit log could not be forwarded; they are sent again', {
            destination: destination.name,
            failures,
            error: describeError(error),
          })
        },
      },
      this.#stopping.signal,
    )
    // Another replica can go on at once. Without the database the turn ends by itself.
    await releaseForwardingLease(actor, database.db, destination.name, this.#lease).catch(() => undefined)
  }

  /** Sends the next batch. Whether there may be more. @throws Error when it was not taken. */
  async #forward(destination: Destination, limit: number): Promise<boolean> {
    const { database } = this.#context
    const lease = { id: this.#lease, seconds: LEASE_SECONDS }
    const label = { destination: destination.kind }
    const after = await takeForwardingLease(actor, database.db, destination.name, lease)
    if (after === undefined) {
      this.#backlog.remove(label)
      return false
    }
    // Entries have a place in the order once they are chained, which is otherwise done once in a minute.
    await extendChain(this.#context)
    const { entries, next } = await listForwardable(actor, database.db, { after, limit })
    // Before they are sent: what a destination does not take piles up.
    this.#backlog.set(label, await countForwardable(actor, database.db, after))
    if (entries.length > 0)
      await destination.send(entries, AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(SEND_MS)]))
    if (next > after) await storeForwarded(actor, database.db, destination.name, this.#lease, next)
    this.#sent.inc(label, entries.length)
    const waiting = await countForwardable(actor, database.db, next)
    this.#backlog.set(label, waiting)
    return waiting > 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#lanes)
  }
}
