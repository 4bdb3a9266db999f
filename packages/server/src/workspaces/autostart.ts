import { Cron } from 'croner'

import { badRequest } from '../errors/index.ts'

const QUARTER_MS = 15 * 60_000
const WEEK_MS = 7 * 24 * 60 * 60_000
/** Schedules that are kept as they were read. */
const MAX_READ = 256
/** No schedule of the five fields needs more; each list of workspaces reads it again. */
const MAX_LENGTH = 256
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
  if (fields.length !== 5 || minute === undefined || hour === undefined || weekday === undefined)
    throw refused('it needs five fields: minute, hour, *, *, day of week')
  if (text.length > MAX_LENGTH) throw refused(`it is longer than ${MAX_LENGTH} characters`)
  if (day !== '*' || month !== '*') throw refused('day of month and month must be *')
  if (!/^[\d*,/-]+$/.test(minute + hour) || !/^[\da-z*,/-]+$/i.test(weekday))
    throw refused('a field may hold *, numbers, names of days, lists, ranges and steps')
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    throw refused(`${JSON.stringify(zone)} is no time zone`)
  }
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
  const read = readSchedule(schedule)
  if (read === undefined) return undefined
  const { cron, weekday } = read
  const end = after.getTime() + WEEK_MS
  for (let at = cron.nextRun(after); at !== null && at.getTime() <= end; at = cron.nextRun(quarterEnd(at)))
    if ((blockedDays & (1 << WEEKDAYS.indexOf(weekday.format(at)))) === 0) return at
  return undefined
}

interface ReadSchedule {
  readonly cron: Cron
  readonly weekday: Intl.DateTimeFormat
}

/** Schedules that were read lately: to read one costs five times as much as to ask it. */
const readSchedules = new Map<string, ReadSchedule>()

function readSchedule(schedule: string): ReadSchedule | undefined {
  const known = readSchedules.get(schedule)
  if (known !== undefined) return known
  const [, timezone, fields] = /^CRON_TZ=(\S+) (.+)$/.exec(schedule) ?? []
  if (timezone === undefined || fields === undefined) return undefined
  const read = {
    cron: new Cron(fields, { timezone, paused: true }),
    weekday: new Intl.DateTimeFormat('en', { timeZone: timezone, weekday: 'short' }),
  }
  const [oldest] = readSchedules.keys()
  if (oldest !== undefined && readSchedules.size >= MAX_READ) readSchedules.delete(oldest)
  readSchedules.set(schedule, read)
  return read
}

/** The last moment of a quarter of an hour; days begin with one in every zone, so none is passed over. */
function quarterEnd(at: Date): Date {
  return new Date((Math.floor(at.getTime() / QUARTER_MS) + 1) * QUARTER_MS - 1)
}

function refused(detail: string) {
  return badRequest('Invalid autostart schedule.', { validations: [{ field: 'schedule', detail }] })
}
