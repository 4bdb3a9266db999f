import { useEffect, useRef } from 'react'

import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { singleKeys } from './single-keys.ts'

/** How long the second key of `g w` may take. */
const SEQUENCE_MS = 1200

/** Where `g` and a letter lead. */
const PLACES: Readonly<Record<string, () => string>> = {
  w: () => paths.workspaces(),
  t: () => paths.templates(),
  a: () => paths.agents(),
  u: () => paths.users(),
  s: () => paths.settings('account'),
}

/**
 * Keys that work on every page of the frame: Ctrl/Cmd+K, `?`, `g` with a letter. Single keys rest while somebody
 * types, and during an IME composition.
 */
export function useFrameKeys({
  onPalette,
  onKeys,
}: {
  readonly onPalette: () => void
  readonly onKeys: () => void
}): void {
  const go = useGo()
  const latest = useRef({ onPalette, onKeys, go })
  useEffect(() => {
    latest.current = { onPalette, onKeys, go }
  })
  useEffect(() => {
    let pressedG = 0
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.isComposing || event.defaultPrevented) return
      // Every key in a terminal is for what runs in it (UI-1104).
      if (event.target instanceof Element && event.target.closest('.xterm') !== null) return
      if (
        event.key.toLowerCase() === 'k' &&
        (event.metaKey || event.ctrlKey) &&
        !event.shiftKey &&
        !event.altKey
      ) {
        event.preventDefault()
        latest.current.onPalette()
        return
      }
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return
      if (singleKeys.get() === 'off') return
      if (event.key === '?') latest.current.onKeys()
      else if (event.key === 'g') pressedG = event.timeStamp
      else if (event.timeStamp - pressedG < SEQUENCE_MS) {
        pressedG = 0
        const place = PLACES[event.key]
        if (place === undefined) return
        event.preventDefault()
        latest.current.go(place())
      }
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input, textarea, select, [role="dialog"], [role="menu"]') !== null)
  )
}
