import { useEffect, useRef } from 'react'

/**
 * Ctrl or ⌘ and F looks in the whole chat, of which the browser sees only what is on the page. Pressed again in the field
 * it is the browser's own.
 */
export function useFindKey(onFind: () => void): void {
  const latest = useRef(onFind)
  useEffect(() => {
    latest.current = onFind
  })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.isComposing || event.defaultPrevented || event.shiftKey || event.altKey) return
      if (event.key.toLowerCase() !== 'f' || !(event.ctrlKey || event.metaKey)) return
      if (
        event.target instanceof Element &&
        event.target.closest('search, [role="dialog"], [role="menu"], .xterm') !== null
      )
        return
      event.preventDefault()
      latest.current()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [])
}
