import { useSyncExternalStore } from 'react'

import { NEVER } from '@slipway/contract'

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

const numbers = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'short' })
const names = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })
const absolute = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})

/** "3 min ago" / "in 2 hr" for a time seen from `now` (both in milliseconds). */
export function describeTime(time: number, now: number): string {
  const seconds = Math.round((time - now) / 1000)
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) < length) continue
    // What is past counts whole units, as a clock does; "in 7 days" may be a minute short of it.
    const units = seconds / length
    return words(seconds < 0 ? Math.trunc(units) : Math.round(units), unit)
  }
  return Math.abs(seconds) < 10 ? 'just now' : words(seconds, 'second')
}

/** "yesterday", but "1 mo ago": "last mo" is no word. Abbreviations have no point in this dashboard. */
function words(count: number, unit: Intl.RelativeTimeFormatUnit): string {
  return (unit === 'day' ? names : numbers).format(count, unit).replace('.', '')
}

/** The time in the viewer's zone, with the zone's name. */
export function exactTime(time: string | number): string {
  return absolute.format(new Date(time))
}

/** One timer for all relative times on the page; it rests while the tab is hidden. */
const minute = (() => {
  const listeners = new Set<() => void>()
  let now = Date.now()
  let timer: ReturnType<typeof setInterval> | undefined
  const tick = () => {
    if (document.hidden) return
    now = Date.now()
    for (const listener of listeners) listener()
  }
  return {
    now: () => now,
    subscribe(listener: () => void): () => void {
      listeners.add(listener)
      if (timer === undefined) {
        now = Date.now()
        timer = setInterval(tick, 15_000)
        document.addEventListener('visibilitychange', tick)
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
        document.removeEventListener('visibilitychange', tick)
      }
    },
  }
})()

/** The present time in milliseconds, anew every 15 s; one timer serves the whole page. */
export function useNow(): number {
  return useSyncExternalStore(minute.subscribe, minute.now)
}

/** A relative time with the exact one on hover and for assistive software (UI-1705). */
export function TimeAgo({
  time,
  never = 'never',
}: {
  readonly time: string | undefined
  readonly never?: string
}) {
  const now = useNow()
  if (time === undefined || time === '' || time.startsWith(NEVER.slice(0, 4))) return <span>{never}</span>
  const at = Date.parse(time)
  return (
    <time dateTime={time} title={exactTime(at)}>
      {describeTime(at, Math.max(now, at > Date.now() ? 0 : at))}
    </time>
  )
}
