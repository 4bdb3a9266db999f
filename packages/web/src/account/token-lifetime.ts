const DAY_MS = 86_400_000
const NS_PER_MS = 1_000_000
const PRESETS = [7, 30, 60, 90]
const USUAL_DAYS = 30
/** What stands for "no limit": a lifetime in nanoseconds that no key outlives. */
const FOREVER_DAYS = 365 * 100

/** The lifetimes to choose from, in days, under the server's longest one (nanoseconds; 0 has none) (UI-1502). */
export function lifetimeChoices(maxNs: number): {
  readonly days: readonly number[]
  readonly chosen: number
  readonly maxDays: number
} {
  const maxDays = maxNs <= 0 ? FOREVER_DAYS : Math.floor(maxNs / NS_PER_MS / DAY_MS)
  const fitting = PRESETS.filter((days) => days <= maxDays)
  const days = fitting.length > 0 ? fitting : [Math.max(1, maxDays)]
  return { days, chosen: days.includes(USUAL_DAYS) ? USUAL_DAYS : (days.at(-1) ?? USUAL_DAYS), maxDays }
}

/** Nanoseconds of a number of days, as the wire wants them. */
export function lifetimeNs(days: number): number {
  return days * DAY_MS * NS_PER_MS
}

/** Whole days from now until a date of the form `2026-01-31`, its last second included. */
export function daysUntil(date: string, now: number): number {
  const end = new Date(`${date}T23:59:59`).getTime()
  return Math.ceil((end - now) / DAY_MS)
}
