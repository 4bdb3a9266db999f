import { type RefObject, useEffect, useRef } from 'react'

import { singleKeys } from '../frame/single-keys.ts'

interface Handlers {
  readonly onSearch: () => void
  readonly onNew: () => void
}

/**
 * Keys on the pages of chats (UI-1104): `/` searches, Alt+N begins a chat, as Ctrl+N does where the browser leaves it to
 * pages, F6 goes from pane to pane. None while somebody composes a character or works in a terminal.
 */
export function useAgentKeys(frame: RefObject<HTMLElement | null>, handlers: Handlers): void {
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.isComposing || event.defaultPrevented || isElsewhere(event.target)) return
      const control = event.ctrlKey || event.metaKey
      const modified = control || event.shiftKey
      if (event.code === 'KeyN' && !event.shiftKey && event.altKey !== control) latest.current.onNew()
      else if (
        singleKeys.get() === 'on' &&
        event.key === '/' &&
        !modified &&
        !event.altKey &&
        !isField(event.target)
      )
        latest.current.onSearch()
      else if (event.key === 'F6' && !event.altKey && !event.ctrlKey && !event.metaKey)
        cycle(frame.current, event.shiftKey ? -1 : 1)
      else return
      event.preventDefault()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [frame])
}

/** List, transcript, composer, panel: whatever of them is in sight (4.3 of chapter 10). */
function cycle(frame: HTMLElement | null, step: 1 | -1): void {
  const panes = [...(frame?.querySelectorAll<HTMLElement>('[data-pane]') ?? [])].filter(
    ({ offsetParent }) => offsetParent !== null,
  )
  const here = panes.findIndex((pane) => pane.contains(document.activeElement))
  const next = panes[(here + step + panes.length) % panes.length]
  if (next === undefined) return
  const inside = next.querySelector<HTMLElement>(
    '[tabindex="0"], textarea:not(:disabled), input:not(:disabled), a[href]:not([tabindex="-1"]), button:not(:disabled):not([tabindex="-1"])',
  )
  ;(inside ?? next).focus()
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select') !== null)
  )
}

function isElsewhere(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('[role="dialog"], [role="menu"], .xterm') !== null
}
