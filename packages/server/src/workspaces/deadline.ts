import { Cron } from 'croner'

import type { DailySchedule } from '../config/index.ts'
import { nextQuietHour } from '../user-settings/index.ts'
import { nextStart } from './autostart.ts'

const HOUR_MS = 3_600_000
/** A build is never cut off so soon after its end: the stop moves to the day after. */
const LEEWAY_MS = 2 * HOUR_MS
/** The quiet hour of a day may begin a little before the day does. */
const EARLY_MS = 15 * 60_000
const DAY_MS = 24 * HOUR_MS
/** Weeks are counted from the one of this Monday. */
const FIRST_MONDAY = Date.UTC(2023, 0, 2)

/** What says when a workspace stops by itself. */
export interface StopRules {
  /** Time that it runs, in milliseconds; 0 is without end. */
  readonly ttlMs: number
  /** The schedule by which it starts; undefined when it does not. */
  readonly autostart: { readonly schedule: string; readonly blockedDays: number } | undefined
  /** Days on which it must stop, the lowest bit being Monday, in every so many weeks; undefined for none. */
  readonly required:
    | { readonly days: number; readonly weeks: number; readonly quietHours: DailySchedule }
    | undefined
}

/**
 * When a workspace stops by itself, and the time that no activity moves that beyond, counted from the end of its build
 * (WS §12.1).
 *
 * @throws Error when the rules lead into the past.
 */
export function stopTimes(
  { ttlMs, autostart, required }: StopRules,
  completedAt: Date,
): { readonly deadline: Date | null; readonly maxDeadline: Date | null } {
  const own = ttlMs === 0 ? null : ownDeadline(ttlMs, autostart, completedAt)
  const maxDeadline =
    required === undefined || required.days === 0 ? null : requiredStop(required, completedAt)
  if (maxDeadline !== null && maxDeadline <= completedAt)
    throw new Error('the stop that a template requires lies in the past')
  const deadline = own === null || (maxDeadline !== null && maxDeadline < own) ? maxDeadline : own
  return { deadline, maxDeadline }
}

/** Counted from the next start by the schedule when that comes first. */
function ownDeadline(ttlMs: number, autostart: StopRules['autostart'], completedAt: Date): Date {
  const deadline = completedAt.getTime() + ttlMs
  const start =
    autostart === undefined ? undefined : nextStart(autostart.schedule, completedAt, autostart.blockedDays)
  return new Date(start !== undefined && start.getTime() < deadline ? start.getTime() + ttlMs : deadline)
}

/** The quiet hour of the owner on the first day that counts (WS-231). */
function requiredStop(
  { days, weeks, quietHours }: NonNullable<StopRules['required']>,
  completedAt: Date,
): Date {
  const calendar = new Calendar(quietHours.zone)
  const earliest = new Date(completedAt.getTime() + LEEWAY_MS)
  let midnight = calendar.startOfDay(earliest)
  if (weeks > 1) {
    const week = calendar.weekOf(midnight)
    const wanted = week + weeks - (week % weeks)
    while (calendar.weekOf(midnight) < wanted) midnight = calendar.nextMidnight(midnight)
  }
  // The quiet hour may be midnight itself.
  if (nextQuietHour(quietHours, new Date(midnight.getTime() - 1_000)) < earliest)
    midnight = calendar.nextMidnight(midnight)
  while ((days & (1 << calendar.weekdayOf(midnight))) === 0) midnight = calendar.nextMidnight(midnight)
  const near = midnight.getTime() < completedAt.getTime() + HOUR_MS
  return nextQuietHour(
    quietHours,
    new Date(near ? completedAt.getTime() + HOUR_MS : midnight.getTime() - EARLY_MS),
  )
}

/** Days and weeks of a time zone, whose days are not all of the same length. */
class Calendar {
  readonly #midnights: Cron
  readonly #date: Intl.DateTimeFormat

  constructor(zone: string) {
    this.#midnights = new Cron('0 0 * * *', { timezone: zone, paused: true })
    this.#date = new Intl.DateTimeFormat('en-CA', { timeZone: zone })
  }

  /** The midnight after a time. */
  nextMidnight(after: Date): Date {
    const next = this.#midnights.nextRun(after)
    if (next === null) throw new Error('there is always another day')
    return next
  }

  /** The midnight with which the day of a time begins. */
  startOfDay(at: Date): Date {
    let start = this.nextMidnight(new Date(at.getTime() - 2 * DAY_MS))
    for (let next = this.nextMidnight(start); next <= at; next = this.nextMidnight(next)) start = next
    return start
  }

  /** Number of the day since the Monday that weeks are counted from. */
  #dayOf(at: Date): number {
    return Math.round((Date.parse(`${this.#date.format(at)}T00:00:00Z`) - FIRST_MONDAY) / DAY_MS)
  }

  weekOf(at: Date): number {
    return Math.floor(this.#dayOf(at) / 7)
  }

  /** 0 is Monday. */
  weekdayOf(at: Date): number {
    return ((this.#dayOf(at) % 7) + 7) % 7
  }
}
