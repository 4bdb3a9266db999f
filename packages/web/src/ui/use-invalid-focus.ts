import { type RefObject, useEffect, useRef } from 'react'

/** For a form: when the server has refused it, the first field that it objects to takes the focus (UI-504). */
export function useInvalidFocus(error: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (error !== null && error !== undefined)
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [error])
  return form
}
