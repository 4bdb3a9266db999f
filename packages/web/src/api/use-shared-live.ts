import { useEffect, useRef, useState } from 'react'

import { handedSession } from './handed-session.ts'
import { type LiveHandlers, useLive } from './use-live.ts'

/** What the tab that has the stream tells the others. */
type Relay =
  | { readonly kind: 'frame'; readonly data: unknown }
  | { readonly kind: 'up' | 'down' }
  /** Asks whether the stream is up. */
  | { readonly kind: 'hello' }

const SHARES = 'locks' in navigator && 'BroadcastChannel' in window

/**
 * {@link useLive} with one stream for all tabs of a browser (UI-322): the tab that holds the lock of this name has it, and
 * tells the others what comes. When it goes, another one takes over at once and reads again what it may have missed.
 */
export function useSharedLive(name: string, handlers: LiveHandlers): boolean {
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  // What an embedded page follows is the affair of the session that it was handed.
  const shares = SHARES && handedSession.token === undefined
  const [leads, setLeads] = useState(!shares)
  const [up, setUp] = useState(false)
  const channel = useRef<BroadcastChannel>(undefined)
  const isUp = useRef(false)
  const followed = useRef(false)
  useEffect(() => {
    if (!shares) return
    const opened = new BroadcastChannel(name)
    channel.current = opened
    let leading = false
    opened.addEventListener('message', ({ data }: MessageEvent<Relay>) => {
      if (leading) {
        if (data.kind === 'hello') opened.postMessage({ kind: isUp.current ? 'up' : 'down' })
        return
      }
      if (data.kind === 'frame') latest.current.onMessage(data.data)
      else if (data.kind !== 'hello') {
        setUp(data.kind === 'up')
        // The first answer is no news: what is on the page was read a moment ago.
        if (data.kind === 'up' && followed.current) latest.current.onOpen?.(true)
        followed.current = true
      }
    })
    opened.postMessage({ kind: 'hello' })
    const stop = new AbortController()
    let release: (() => void) | undefined
    const hold = navigator.locks.request(
      name,
      { signal: stop.signal },
      () =>
        new Promise<void>((resolve) => {
          release = resolve
          if (stop.signal.aborted) {
            resolve()
            return
          }
          leading = true
          setLeads(true)
        }),
    )
    // Giving up the wait is how a page leaves.
    hold.catch(() => undefined)
    return () => {
      stop.abort()
      release?.()
      leading = false
      setLeads(false)
      opened.close()
      channel.current = undefined
    }
  }, [name, shares])
  const tell = (relay: Relay) => channel.current?.postMessage(relay)
  const own = useLive(leads ? name : undefined, {
    ...handlers,
    onMessage: (data) => {
      tell({ kind: 'frame', data })
      handlers.onMessage(data)
    },
    onOpen: (reopened) => {
      isUp.current = true
      tell({ kind: 'up' })
      handlers.onOpen?.(reopened || followed.current)
      followed.current = false
    },
  })
  useEffect(() => {
    if (!leads || !shares) return
    isUp.current = own
    if (!own) channel.current?.postMessage({ kind: 'down' })
  }, [leads, shares, own])
  return leads ? own : up
}
