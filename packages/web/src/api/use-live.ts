import { useEffect, useRef, useState } from 'react'

import { checkSession, connection } from './client.ts'
import { type LiveSocketOptions, openLiveSocket } from './live-socket.ts'

/** What the owner of a stream does with it. */
export type LiveHandlers = Pick<LiveSocketOptions, 'onMessage' | 'onOpen' | 'isEnd' | 'optional'> & {
  /** Asked anew for every attempt. */
  readonly path: () => string
}

/**
 * Keeps a stream open while `key` is set; another key is another stream. Handlers may change at will. Answers
 * whether the stream is up, so that the owner can poll meanwhile (UI-320).
 */
export function useLive(key: string | undefined, handlers: LiveHandlers): boolean {
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  const [up, setUp] = useState(false)
  useEffect(() => {
    if (key === undefined) return
    using cleanup = new DisposableStack()
    cleanup.use(
      openLiveSocket({
        path: () => latest.current.path(),
        onMessage: (data) => latest.current.onMessage(data),
        onOpen: (reopened) => {
          setUp(true)
          latest.current.onOpen?.(reopened)
        },
        onDown: () => {
          setUp(false)
          if (latest.current.optional !== true) connection.suspect()
        },
        isEnd: (event) => latest.current.isEnd?.(event) ?? false,
        onRefused: () => void checkSession(),
        ...(latest.current.optional === true ? { optional: true } : {}),
      }),
    )
    cleanup.defer(() => setUp(false))
    const owned = cleanup.move()
    return () => owned.dispose()
  }, [key])
  return up
}

/** The payload of a `{type, data}` frame; undefined for pings and errors. */
export function eventData(frame: unknown): unknown {
  return typeof frame === 'object' &&
    frame !== null &&
    'type' in frame &&
    frame.type === 'data' &&
    'data' in frame
    ? frame.data
    : undefined
}
