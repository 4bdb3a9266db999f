const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export type Interval = 'day' | 'week'

/** What the insights of a template are of: whole days in one offset, the last of which may be under way. */
export interface InsightsRange {
  /** The first and the last day, such as `2026-01-31`. */
  readonly startDate: string
  readonly endDate: string
  readonly interval: Interval
  /** For the server, in the offset of the viewer (UI-1008). */
  readonly startTime: string
  readonly endTime: string
  /** Whether the last day is today, of which only a part is over. */
  readonly partial: boolean
}

/** Longest range that days are shown of; longer ones are of weeks. */
const MAX_DAYS = 366
const DEFAULT_DAYS = 30

/**
 * Reads the range of an address: thirty days up to today where it says nothing or nothing sensible. Weeks are whole ones,
 * so that it may begin some days earlier (WS-272). The end is never in the future.
 *
 * @param now milliseconds since 1970.
 * @param offsetMinutes of the viewer east of UTC, which holds for the whole range.
 */
export function insightsRange(
  search: {
    readonly interval?: string | undefined
    readonly startDate?: string | undefined
    readonly endDate?: string | undefined
  },
  now: number,
  offsetMinutes: number,
): InsightsRange {
  const shift = offsetMinutes * 60_000
  const today = Math.floor((now + shift) / DAY_MS) * DAY_MS
  const interval = search.interval === 'week' ? 'week' : 'day'
  const end = Math.min(dayOf(search.endDate) ?? today, today)
  const wanted = Math.min(dayOf(search.startDate) ?? end - (DEFAULT_DAYS - 1) * DAY_MS, end)
  const start = Math.max(wanted, end - (MAX_DAYS - 1) * DAY_MS)
  const days = (end - start) / DAY_MS + 1
  const first = interval === 'week' ? end - (Math.ceil(days / 7) * 7 - 1) * DAY_MS : start
  const partial = end === today
  return {
    startDate: dateOf(first),
    endDate: dateOf(end),
    interval,
    startTime: `${dateOf(first)}T00:00:00${offsetText(offsetMinutes)}`,
    endTime: timeText(partial ? latestHour(now, shift) : end + DAY_MS, offsetMinutes),
    partial,
  }
}

/**
 * The end of the hour that is under way there; where the hour of UTC ends before it, its beginning, because the server
 * takes no later time.
 */
function latestHour(now: number, shift: number): number {
  const next = Math.floor((now + shift) / HOUR_MS) * HOUR_MS + HOUR_MS
  const latest = Math.floor(now / HOUR_MS) * HOUR_MS + HOUR_MS + shift
  return next <= latest ? next : next - HOUR_MS
}

/** The range of so many days up to today, as an address says it. */
export function lastDays(days: number, now: number, offsetMinutes: number) {
  const today = Math.floor((now + offsetMinutes * 60_000) / DAY_MS) * DAY_MS
  return { startDate: dateOf(today - (days - 1) * DAY_MS), endDate: undefined }
}

/** Number of days of a range. */
export function daysOf({ startDate, endDate }: Pick<InsightsRange, 'startDate' | 'endDate'>): number {
  return (Date.parse(endDate) - Date.parse(startDate)) / DAY_MS + 1
}

/** Midnight of a day, as if it were in UTC; undefined for what is no day. */
function dayOf(date: string | undefined): number | undefined {
  if (date === undefined || !/^\d{4}-\d\d-\d\d$/.test(date)) return undefined
  const ms = Date.parse(date)
  return Number.isNaN(ms) || dateOf(ms) !== date ? undefined : ms
}

function dateOf(local: number): string {
  return new Date(local).toISOString().slice(0, 10)
}

function timeText(local: number, offsetMinutes: number): string {
  return `${new Date(local).toISOString().slice(0, 19)}${offsetText(offsetMinutes)}`
}

function offsetText(minutes: number): string {
  if (minutes === 0) return 'Z'
  const two = (value: number): string => String(value).padStart(2, '0')
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** A day for people: `12 Mar`. The time begins with the day where it is. */
export function dayLabel(time: string): string {
  const day = new Date(`${time.slice(0, 10)}T00:00:00Z`)
  return day.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
}
