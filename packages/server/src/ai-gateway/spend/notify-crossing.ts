import type { AIBudgetPeriod } from '@slipway/contract'
import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { enqueueNotification, enqueueToOwnersAndUserAdmins, TEMPLATES } from '../../notifications/index.ts'
import { findCrossingNames } from '../store/crossings.ts'
import type { BudgetCrossing } from '../store/records.ts'
import { dollars } from './budget-message.ts'
import { type BudgetPeriod, presentPeriod } from './period.ts'

const reader = systemActor('aibridged', 'whoever reaches a threshold of an AI budget is named to who is told')
const notifier = systemActor(
  'notifier',
  'who reaches a threshold of an AI budget is told, and administrators are',
)

/** A threshold that was reached, and when its budget begins anew. */
export interface Crossed {
  readonly crossing: BudgetCrossing
  readonly period: BudgetPeriod
  readonly periodKind: AIBudgetPeriod
}

/** Tells the user, and every owner and user admin but the user, of a threshold that was reached (AG-114). */
export async function notifyCrossing(
  context: AppContext,
  { crossing, period, periodKind }: Crossed,
): Promise<void> {
  const { userId, groupId, threshold, limitMicros, limitSource } = crossing
  const names = await findCrossingNames(reader, context.database.db, userId, groupId)
  if (names === undefined) return
  const labels = {
    threshold: String(threshold),
    limit: dollars(limitMicros),
    period: periodKind,
    limit_source: limitSource,
    username: names.username,
    effective_group_name: names.group,
    organization_name: names.organization,
    ...presentPeriod(period),
  }
  // For the words of the notification, beside the labels that AG-114 asks for.
  const data = {
    ...(periodKind === 'none' ? {} : { resets: dayInWords(period.end) }),
    own: limitSource === 'user_override',
  }
  const full = threshold === 100
  const targets = [userId, groupId]
  await Promise.all([
    enqueueNotification(context, notifier, {
      userId,
      templateId: full ? TEMPLATES.aiBudgetLimitReached : TEMPLATES.aiBudgetWarning,
      labels,
      data,
      targets,
    }),
    enqueueToOwnersAndUserAdmins(context, notifier, {
      except: [userId],
      templateId: full ? TEMPLATES.aiBudgetLimitReachedForAdmins : TEMPLATES.aiBudgetWarningForAdmins,
      labels,
      data,
      targets,
    }),
  ])
}

/** "1 December 2026", in UTC. */
function dayInWords(time: Date): string {
  return time.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
}
