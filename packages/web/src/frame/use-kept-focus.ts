import { useEffect } from 'react'

import { placeOf } from '../ui/focus-place.ts'

/**
 * Keeps the keyboard where it was when what has the focus goes: a row that somebody has removed, a button of the page's head
 * that is no longer offered. Elsewhere the browser itself goes on from there.
 */
export function useKeptFocus(): void {
  useEffect(() => {
    let held: { readonly control: Element; readonly place: () => HTMLElement | undefined } | undefined
    const note = ({ target }: FocusEvent) => {
      const known = target instanceof Element && target.closest('main :is(tr, li, header)') !== null
      held = known ? { control: target, place: placeOf(target) } : undefined
    }
    // Browsers tell of the loss before they take the element out: what was only left is there afterwards.
    const leave = ({ target }: FocusEvent) =>
      queueMicrotask(() => {
        if (held?.control === target && held.control.isConnected) held = undefined
      })
    const watch = new MutationObserver(() => {
      if (held === undefined || held.control.isConnected) return
      const { place } = held
      held = undefined
      if (document.activeElement === document.body) place()?.focus({ preventScroll: true })
    })
    document.addEventListener('focusin', note)
    document.addEventListener('focusout', leave)
    watch.observe(document.body, { childList: true, subtree: true })
    return () => {
      document.removeEventListener('focusin', note)
      document.removeEventListener('focusout', leave)
      watch.disconnect()
    }
  }, [])
}
