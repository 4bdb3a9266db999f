import { useCallback, useState } from 'react'

const STORAGE = 'slipway.agents.panes'

/** Widths in pixels, and which panes are open; a preference of this browser (UI-1). */
interface Panes {
  readonly list: number
  readonly listOpen: boolean
  readonly panel: number
  readonly panelOpen: boolean
}

export const LIST_WIDTH = { usual: 300, least: 220, most: 480 } as const
export const PANEL_WIDTH = { usual: 480, least: 360, most: 1200 } as const

const USUAL: Panes = {
  list: LIST_WIDTH.usual,
  listOpen: true,
  panel: PANEL_WIDTH.usual,
  panelOpen: false,
}

export function usePanes(): readonly [Panes, (change: Partial<Panes>) => void] {
  const [panes, setPanes] = useState(readPanes)
  const change = useCallback((patch: Partial<Panes>) => {
    setPanes((before) => {
      const next = { ...before, ...patch }
      try {
        localStorage.setItem(STORAGE, JSON.stringify(next))
      } catch {
        // Storage is switched off: the choice lasts until the page goes (UI-2107).
      }
      return next
    })
  }, [])
  return [panes, change]
}

function readPanes(): Panes {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE) ?? 'null')
    if (typeof stored !== 'object' || stored === null) return USUAL
    const number = (name: string, { usual, least, most }: { usual: number; least: number; most: number }) => {
      const value = Reflect.get(stored, name)
      return typeof value === 'number' && value >= least && value <= most ? value : usual
    }
    const flag = (name: string, usual: boolean) => {
      const value = Reflect.get(stored, name)
      return typeof value === 'boolean' ? value : usual
    }
    return {
      list: number('list', LIST_WIDTH),
      listOpen: flag('listOpen', USUAL.listOpen),
      panel: number('panel', PANEL_WIDTH),
      panelOpen: flag('panelOpen', USUAL.panelOpen),
    }
  } catch {
    return USUAL
  }
}
