import { CommandError } from './errors.ts'

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/**
 * Reads when a workspace starts by itself, such as `9:30AM Mon-Fri Europe/Berlin`: a time of day, days (every day
 * when absent) and a time zone (this machine's when absent).
 *
 * @returns the schedule as the server takes it (WS-132): `CRON_TZ=Europe/Berlin 30 9 * * 1-5`
 * @throws CommandError saying which word cannot be read.
 */
export function startTime(text: string): string {
  const [time = '', ...rest] = text.trim().split(/\s+/)
  const { hour, minute } = timeOfDay(time, text)
  const zoneGiven = rest.length > 0 && !isDays(rest.at(-1) ?? '')
  const zone = zoneGiven ? (rest.at(-1) ?? '') : Intl.DateTimeFormat().resolvedOptions().timeZone
  const days = zoneGiven ? rest.slice(0, -1) : rest
  if (days.length > 1 || !days.every(isDays)) throw wrong(text)
  if (zoneGiven && !knownZone(zone))
    throw new CommandError(
      `--start-at: there is no time zone ${JSON.stringify(zone)}: name one such as Europe/Berlin`,
    )
  return `CRON_TZ=${zone} ${minute} ${hour} * * ${daysOfWeek(days[0] ?? '*')}`
}

function timeOfDay(text: string, all: string): { hour: number; minute: number } {
  const match = /^(\d{1,2})(?::(\d{2}))?(am|pm)?$/i.exec(text)
  if (match === null || (match[2] === undefined && match[3] === undefined)) throw wrong(all)
  const half = match[3]?.toLowerCase()
  const hour = Number(match[1])
  const minute = Number(match[2] ?? 0)
  if (minute > 59 || (half === undefined ? hour > 23 : hour < 1 || hour > 12)) throw wrong(all)
  return { hour: half === undefined ? hour : (hour % 12) + (half === 'pm' ? 12 : 0), minute }
}

function isDays(text: string): boolean {
  return (
    text === '*' ||
    text.split(',').every((part) => part.split('-').length <= 2 && part.split('-').every(isDay))
  )
}

function isDay(text: string): boolean {
  return DAYS.includes(text.slice(0, 3).toLowerCase()) && /^[a-z]{3,9}$/i.test(text)
}

function daysOfWeek(text: string): string {
  return text
    .split(',')
    .map((part) =>
      part
        .split('-')
        .map((day) => (day === '*' ? day : String(DAYS.indexOf(day.slice(0, 3).toLowerCase()))))
        .join('-'),
    )
    .join(',')
}

function knownZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) instanceof Intl.DateTimeFormat
  } catch {
    return false
  }
}

function wrong(text: string): CommandError {
  return new CommandError(
    `--start-at must be such as "9:30AM Mon-Fri Europe/Berlin", not ${JSON.stringify(text)}`,
  )
}
