import { Cron } from 'croner'

import { badRequest } from '../errors/index.ts'

/**
 * Checks a weekly schedule such as `CRON_TZ=Europe/Berlin 30 9 * * 1-5` (WS-132).
 *
 * @returns the schedule with its zone, or null for none.
 * @throws ApiError 400 naming what is wrong.
 */
export function checkSchedule(text: string | null | undefined): string | null {
  if (text === undefined || text === null || text.trim() === '') return null
  const match = /^(?:CRON_TZ=(\S+)\s+)?(.*)$/.exec(text.trim())
  const zone = match?.[1] ?? 'UTC'
  const fields = (match?.[2] ?? '').split(/\s+/)
  const [minute, hour, day, month, weekday] = fields
  if (
    fields.length !== 5 ||
    minute === undefined ||
    hour === undefined ||
    weekday === undefined ||
    text.includes('@')
  )
    throw refused('it needs five fields: minute, hour, *, *, day of week')
  if (day !== '*' || month !== '*') throw refused('day of month and month must be *')
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    throw refused(`${JSON.stringify(zone)} is no time zone`)
  }
  if (zone.toLowerCase() === 'local') throw refused('name a time zone')
  try {
    new Cron(`${minute} ${hour} * * ${weekday}`, { timezone: zone, paused: true }).stop()
  } catch (error) {
    throw refused(error instanceof Error ? error.message : 'it cannot be read')
  }
  return `CRON_TZ=${zone} ${minute} ${hour} * * ${weekday}`
}

function refused(detail: string) {
  return badRequest('Invalid autostart schedule.', { validations: [{ field: 'schedule', detail }] })
}
