import { useState } from 'react'

const MODES = ['off', 'clock', 'since start'] as const
/** How a log shows when its lines were written. */
export type LogTimes = (typeof MODES)[number]

const KEY = 'slipway.log.times'

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
})

/** The time before a line: of the clock with milliseconds, or since the first line (UI-802). */
export function lineTime(mode: LogTimes, at: string, first: string | undefined): string | undefined {
  if (mode === 'off') return undefined
  const time = Date.parse(at)
  if (Number.isNaN(time)) return ''
  if (mode === 'clock') return clock.format(time)
  const passed = Math.max(0, time - Date.parse(first ?? at)) / 1000
  const minutes = Math.floor(passed / 60)
  return minutes === 0
    ? `+${passed.toFixed(3)}`
    : `+${minutes}:${(passed - minutes * 60).toFixed(3).padStart(6, '0')}`
}

/** The choice of this device, and how to go on to the next one. */
export function useTimes(): readonly [LogTimes, () => void] {
  const [mode, setMode] = useState(stored)
  const next = () => {
    const chosen = MODES[(MODES.indexOf(mode) + 1) % MODES.length] ?? 'off'
    setMode(chosen)
    try {
      localStorage.setItem(KEY, chosen)
    } catch {
      // Storage is switched off: the choice lasts until the page goes (UI-2107).
    }
  }
  return [mode, next]
}

function stored(): LogTimes {
  try {
    const kept = localStorage.getItem(KEY)
    return MODES.find((mode) => mode === kept) ?? 'off'
  } catch {
    return 'off'
  }
}
