import type { Parsed } from './value-type.ts'

/** One moment of each day in a time zone. */
export interface DailySchedule {
  readonly zone: string
  readonly hour: number
  readonly minute: number
}

/** Reads a schedule such as `CRON_TZ=Europe/Berlin 30 2 * * *`; without a zone it is UTC (WS-231). */
export function parseDailySchedule(text: string): Parsed<DailySchedule> {
  const [, zone = 'UTC', fields = ''] = /^(?:CRON_TZ=(\S+)\s+)?(.*)$/.exec(text.trim()) ?? []
  const [minute = '', hour = '', ...days] = fields.split(/\s+/)
  if (days.join(' ') !== '* * *')
    return refused('must be daily: minute and hour, then * * *, such as CRON_TZ=Europe/Berlin 30 2 * * *')
  if (!isNumberUpTo(minute, 59) || !isNumberUpTo(hour, 23))
    return refused('must name a single time: one minute from 0 to 59 and one hour from 0 to 23')
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    return refused('must name a known time zone, such as CRON_TZ=Europe/Berlin')
  }
  return { ok: true, value: { zone, hour: Number(hour), minute: Number(minute) } }
}

/** The text that {@link parseDailySchedule} reads back. */
export function formatDailySchedule({ zone, hour, minute }: DailySchedule): string {
  return `CRON_TZ=${zone} ${minute} ${hour} * * *`
}

function isNumberUpTo(text: string, most: number): boolean {
  return /^\d{1,2}$/.test(text) && Number(text) <= most
}

function refused(problem: string): Parsed<DailySchedule> {
  return { ok: false, problem }
}
