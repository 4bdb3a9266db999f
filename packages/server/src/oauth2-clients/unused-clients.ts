import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { deletePastBuckets } from '../rate-limits/index.ts'
import { deleteUnusedClients } from './store/registrations.ts'

const PAUSE_MS = 60 * 60_000
const KEPT_MS = 30 * 24 * 60 * 60_000
const BATCH = 1_000

const actor = systemActor('system_oauth', 'clients that nobody has authorised for long are removed')

/** Removes self-registered clients that nobody has authorised within 30 days: at the start and every hour (OA-B7). */
export function unusedClientsJob(context: AppContext): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'db-purge',
    pauseMs: PAUSE_MS,
    failure: 'unused OAuth2 clients could not be removed',
    round: (closing) => removeUnusedClients(context, closing),
  })
}

async function removeUnusedClients(context: AppContext, closing: AbortSignal): Promise<void> {
  const { clock, database } = context
  await deletePastBuckets(context)
  const before = new Date(clock.now().getTime() - KEPT_MS)
  for (let more = true; more && !closing.aborted; )
    more = (await deleteUnusedClients(actor, database.db, { before, limit: BATCH })) === BATCH
}
