import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { rollUpUsage, tryRollupLock } from './store/rollup.ts'

const actor = systemActor('usage_tracker', 'minutes become half hours')
const PAUSE_MS = 5 * 60_000

/**
 * Rolls up what is used, every five minutes, on one replica at a time (OP-52). The half hour that is under way is rolled
 * up as far as it has come, so that insights are never more than some minutes old.
 */
export function usageRollupJob(context: AppContext): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'usage',
    pauseMs: PAUSE_MS,
    failure: 'what is used could not be rolled up',
    round: async (closing) => {
      for (let more = true; more && !closing.aborted; )
        more = await context.database.transaction(
          async (tx) => (await tryRollupLock(actor, tx)) && rollUpUsage(actor, tx, context.clock.now()),
        )
    },
  })
}
