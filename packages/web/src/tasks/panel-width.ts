import { useState } from 'react'

const STORAGE = 'slipway.tasks.panel'

/** Of the pane beside a task, in pixels. */
export const PANEL_WIDTH = { usual: 520, least: 340, most: 1200 } as const

/** How wide the pane beside tasks is; a preference of this browser (UI-1). */
export function usePanelWidth(): readonly [number, (width: number) => void] {
  const [width, setWidth] = useState(read)
  return [
    width,
    (next) => {
      setWidth(next)
      try {
        localStorage.setItem(STORAGE, String(next))
      } catch {
        // Storage is switched off: the choice lasts until the page goes (UI-2107).
      }
    },
  ]
}

function read(): number {
  try {
    const stored = Number(localStorage.getItem(STORAGE))
    return stored >= PANEL_WIDTH.least && stored <= PANEL_WIDTH.most ? stored : PANEL_WIDTH.usual
  } catch {
    return PANEL_WIDTH.usual
  }
}
