import { Cron } from 'croner'

import type { UserQuietHoursScheduleResponse } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import { type DailySchedule, formatDailySchedule, parseDailySchedule } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, forbidden } from '../errors/index.ts'
import { getQuietHours, updateQuietHours } from './store.ts'

/**
 * When the workspaces of a user may be restarted: as the user has chosen, where the deployment lets them choose, else
 * its default (WS-231).
 *
 * @throws ApiError 404.
 */
export async function quietHoursOf(
  context: AppContext,
  actor: Actor,
  userId: string,
): Promise<UserQuietHoursScheduleResponse> {
  const { allowCustomQuietHours } = context.config
  const stored = await getQuietHours(actor, context.database.db, userId)
  const schedule = effectiveQuietHours(context.config, stored)
  const { zone, hour, minute } = schedule
  return {
    raw_schedule: formatDailySchedule(schedule),
    user_set: allowCustomQuietHours && stored !== '',
    user_can_set: allowCustomQuietHours,
    time: `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`,
    timezone: zone,
    next: nextQuietHour(schedule, context.clock.now()).toISOString(),
  }
}

/**
 * Sets a user's own quiet hours, or with an empty text those of the deployment. Deadlines of running workspaces stay,
 * because a workspace whose deadline could be moved on and on would never stop (WS-231).
 *
 * @throws ApiError 400 for what is no daily schedule, 403 where users may not choose.
 */
export async function setQuietHours(
  context: AppContext,
  actor: Actor,
  userId: string,
  text: string,
): Promise<void> {
  if (!context.config.allowCustomQuietHours)
    throw forbidden('Users may not set quiet hours of their own in this deployment.')
  await updateQuietHours(actor, context.database.db, userId, checked(text))
}

function checked(text: string): string {
  if (text.trim() === '') return ''
  const parsed = parseDailySchedule(text)
  if (!parsed.ok)
    throw badRequest('Invalid quiet hours schedule.', {
      validations: [{ field: 'schedule', detail: parsed.problem }],
    })
  return formatDailySchedule(parsed.value)
}

/** The schedule that counts for a user who has stored this one; empty for none (WS-231). */
export function effectiveQuietHours(
  config: Pick<AppContext['config'], 'allowCustomQuietHours' | 'quietHoursDefaultSchedule'>,
  stored: string,
): DailySchedule {
  const own = config.allowCustomQuietHours && stored !== ''
  const parsed = parseDailySchedule(own ? stored : config.quietHoursDefaultSchedule)
  // Both were checked when they were set.
  if (!parsed.ok) throw new Error(`a stored schedule of quiet hours ${parsed.problem}`)
  return parsed.value
}

/** The first quiet hour after a time. */
export function nextQuietHour({ zone, hour, minute }: DailySchedule, after: Date): Date {
  const next = new Cron(`${minute} ${hour} * * *`, { timezone: zone, paused: true }).nextRun(after)
  if (next === null) throw new Error('a daily schedule has no next time')
  return next
}
