import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { PeriodicJob } from '../../periodic-job/index.ts'
import type { ModelGateway } from '../model-gateway.ts'
import { closeAbandoned } from '../store/interceptions.ts'

const actor = systemActor('aibridged', 'requests whose gateway has died would never be seen to end')

const PAUSE_MS = 3_600_000
/** Longer than any request lasts. */
const AGE_MS = 24 * 3_600_000
const BATCH = 1_000

/**
 * Ends requests to models that have been open for a day, because whoever served them has died, so that they are seen and
 * grow old like others (AG-138).
 */
export function abandonedInterceptionsJob(
  context: AppContext,
  { parts: { governance } }: Pick<ModelGateway, 'parts'>,
): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'db-purge',
    pauseMs: PAUSE_MS,
    failure: 'requests to models that nobody serves any more could not be ended',
    round: (closing) =>
      closeAllAbandoned(context, () => governance.settings().exportWebhookUrl !== '', closing),
  })
}

async function closeAllAbandoned(
  { clock, database }: AppContext,
  isExported: () => boolean,
  closing: AbortSignal,
): Promise<void> {
  const now = clock.now()
  const before = new Date(now.getTime() - AGE_MS)
  for (let count = BATCH; count === BATCH && !closing.aborted; )
    count = await closeAbandoned(actor, database.db, {
      before,
      now,
      limit: BATCH,
      queued: isExported(),
    })
}
