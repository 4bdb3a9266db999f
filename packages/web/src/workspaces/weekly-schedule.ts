/** When a workspace starts by itself: days of the week (0 is Sunday) and a time of day in a named zone. */
export interface WeeklySchedule {
  readonly zone: string
  readonly hour: number
  readonly minute: number
  readonly days: readonly number[]
}

const ALL_DAYS = [0, 1, 2, 3, 4, 5, 6]

/** Reads `CRON_TZ=Europe/Berlin 30 9 * * 1-5` (WS-132); undefined when it says more than days and a time. */
export function parseSchedule(text: string): WeeklySchedule | undefined {
  const match = /^(?:CRON_TZ=(\S+)\s+)?(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+(\S+)$/.exec(text.trim())
  if (match === null) return undefined
  const [, zone = 'UTC', minute, hour, weekdays = ''] = match
  const days = parseDays(weekdays)
  if (days === undefined || Number(minute) > 59 || Number(hour) > 23) return undefined
  return { zone, hour: Number(hour), minute: Number(minute), days }
}

/** The other way around. */
export function formatSchedule({ zone, hour, minute, days }: WeeklySchedule): string {
  const sorted = [...new Set(days)].sort((a, b) => a - b)
  return `CRON_TZ=${zone} ${minute} ${hour} * * ${sorted.length === ALL_DAYS.length ? '*' : sorted.join(',')}`
}

function parseDays(text: string): readonly number[] | undefined {
  if (text === '*') return ALL_DAYS
  const days = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^([0-7])(?:-([0-7]))?$/.exec(part)
    if (match === null) return undefined
    const from = Number(match[1])
    const to = Number(match[2] ?? match[1])
    if (to < from) return undefined
    for (let day = from; day <= to; day++) days.add(day % 7)
  }
  return [...days].sort((a, b) => a - b)
}

const DAY_MS = 86_400_000
const HORIZON_DAYS = 15

/** The next `count` starts after `now` (milliseconds since 1970), daylight saving included. */
export function nextRuns(schedule: WeeklySchedule, now: number, count: number): readonly number[] {
  const runs: number[] = []
  const today = wallClock(schedule.zone, now)
  for (let ahead = 0; ahead < HORIZON_DAYS && runs.length < count; ahead++) {
    const day = new Date(Date.UTC(today.year, today.month - 1, today.day) + ahead * DAY_MS)
    if (!schedule.days.includes(day.getUTCDay())) continue
    const at = instant(schedule, day)
    if (at > now) runs.push(at)
  }
  return runs
}

/** The instant at which clocks of the zone show the schedule's time on `day` (midnight UTC of that date). */
function instant({ zone, hour, minute }: WeeklySchedule, day: Date): number {
  const wanted = day.getTime() + (hour * 60 + minute) * 60_000
  // Twice: the first guess may lie on the other side of a change of the clocks.
  let at = wanted - offset(zone, wanted)
  at = wanted - offset(zone, at)
  return at
}

/** How far clocks of a zone are ahead of UTC at an instant, in milliseconds. */
function offset(zone: string, at: number): number {
  const { year, month, day, hour, minute, second } = wallClock(zone, at)
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000
}

function wallClock(zone: string, at: number) {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(at)
  const read = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((part) => part.type === type)?.value ?? 0)
  return {
    year: read('year'),
    month: read('month'),
    day: read('day'),
    hour: read('hour'),
    minute: read('minute'),
    second: read('second'),
  }
}
