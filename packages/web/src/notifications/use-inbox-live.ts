import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'

import type { GetInboxNotificationResponse } from '@slipway/contract'
import { pollEvery } from '../api/polling.ts'
import { useLive } from '../api/use-live.ts'
import { receiveNotification, refreshInbox, unreadCountQuery } from './queries.ts'

const POLL_MS = 60_000
/** Between two announcements (UI-1601). */
const QUIET_MS = 10_000

/**
 * Keeps the inbox fresh as long as the frame is there: by its stream, else by asking every minute (UI-320).
 *
 * @returns what assistive software is told of, at most once in ten seconds.
 */
export function useInboxLive(): string {
  const [said, setSaid] = useState('')
  const lastSaid = useRef(Number.NEGATIVE_INFINITY)
  const held = useRef(0)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const announce = (title: string) => {
    held.current += 1
    const wait = lastSaid.current + QUIET_MS - performance.now()
    clearTimeout(timer.current)
    timer.current = setTimeout(
      () => {
        lastSaid.current = performance.now()
        setSaid(held.current === 1 ? `New notification: ${title}` : `${held.current} new notifications`)
        held.current = 0
      },
      Math.max(0, wait),
    )
  }
  useEffect(() => () => clearTimeout(timer.current), [])
  const up = useLive('inbox', {
    path: () => '/api/v2/notifications/inbox/watch?read_status=unread',
    optional: true,
    onMessage: (frame) => {
      if (!isFrame(frame)) return
      receiveNotification(frame.notification, frame.unread_count)
      announce(frame.notification.title)
    },
    onOpen: (reopened) => {
      if (reopened) refreshInbox()
    },
  })
  useQuery({ ...unreadCountQuery, refetchInterval: up ? false : pollEvery(POLL_MS) })
  return said
}

function isFrame(frame: unknown): frame is GetInboxNotificationResponse {
  return (
    typeof frame === 'object' &&
    frame !== null &&
    'notification' in frame &&
    'unread_count' in frame &&
    typeof frame.unread_count === 'number'
  )
}
