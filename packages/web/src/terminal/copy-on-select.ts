import { useState } from 'react'

const KEY = 'slipway.terminal.copy-on-select'

/** Whether what is marked in a terminal is copied at once, on this device (UI-906). */
export function useCopyOnSelect(): readonly [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(stored)
  const change = (next: boolean) => {
    setOn(next)
    try {
      localStorage.setItem(KEY, String(next))
    } catch {
      // Storage is switched off: the choice lasts until the page goes (UI-2107).
    }
  }
  return [on, change]
}

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) === 'true'
  } catch {
    return false
  }
}
