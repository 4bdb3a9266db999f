import { Counter, Gauge, Histogram } from 'prom-client'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { PURGED, type PurgedRecords } from './records.ts'
import { endPrebuildKeys, tryPurgeLock } from './store.ts'

const PAUSE_MS = 10 * 60_000
/** Rows of one statement, and the time that one kind of record may take in a round (OP-79). */
const BATCH = 10_000
const KIND_MS = 60_000

const actor = systemActor('dbpurge', 'what is older than its retention is deleted')
/** What the log says, of a round and of a kind of record. */
const FAILURE = 'old records could not be deleted'

/**
 * Deletes what has grown old: at the start and ten minutes after each round has ended. Every batch is a transaction of
 * its own, so that one kind of record that fails keeps no other from its turn (OP-76), and acts under a right to delete
 * alone (OP-77).
 */
export function purgeJob(context: AppContext): PeriodicJob {
  const metrics = purgeMetrics(context)
  return new PeriodicJob(context, {
    service: 'db-purge',
    pauseMs: PAUSE_MS,
    failure: FAILURE,
    round: (closing) => purgeAll(context, metrics, closing),
  })
}

type PurgeMetrics = ReturnType<typeof purgeMetrics>

function purgeMetrics({ metrics }: AppContext) {
  const registers = [metrics]
  return {
    seconds: new Histogram({
      name: 'coderd_dbpurge_iteration_duration_seconds',
      help: 'How long a round of the purge took.',
      labelNames: ['success'],
      buckets: [1, 5, 10, 30, 60, 300, 600],
      registers,
    }),
    purged: new Counter({
      name: 'coderd_dbpurge_records_purged_total',
      help: 'Rows that were deleted because they were older than their retention.',
      labelNames: ['record_type'],
      registers,
    }),
    backlog: new Gauge({
      name: 'slipway_dbpurge_backlog',
      help: 'Whether a round ended before everything old was deleted.',
      labelNames: ['record_type'],
      registers,
    }),
  }
}

async function purgeAll(context: AppContext, metrics: PurgeMetrics, closing: AbortSignal): Promise<void> {
  const start = performance.now()
  let worked = false
  let success = true
  for (const records of PURGED) {
    if (closing.aborted) break
    try {
      worked = (await purge(context, metrics, records, closing)) || worked
    } catch (error) {
      success = false
      context.log.error(FAILURE, {
        record_type: records.type,
        error: describeError(error),
      })
    }
  }
  try {
    await endPrebuildKeys(actor, context.database.db, context.clock.now())
  } catch (error) {
    success = false
    context.log.error('keys of prebuilt workspaces could not be ended', { error: describeError(error) })
  }
  // A round in which another replica had every turn is none (OP-78).
  if (worked || !success)
    metrics.seconds.observe({ success: String(success) }, (performance.now() - start) / 1_000)
}

/** Whether it was our turn. */
async function purge(
  context: AppContext,
  metrics: PurgeMetrics,
  { type, counted, retentionMs, old, batch = BATCH }: PurgedRecords,
  closing: AbortSignal,
): Promise<boolean> {
  const retention = await retentionMs(context)
  if (retention === 0) return false
  const before = new Date(context.clock.now().getTime() - retention)
  const end = performance.now() + KIND_MS
  for (;;) {
    const count = await context.database.transaction(async (tx) =>
      (await tryPurgeLock(actor, tx, type)) ? old.deleteOld(actor, tx, { before, limit: batch }) : undefined,
    )
    if (count === undefined) return false
    if (counted) metrics.purged.inc({ record_type: type }, count)
    const more = count === batch
    const late = closing.aborted || performance.now() > end
    if (more && !late) continue
    metrics.backlog.set({ record_type: type }, more ? 1 : 0)
    return true
  }
}
