import { type RefObject, useEffect, useRef } from 'react'

/**
 * For a form: when the server has refused it, the first field that it objects to takes the focus (UI-504); without one,
 * what it says comes into sight.
 */
export function useInvalidFocus(error: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (error === null || error === undefined) return
    const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')
    if (field != null) field.focus()
    else form.current?.querySelector('[role="alert"]')?.scrollIntoView({ block: 'center' })
  }, [error])
  return form
}
