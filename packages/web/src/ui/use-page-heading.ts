import { type RefObject, useEffect, useRef } from 'react'

import { PRODUCT } from './product.ts'

/**
 * The heading of a page: names the browser's tab, and takes the focus when the page is opened (UI-1801). A field
 * with autofocus keeps it.
 */
export function usePageHeading(title: string | undefined): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (title === undefined) return
    document.title = `${title} - ${PRODUCT}`
    if (document.activeElement === null || document.activeElement === document.body)
      heading.current?.focus({ preventScroll: true })
  }, [title])
  return heading
}
