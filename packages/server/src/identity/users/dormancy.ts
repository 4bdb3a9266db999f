import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { PeriodicJob } from '../../periodic-job/index.ts'
import { markUnseenDormant, tryDormancyLock } from '../store/dormancy.ts'
import { recordStatusChange } from './activate-dormant.ts'

const PAUSE_MS = 15 * 60_000
/** Users of one transaction, so that a first run over many holds no lock for long. */
const BATCH = 500

const actor = systemActor('dormancy', 'users who were not seen for long become dormant')

/**
 * Makes users dormant who were not seen for the dormancy period: at the start and a quarter of an hour after each look has
 * ended, one replica at a time (ID-212, OP-58).
 */
export function dormancyJob(context: AppContext): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'dormancy',
    pauseMs: PAUSE_MS,
    failure: 'unseen users could not be made dormant',
    round: (closing) => makeUnseenDormant(context, closing),
  })
}

async function makeUnseenDormant(context: AppContext, closing: AbortSignal): Promise<void> {
  const { config, clock, database } = context
  if (config.dormancyPeriod === 0) return
  for (let more = true; more && !closing.aborted; ) {
    const now = clock.now()
    const before = new Date(now.getTime() - config.dormancyPeriod)
    const users = await database.transaction(async (tx) =>
      (await tryDormancyLock(actor, tx)) ? markUnseenDormant(actor, tx, { before, now, limit: BATCH }) : [],
    )
    for (const user of users) await recordStatusChange(context, user, 'active')
    more = users.length === BATCH
  }
}
