import { useLayoutEffect, useState } from 'react'

/**
 * Dims the page behind a modal dialog and keeps it from scrolling. The width of the scroll bar that goes is kept
 * free, so that nothing behind moves. The dialog library's own overlay injects a style element, which the page's
 * content policy forbids.
 */
export function Scrim() {
  // Read while the bar is still there.
  const [bar] = useState(() => window.innerWidth - document.documentElement.clientWidth)
  useLayoutEffect(() => {
    document.documentElement.style.setProperty('--scroll-bar', `${bar}px`)
  }, [bar])
  return <div className="modal-scrim fixed inset-0 z-40 animate-fade bg-scrim" aria-hidden="true" />
}
