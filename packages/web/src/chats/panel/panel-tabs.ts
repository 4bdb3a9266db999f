import { useCallback, useState } from 'react'

import { useAddress } from '../../navigation/address.ts'

/** A tab that was opened: an app or a port of the workspace, or one more terminal. */
export type OpenedTab =
  | { readonly kind: 'app'; readonly slug: string }
  | { readonly kind: 'port'; readonly port: number }
  | { readonly kind: 'terminal'; readonly number: number }

const STORAGE = 'slipway.agents.tabs'
/** Chats whose tabs are remembered, the oldest are forgotten first; and tabs of each. */
const CHATS = 100
const TABS = 12
const OPENED = /^(?:app\.(.{1,64})|port\.(\d{1,5})|terminal\.(\d{1,3}))$/

interface Kept {
  readonly opened: readonly string[]
  readonly active: string
}

const NOTHING: Kept = { opened: [], active: '' }

/** The tab that an id stands for, as it is in addresses: `app.docs`, `port.3000`, `terminal.2`. */
export function openedTab(id: string): OpenedTab | undefined {
  const [, slug, port, terminal] = OPENED.exec(id) ?? []
  if (slug !== undefined) return { kind: 'app', slug }
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535)
    return { kind: 'port', port: Number(port) }
  return terminal === undefined ? undefined : { kind: 'terminal', number: Number(terminal) }
}

/** Opened tabs, their order and the active one (11.7 of chapter 10). */
export interface PanelTabs {
  readonly opened: readonly string[]
  /** Empty for the first. */
  readonly active: string
  readonly select: (id: string) => void
  /** Opens a tab, or goes to it when it is there already. */
  readonly open: (id: string) => void
  readonly close: (id: string) => void
  /** Puts an opened tab in the place of another one. */
  readonly move: (id: string, before: string) => void
}

/**
 * The tabs of a chat: what is active is in the address, and where the address says nothing it is as it was left in this
 * browser.
 */
export function usePanelTabs(chat: string): PanelTabs {
  const [{ panel = '' }, change] = useAddress()
  const [kept, setKept] = useState(() => read()[chat] ?? NOTHING)
  const active = panel === '' ? kept.active : panel
  const opened =
    openedTab(active) === undefined || kept.opened.includes(active) ? kept.opened : [...kept.opened, active]
  const keep = useCallback(
    (next: Kept) => {
      setKept(next)
      write(chat, next)
      change({ panel: next.active })
    },
    [chat, change],
  )
  return {
    opened,
    active,
    select: (id) => keep({ opened, active: id }),
    open: (id) => keep({ opened: opened.includes(id) ? opened : [...opened, id].slice(-TABS), active: id }),
    close: (id) => {
      const at = opened.indexOf(id)
      const rest = opened.filter((one) => one !== id)
      keep({ opened: rest, active: active === id ? (rest[Math.min(at, rest.length - 1)] ?? '') : active })
    },
    move: (id, before) => keep({ opened: moved(opened, id, before), active }),
  }
}

/** The list with one of its members in the place of another one, which makes room. */
export function moved(list: readonly string[], id: string, place: string): readonly string[] {
  const to = list.indexOf(place)
  if (to === -1 || !list.includes(id)) return list
  const rest = list.filter((one) => one !== id)
  return [...rest.slice(0, to), id, ...rest.slice(to)]
}

function read(): Readonly<Record<string, Kept>> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE) ?? '{}')
    if (typeof stored !== 'object' || stored === null) return {}
    return Object.fromEntries(
      Object.entries(stored).flatMap(([chat, value]) => {
        const kept = keptOf(value)
        return kept === undefined ? [] : [[chat, kept]]
      }),
    )
  } catch {
    return {}
  }
}

function keptOf(value: unknown): Kept | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const opened: unknown = Reflect.get(value, 'opened')
  const active: unknown = Reflect.get(value, 'active')
  if (!Array.isArray(opened) || typeof active !== 'string') return undefined
  const known = opened.filter((id): id is string => typeof id === 'string' && openedTab(id) !== undefined)
  return { opened: [...new Set(known)].slice(0, TABS), active }
}

function write(chat: string, next: Kept): void {
  const { [chat]: _, ...rest } = read()
  const all = [...Object.entries(rest).slice(-CHATS + 1), [chat, next] as const]
  try {
    localStorage.setItem(STORAGE, JSON.stringify(Object.fromEntries(all)))
  } catch {
    // Storage is switched off: the tabs last until the page goes (UI-2107).
  }
}
