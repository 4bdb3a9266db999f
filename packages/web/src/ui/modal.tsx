import { Dialog as Primitive } from 'radix-ui'
import { type ComponentProps, useEffect, useLayoutEffect, useRef, useState } from 'react'

import { firstControl, placeOf } from './focus-place.ts'

/** What says that the content of a dialog is still on its way. */
const LOADING = '.skeleton, [aria-busy=true], [data-modal-body] [role=status]'

/**
 * What dialogs, palette and menu sheet have in common: the page behind is dimmed and does not scroll, and focus goes
 * back to where it came from (UI-506). Inside of the library's portal.
 */
export function ModalContent(props: ComponentProps<typeof Primitive.Content>) {
  const content = useRef<HTMLDivElement>(null)
  const [opener] = useState(focusedControl)
  const [place] = useState(() => (opener === undefined ? undefined : placeOf(opener)))
  // The width of the scroll bar that goes, read while it is there, is kept free: nothing behind moves.
  const [bar] = useState(() => window.innerWidth - document.documentElement.clientWidth)
  useLayoutEffect(() => {
    document.documentElement.style.setProperty('--scroll-bar', `${bar}px`)
  }, [bar])
  // Content that comes later gets the focus that waits for it.
  useEffect(() => {
    const element = content.current
    if (element === null) return
    const watch = new MutationObserver(() => {
      if (document.activeElement === element && element.querySelector(LOADING) === null)
        firstOf(element)?.focus()
    })
    watch.observe(element, { childList: true, subtree: true })
    return () => watch.disconnect()
  }, [])
  return (
    <>
      {/* The library's own overlay injects a style element, which the page's content policy forbids. */}
      <div className="modal-scrim fixed inset-0 z-50 animate-fade bg-scrim" aria-hidden="true" />
      <Primitive.Content
        {...props}
        ref={content}
        onOpenAutoFocus={(event) => {
          // The library passes links by, and begins at what closes the dialog where there is nothing else yet.
          event.preventDefault()
          const element = content.current
          if (element === null) return
          const first = element.querySelector(LOADING) === null ? firstOf(element) : undefined
          if (first === undefined) element.focus({ preventScroll: true })
          else first.focus()
        }}
        onCloseAutoFocus={(event) => {
          // The library knows openers that are its own triggers only.
          event.preventDefault()
          if (opener?.isConnected === true) opener.focus()
          if (document.activeElement === document.body) (place?.() ?? mainContent())?.focus()
        }}
      />
    </>
  )
}

/** What a dialog is about comes before its buttons, and what closes it comes last. */
function firstOf(content: HTMLElement): HTMLElement | undefined {
  const parts = content.querySelectorAll('[data-modal-body]')
  if (parts.length === 0) return firstControl(content)
  return [...parts].map(firstControl).find((control) => control !== undefined)
}

const mainContent = () => document.getElementById('main-content')

/** What has the focus; for an entry of a menu, which goes with its menu, the button of the menu. */
function focusedControl(): HTMLElement | undefined {
  const { activeElement } = document
  const button = activeElement?.closest('[role="menu"]')?.getAttribute('aria-labelledby')
  const control = button == null ? activeElement : document.getElementById(button)
  return control instanceof HTMLElement && control !== document.body ? control : undefined
}
