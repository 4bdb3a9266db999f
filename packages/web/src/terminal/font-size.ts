import { useState } from 'react'

const KEY = 'slipway.terminal.font-size'
const SMALLEST = 10
const LARGEST = 24
const USUAL = 14
/** Sizes to choose among, in pixels. */
export const FONT_SIZES = Array.from({ length: LARGEST - SMALLEST + 1 }, (_, more) => SMALLEST + more)

/** The size of the terminal's letters on this device, in pixels. */
export function useFontSize(): readonly [number, (size: number) => void] {
  const [size, setSize] = useState(read)
  const change = (next: number) => {
    const kept = Math.min(LARGEST, Math.max(SMALLEST, next))
    setSize(kept)
    try {
      localStorage.setItem(KEY, String(kept))
    } catch {
      // Storage is switched off: the choice lasts until the page goes (UI-2107).
    }
  }
  return [size, change]
}

function read(): number {
  try {
    const size = Number(localStorage.getItem(KEY) ?? USUAL)
    return size >= SMALLEST && size <= LARGEST ? size : USUAL
  } catch {
    return USUAL
  }
}
