import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { deleteExpired, EXPIRED_KINDS, tryExpiryLock } from './store/expired.ts'

const PAUSE_MS = 60 * 60_000
/** Rows of one transaction. */
const BATCH = 5_000

const actor = systemActor('system_oauth', 'codes and tokens that have expired are cleared away')
/** What the log says, of a round and of a kind of record. */
const FAILURE = 'what clients held could not be cleared away'

/**
 * Clears away codes, tokens and grants that are of no use any more: at the start and an hour after each round has ended,
 * on one replica at a time (OA-B18).
 */
export function oauth2ExpiryJob(context: AppContext): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'db-purge',
    pauseMs: PAUSE_MS,
    failure: FAILURE,
    round: (closing) => clearExpired(context, closing),
  })
}

/** One kind that fails does not keep the others from their turn. */
async function clearExpired(context: AppContext, closing: AbortSignal): Promise<void> {
  for (const kind of EXPIRED_KINDS)
    try {
      await clear(context, kind, closing)
    } catch (error) {
      context.log.error(FAILURE, { kind, error: describeError(error) })
    }
}

async function clear(
  { clock, database }: AppContext,
  kind: (typeof EXPIRED_KINDS)[number],
  closing: AbortSignal,
): Promise<void> {
  const now = clock.now()
  for (let more = true; more && !closing.aborted; )
    more = await database.transaction(
      async (tx) =>
        (await tryExpiryLock(actor, tx)) &&
        (await deleteExpired(actor, tx, kind, { now, limit: BATCH })) === BATCH,
    )
}
