import { useEffect, useRef, useState } from 'react'

import { useChatView, useConversation } from './conversation-context.ts'

const PAUSE_MS = 5000

/** Tells those who listen what happened, in short, and at most every five seconds (UI-1804). */
export function Announcer() {
  const { session } = useConversation()
  const status = useChatView(session, ({ chat }) => chat.status)
  const retrying = useChatView(session, ({ chat }) => chat.retry !== undefined)
  const [said, setSaid] = useState('')
  const before = useRef(status)
  const last = useRef(0)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    const was = before.current
    before.current = status
    if (was === undefined || was === status) return
    const words = () => {
      switch (status) {
        case 'waiting':
          return `Assistant finished, ${wordCount(session.view().chat.messages.findLast(({ role }) => role === 'assistant')?.content ?? [])} words`
        case 'error':
          return 'The answer failed'
        case 'interrupting':
          return 'Stopping'
        case 'requires_action':
          return 'Waiting for a tool'
        default:
          return 'Assistant is working'
      }
    }
    clearTimeout(timer.current)
    const speak = () => {
      last.current = Date.now()
      setSaid(words())
    }
    timer.current = setTimeout(speak, Math.max(0, last.current + PAUSE_MS - Date.now()))
    return () => clearTimeout(timer.current)
  }, [status, session])
  return (
    <div role="status" className="sr-only">
      {retrying ? 'The model is called again' : said}
    </div>
  )
}

function wordCount(content: readonly { readonly type: string; readonly text?: string }[]): number {
  return content
    .filter(({ type }) => type === 'text')
    .reduce((sum, { text = '' }) => sum + text.split(/\s+/).filter((word) => word !== '').length, 0)
}
