import { useState } from 'react'

const STORAGE = 'slipway.agents.expanded'
/** As many as are remembered; the oldest go first. */
const MOST = 200

/** Which chats show those inside of them; remembered in this browser (UI-1106). */
export function useExpanded(): readonly [ReadonlySet<string>, (open: ReadonlySet<string>) => void] {
  const [expanded, setExpanded] = useState(readExpanded)
  const change = (open: ReadonlySet<string>) => {
    setExpanded(open)
    try {
      localStorage.setItem(STORAGE, JSON.stringify([...open].slice(-MOST)))
    } catch {
      // Storage is switched off: the choice lasts until the page goes (UI-2107).
    }
  }
  return [expanded, change]
}

function readExpanded(): ReadonlySet<string> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE) ?? '[]')
    return new Set(
      Array.isArray(stored) ? stored.filter((id): id is string => typeof id === 'string').slice(-MOST) : [],
    )
  } catch {
    return new Set()
  }
}
