import { describeError } from '@slipway/request-log'
import type { GatewaySettings } from '../../ai-governance/index.ts'
import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { budgetMessage, type UsedUpBudget } from '../spend/budget-message.ts'
import { dayOf, periodOf } from '../spend/period.ts'
import { findInitiator, type Initiator, type Measure } from '../store/budgets.ts'
import type { ExchangeParts } from './exchange-parts.ts'
import { GatewayError } from './gateway-error.ts'

const actor = systemActor('aibridged', 'whoever asks models must be there and within budget')

const MINUTE_MS = 60_000

/** Somebody who may ask. */
export interface Admission extends Initiator {
  /** What is said of a budget that is used up without being enforced (AG-B14); undefined within budgets. */
  readonly budgetWarning: string | undefined
}

/** By what a request at this moment is measured. */
export function measureAt(
  now: Date,
  { budgetPeriod, budgetPolicy }: Pick<GatewaySettings, 'budgetPeriod' | 'budgetPolicy'>,
  apiKeyId: string | undefined,
): Measure {
  return {
    policy: budgetPolicy,
    since: dayOf(periodOf(now, budgetPeriod).start),
    month: dayOf(periodOf(now).start),
    minute: new Date(now.getTime() - (now.getTime() % MINUTE_MS)),
    apiKeyId,
  }
}

/**
 * Whom a request is made for, if it may be made (AG-113). What it costs is known only after it: requests at the same time
 * may together go beyond the budget, by what they cost, unless it is set aside before them (see `Reservations`).
 *
 * @throws GatewayError 403 for a user who is gone or whose budget is used up, 429 for too many tokens in this minute or
 *   too many requests of the token in this second, 500 when that cannot be found out.
 */
export async function admit(
  context: AppContext,
  parts: Pick<
    ExchangeParts,
    'governance' | 'keyRates' | 'lastInitiators' | 'metrics' | 'unlimitedInitiators'
  >,
  userId: string,
  apiKeyId: string | undefined,
): Promise<Admission> {
  const { metrics } = parts
  const settings = parts.governance.settings()
  const begun = performance.now()
  const seconds = (): number => (performance.now() - begun) / 1_000
  const key = `${userId} ${apiKeyId ?? ''}`
  const unlimited = parts.unlimitedInitiators.get(key)
  if (unlimited !== undefined) {
    metrics.enforced('allowed', seconds())
    return { ...unlimited, budgetWarning: undefined }
  }
  const now = context.clock.now()
  let initiator: Initiator | undefined
  try {
    initiator = await parts.lastInitiators.get(key, () =>
      findInitiator(actor, context.database.db, userId, measureAt(now, settings, apiKeyId)),
    )
  } catch (error) {
    metrics.enforced('error', seconds())
    context.log.error('an AI budget could not be looked at', { error: describeError(error) })
    throw new GatewayError(500, 'internal_error', 'internal server error checking user AI budget', {
      cause: error,
    })
  }
  if (initiator === undefined || !initiator.live) throw new GatewayError(403, 'unauthorized', 'unauthorized')
  const exceeded = usedUpBudget(initiator)
  // The limit of a token is its own, and holds whatever budgets do.
  if (exceeded !== undefined && (settings.budgetEnforced || exceeded.of === 'key')) {
    metrics.enforced('blocked', seconds(), initiator.spend.groupId)
    throw new GatewayError(403, 'budget_exceeded', budgetMessage(exceeded))
  }
  metrics.enforced('allowed', seconds())
  requireRates(parts, initiator, apiKeyId, now)
  if (!initiator.isLimited && !context.config.aiGatewayStrict) parts.unlimitedInitiators.set(key, initiator)
  return { ...initiator, budgetWarning: exceeded === undefined ? undefined : budgetMessage(exceeded) }
}

function usedUpBudget({ spend, furtherBudgets }: Initiator): UsedUpBudget | undefined {
  const { limitMicros, spendMicros } = spend
  const own = limitMicros === undefined ? [] : [{ of: 'user' as const, limitMicros, spendMicros }]
  const all = [...furtherBudgets, ...own].filter((budget) => budget.spendMicros >= budget.limitMicros)
  return all.find(({ of }) => of === 'key') ?? all.find(({ of }) => of === 'user') ?? all[0]
}

/** @throws GatewayError 429, with the seconds after which it may be tried again (AG-B8, AG-B12). */
function requireRates(
  { keyRates }: Pick<ExchangeParts, 'keyRates'>,
  { tokensUsedUpBy, keyLimits }: Initiator,
  apiKeyId: string | undefined,
  now: Date,
): void {
  const refuse = (message: string, retryAfterSeconds: number): never => {
    throw new GatewayError(429, 'rate_limited', message, { retryAfterSeconds })
  }
  if (tokensUsedUpBy !== undefined) {
    const left = MINUTE_MS - (now.getTime() % MINUTE_MS)
    const whose = { group: 'Your group has', user: 'You have', key: 'This token has' }[tokensUsedUpBy]
    refuse(
      `${whose} used up the tokens of models of this minute. Please try again later.`,
      Math.ceil(left / 1_000),
    )
  }
  const rate = keyLimits?.requestsPerSecond
  if (rate !== undefined && apiKeyId !== undefined && !keyRates.take(apiKeyId, rate))
    refuse("You've been rate limited. Please try again later.", 1)
}
