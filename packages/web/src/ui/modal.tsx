import { Dialog as Primitive } from 'radix-ui'
import { type ComponentProps, useLayoutEffect, useState } from 'react'

/**
 * What dialogs, palette and menu sheet have in common: the page behind is dimmed and does not scroll, and focus goes
 * back to where it came from (UI-506). Inside of the library's portal.
 */
export function ModalContent(props: ComponentProps<typeof Primitive.Content>) {
  const [opener] = useState(focusedControl)
  // The width of the scroll bar that goes, read while it is there, is kept free: nothing behind moves.
  const [bar] = useState(() => window.innerWidth - document.documentElement.clientWidth)
  useLayoutEffect(() => {
    document.documentElement.style.setProperty('--scroll-bar', `${bar}px`)
  }, [bar])
  return (
    <>
      {/* The library's own overlay injects a style element, which the page's content policy forbids. */}
      <div className="modal-scrim fixed inset-0 z-50 animate-fade bg-scrim" aria-hidden="true" />
      <Primitive.Content
        {...props}
        onCloseAutoFocus={(event) => {
          // The library knows openers that are its own triggers only.
          event.preventDefault()
          if (opener?.isConnected === true) opener.focus()
          else if (document.activeElement === document.body) document.getElementById('main-content')?.focus()
        }}
      />
    </>
  )
}

/** What has the focus; for an entry of a menu, which goes with its menu, the button of the menu. */
function focusedControl(): HTMLElement | undefined {
  const { activeElement } = document
  const button = activeElement?.closest('[role="menu"]')?.getAttribute('aria-labelledby')
  const control = button == null ? activeElement : document.getElementById(button)
  return control instanceof HTMLElement && control !== document.body ? control : undefined
}
