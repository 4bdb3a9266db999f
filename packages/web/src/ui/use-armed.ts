import { useEffect, useState } from 'react'

/** A click within this time after a question appears was meant for something else (UI-2009). */
const DELAY_MS = 500

/** False until what asks for consent has been on screen long enough to be seen. */
export function useArmed(): boolean {
  const [armed, setArmed] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setArmed(true), DELAY_MS)
    return () => clearTimeout(timer)
  }, [])
  return armed
}
