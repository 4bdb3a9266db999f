import { useEffect, useRef, useState } from 'react'

import { toasts } from '../ui/toast.tsx'
import { useChatView, useConversation } from './conversation-context.ts'
import { rowOfMessage } from './find-in-rows.ts'
import type { Row } from './rows.ts'

/** So long the row stands out, in milliseconds. */
const MARKED_MS = 2500

/**
 * Brings the message of a link into sight, reading older ones until it is there; once for each link. Answers the key of
 * the row that stands out.
 */
export function useLinkedMessage(
  message: number | undefined,
  rows: readonly Row[],
  goTo: (row: number) => void,
): string | undefined {
  const { session } = useConversation()
  const older = useChatView(session, (view) => view.older)
  const oldest = useChatView(session, (view) => view.chat.messages[0]?.id)
  const hasOlder = useChatView(session, (view) => view.chat.hasOlder)
  const [marked, setMarked] = useState<string>()
  const done = useRef<number>(undefined)
  useEffect(() => {
    if (message === undefined || done.current === message || oldest === undefined) return
    const index = rowOfMessage(rows, message)
    const row = rows[index]
    if (row === undefined && hasOlder && message < oldest) {
      if (older === 'idle') void session.loadOlder()
      return
    }
    done.current = message
    if (row === undefined) {
      toasts.failed('The linked message is gone', new Error('It was changed or deleted since.'))
      return
    }
    setMarked(row.key)
    goTo(index)
    // Heights are known only once rows were rendered.
    requestAnimationFrame(() => goTo(index))
  }, [message, rows, oldest, hasOlder, older, session, goTo])
  useEffect(() => {
    if (marked === undefined) return
    const timer = setTimeout(() => setMarked(undefined), MARKED_MS)
    return () => clearTimeout(timer)
  }, [marked])
  return marked
}
