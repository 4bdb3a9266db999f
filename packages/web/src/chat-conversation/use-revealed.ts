import { useEffect, useRef, useState } from 'react'

/** Twenty times a second is as often as text is parsed again (UI-1129). */
const TICK_MS = 50
const SLOWEST = (24 * TICK_MS) / 1000
const FASTEST = (420 * TICK_MS) / 1000
const MOST_BEHIND = 120

/** How much of a text shows one tick after `shown` characters of `length` did. */
export function nextLength(shown: number, length: number): number {
  const behind = length - shown
  if (behind <= 0) return length
  const step = Math.min(FASTEST, Math.max(SLOWEST, behind / 5))
  return Math.min(length, Math.max(Math.ceil(shown + step), length - MOST_BEHIND))
}

/** What shows of a text that is being written: a steady flow instead of bursts; all of it at the end. */
export function useRevealed(text: string, live: boolean): string {
  const latest = useRef(text)
  useEffect(() => {
    latest.current = text
  })
  const [shown, setShown] = useState(() => Math.max(0, text.length - MOST_BEHIND))
  useEffect(() => {
    if (!live) return
    const still = matchMedia('(prefers-reduced-motion: reduce)')
    const timer = setInterval(
      () =>
        setShown((length) =>
          still.matches ? latest.current.length : nextLength(length, latest.current.length),
        ),
      TICK_MS,
    )
    return () => clearInterval(timer)
  }, [live])
  if (!live || shown >= text.length) return text.slice(0, live ? shown : undefined)
  // Half of a pair is no character.
  const end = /[\ud800-\udbff]/.test(text[shown - 1] ?? '') ? shown + 1 : shown
  return text.slice(0, end)
}
