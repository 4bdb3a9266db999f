import type { AppContext } from '../context.ts'
import type { SharedCounters } from '../edge/index.ts'
import { DatabaseCounters } from './database-counters.ts'
import { FailOpen } from './fail-open.ts'

export { deletePastBuckets, SharedLimit } from './shared-limit.ts'

/** The counters that limits share with other replicas; undefined where each replica counts for itself (ID-208). */
export async function sharedCounters(
  context: AppContext,
): Promise<(SharedCounters & AsyncDisposable) | undefined> {
  const { rateLimitValkeyUrl: url, rateLimitStore: store, disableRateLimits } = context.config
  if (disableRateLimits) return undefined
  if (url !== '') {
    // Its library is loaded only where there is such a store, for the sake of every other start.
    const { ValkeyCounters } = await import('./valkey-counters.ts')
    return new FailOpen(await ValkeyCounters.connect(url), context.log)
  }
  switch (store) {
    case 'memory':
      return undefined
    case 'database':
      return new FailOpen(new DatabaseCounters(context), context.log)
  }
}
