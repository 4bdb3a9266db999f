import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { GatewayError } from './gateway-error.ts'
import type { GatewayMetrics } from './metrics.ts'
import { dayOf, periodOf } from './period.ts'
import { findInitiator, type Initiator } from './store/budgets.ts'

const actor = systemActor('aibridged', 'whoever asks models must be there and within budget')

/**
 * Whom a request is made for, if it may be made (AG-113). What it costs is known only after it: requests at the same time
 * may together go beyond the budget.
 *
 * @throws GatewayError 403 for a user who is gone or whose budget is used up, 500 when that cannot be found out.
 */
export async function admit(
  context: AppContext,
  metrics: GatewayMetrics,
  userId: string,
): Promise<Initiator> {
  const begun = performance.now()
  const seconds = (): number => (performance.now() - begun) / 1_000
  let initiator: Initiator | undefined
  try {
    const since = dayOf(periodOf(context.clock.now()).start)
    initiator = await findInitiator(actor, context.database.db, userId, since)
  } catch (error) {
    metrics.enforced('error', seconds())
    context.log.error('an AI budget could not be looked at', { error: describeError(error) })
    throw new GatewayError(500, 'internal_error', 'internal server error checking user AI budget', {
      cause: error,
    })
  }
  if (initiator === undefined || !initiator.live) throw new GatewayError(403, 'unauthorized', 'unauthorized')
  const { limitMicros, spendMicros, groupId } = initiator.spend
  if (limitMicros !== undefined && spendMicros >= limitMicros) {
    metrics.enforced('blocked', seconds(), groupId)
    const dollars = (limitMicros / 1_000_000).toFixed(2)
    throw new GatewayError(
      403,
      'budget_exceeded',
      `AI budget of US$${dollars} exceeded. Please contact an administrator for more details.`,
    )
  }
  metrics.enforced('allowed', seconds())
  return initiator
}
