import { type RefObject, useEffect, useRef } from 'react'

import { PRODUCT } from '../ui/product.ts'
import { useAgents } from './agents-context.ts'

/** The heading of a page of chats: names the browser's tab, with the count of unread chats in front (UI-406). */
export function useChatTitle(title: string | undefined): RefObject<HTMLHeadingElement | null> {
  const { unread } = useAgents()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (title !== undefined)
      document.title = `${unread === 0 ? '' : `(${unread}) `}${title} - Agents - ${PRODUCT}`
  }, [title, unread])
  useEffect(() => {
    if (title !== undefined && (document.activeElement === null || document.activeElement === document.body))
      heading.current?.focus({ preventScroll: true })
  }, [title])
  return heading
}
