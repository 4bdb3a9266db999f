import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { enqueueNotification } from './enqueue.ts'
import { findExpiringTokens, markExpiryTold } from './store/expiring-tokens.ts'
import { TEMPLATES } from './template-ids.ts'

const PAUSE_MS = 3_600_000
/** How long before its end the user of a token hears of it (ID-214). */
const AHEAD_MS = 7 * 24 * 3_600_000
const BATCH = 500

const actor = systemActor('provisionerd', 'users hear of tokens of theirs that end soon')

/** Tells users of tokens that end within a week: at the start and hourly, on any replica, once for each (ID-214). */
export function expiringTokensJob(context: AppContext): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'notifications',
    pauseMs: PAUSE_MS,
    failure: 'tokens that end soon could not be looked for',
    round: (closing) => tellOfExpiringTokens(context, closing),
  })
}

async function tellOfExpiringTokens(context: AppContext, closing: AbortSignal): Promise<void> {
  const { clock, database } = context
  for (let more = true; more && !closing.aborted; ) {
    const tokens = await findExpiringTokens(actor, database.db, {
      now: clock.now(),
      withinMs: AHEAD_MS,
      limit: BATCH,
    })
    for (const token of tokens)
      await enqueueNotification(context, actor, {
        templateId: TEMPLATES.tokenExpiring,
        userId: token.user_id,
        labels: {
          token_name: token.token_name,
          expires_at: `${token.expires_at.toISOString().slice(0, 10)} (UTC)`,
        },
      })
    // Afterwards: who looks in between tells the same again, which is dropped (OP-132); to be silent would be worse.
    await markExpiryTold(
      actor,
      database.db,
      tokens.map(({ id }) => id),
    )
    more = tokens.length === BATCH
  }
}
