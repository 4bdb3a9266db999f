import { Cron } from 'croner'

import { badRequest } from '../errors/index.ts'

const WEEK_MS = 7 * 24 * 60 * 60_000
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

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

/**
 * The first time after `after` at which a schedule of {@link checkSchedule} starts the workspace on a day that
 * the template allows, judged in the schedule's own zone (WS-237); undefined when there is none in a week.
 *
 * @param blockedDays bits of days without autostart; the lowest one is Monday.
 */
export function nextStart(schedule: string, after: Date, blockedDays: number): Date | undefined {
  const match = /^CRON_TZ=(\S+) (.+)$/.exec(schedule)
  const [, timezone, fields] = match ?? []
  if (timezone === undefined || fields === undefined) return undefined
  const cron = new Cron(fields, { timezone, paused: true })
  const weekday = new Intl.DateTimeFormat('en', { timeZone: timezone, weekday: 'short' })
  const end = after.getTime() + WEEK_MS
  for (let at = cron.nextRun(after); at !== null && at.getTime() <= end; at = cron.nextRun(at))
    if ((blockedDays & (1 << WEEKDAYS.indexOf(weekday.format(at)))) === 0) return at
  return undefined
}

function refused(detail: string) {
  return badRequest('Invalid autostart schedule.', { validations: [{ field: 'schedule', detail }] })
}
