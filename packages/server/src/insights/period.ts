import { badRequest } from '../errors/index.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Longer than any report is useful, and short enough to answer. */
const MAX_DAYS = 5 * 366
/** What other clients send for a time that they do not have. */
const ZERO_MS = Date.parse('0001-01-01T00:00:00Z')

/** A stretch of days that a report is of, from a midnight on. */
export interface Period {
  readonly start: Date
  readonly end: Date
  /** Minutes east of UTC, in which the report shows its times. */
  readonly offsetMinutes: number
}

interface Moment {
  readonly ms: number
  readonly offsetMinutes: number
}

/**
 * Reads from when until when a report is: midnights, none in the future, and for today the hours that have begun (WS-272).
 *
 * @throws ApiError 400 naming the parameter.
 */
export function readPeriod(
  query: { readonly start_time: string; readonly end_time: string },
  now: Date,
): Period {
  const start = moment('start_time', query.start_time, now)
  const end = moment('end_time', query.end_time, now)
  if (end.ms < start.ms) throw invalid('end_time', 'must be equal or greater than "start_time"')
  if (end.ms - start.ms > MAX_DAYS * DAY_MS)
    throw invalid('start_time', `must be at most ${MAX_DAYS} days before "end_time"`)
  return { start: new Date(start.ms), end: new Date(end.ms), offsetMinutes: start.offsetMinutes }
}

function moment(name: 'start_time' | 'end_time', text: string, now: Date): Moment {
  const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/i.exec(text)
  const ms = Date.parse(text.toUpperCase())
  if (match === null || Number.isNaN(ms))
    throw invalid(name, `must be a time with an offset, such as 2026-01-31T00:00:00+01:00`)
  const [, sign, hours = '0', minutes = '0'] = match
  const offsetMinutes = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  if (ms === ZERO_MS) throw invalid(name, 'must not be zero')
  // The hour that has begun counts, so that the latest data can be asked for.
  if (ms > Math.floor(now.getTime() / HOUR_MS) * HOUR_MS + HOUR_MS)
    throw invalid(name, 'must not be in the future')
  const local = ms + offsetMinutes * 60_000
  const today = dayOf(local) === dayOf(now.getTime() + offsetMinutes * 60_000)
  if (name === 'end_time' && today) {
    if (local % HOUR_MS !== 0) throw invalid(name, 'must be a full hour')
  } else if (local % DAY_MS !== 0) throw invalid(name, 'must have the clock set to 00:00:00')
  return { ms, offsetMinutes }
}

function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS)
}

/** A part of a period. */
export interface Interval {
  readonly start: Date
  readonly end: Date
}

/**
 * Divides a period into days or weeks; the last one ends with it.
 *
 * @throws ApiError 400 for another unit, and for weeks of which the last one has less than six days.
 */
export function intervalsOf({ start, end }: Period, unit: string): Interval[] {
  if (unit !== 'day' && unit !== 'week') throw invalid('interval', 'must be one of day, week')
  const length = unit === 'day' ? DAY_MS : 7 * DAY_MS
  const rest = (end.getTime() - start.getTime()) % length
  if (unit === 'week' && rest > 0 && rest < 6 * DAY_MS)
    throw badRequest('Query parameter has invalid value.', {
      detail: 'Last report interval should have at least six days.',
      validations: [{ field: 'end_time', detail: 'the last week must have at least six days' }],
    })
  const intervals: Interval[] = []
  for (let from = start.getTime(); from < end.getTime(); from += length)
    intervals.push({ start: new Date(from), end: new Date(Math.min(from + length, end.getTime())) })
  return intervals
}

/** RFC 3339 in the offset of the period, as it was asked for. */
export function formatTime(time: Date, offsetMinutes: number): string {
  const local = new Date(time.getTime() + offsetMinutes * 60_000).toISOString().slice(0, 19)
  if (offsetMinutes === 0) return `${local}Z`
  const two = (value: number): string => String(value).padStart(2, '0')
  const size = Math.abs(offsetMinutes)
  return `${local}${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

function invalid(field: string, detail: string) {
  return badRequest('Query parameter has invalid value.', { validations: [{ field, detail }] })
}
