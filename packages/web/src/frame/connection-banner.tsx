import { type Query, useIsFetching } from '@tanstack/react-query'
import { CloudOff, RefreshCw, WifiOff } from 'lucide-react'
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react'

import { connection } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { serverBuild } from '../api/server-build.ts'
import { Button } from '../ui/button.tsx'
import { PRODUCT } from '../ui/product.ts'
import { Spinner } from '../ui/spinner.tsx'

/** Short breaks pass without a word. */
const SHOW_AFTER_MS = 2000
const BACK_MS = 2500

/** Whether the server answers; actions that change something wait for that (UI-2102). */
export function useOnline(): boolean {
  return useSyncExternalStore(connection.subscribe, connection.view).state === 'online'
}

/**
 * The one place that says that the connection is gone, and when it comes back (UI-2102). Data stays readable
 * meanwhile, and nobody is signed out.
 */
export function ConnectionBanner() {
  const view = useSyncExternalStore(connection.subscribe, connection.view)
  const changed = useSyncExternalStore(serverBuild.subscribe, serverBuild.changed)
  const down = view.state !== 'online'
  const waiting = useIsFetching({ predicate: isHeldBack }) > 0
  const [phase, setPhase] = useState<'hidden' | 'down' | 'back'>('hidden')
  useEffect(() => {
    if (down) {
      const timer = setTimeout(() => setPhase('down'), SHOW_AFTER_MS)
      return () => clearTimeout(timer)
    }
    setPhase((before) => (before === 'down' ? 'back' : 'hidden'))
    const timer = setTimeout(() => setPhase('hidden'), BACK_MS)
    return () => clearTimeout(timer)
  }, [down])

  if (phase === 'back')
    return (
      <Strip tone="ok">
        <span>Back online</span>
      </Strip>
    )
  if (phase === 'down' && down) {
    const Icon = view.state === 'offline' ? WifiOff : CloudOff
    return (
      <Strip tone="warn">
        <Icon className="size-4 shrink-0 text-warn" aria-hidden="true" />
        <span className="min-w-0">
          <span className="font-medium">
            {view.state === 'offline' ? 'You are offline.' : 'The server cannot be reached.'}
          </span>{' '}
          <span className="text-ink-2">What you see may be out of date.</span>
        </span>
        <RetryAt at={view.retryAt} />
      </Strip>
    )
  }
  if (waiting)
    return (
      <Strip tone="warn">
        <Spinner className="size-4 text-warn" />
        <span className="min-w-0">
          <span className="font-medium">Too many requests.</span>{' '}
          <span className="text-ink-2">The server asks to wait a little; the page goes on by itself.</span>
        </span>
      </Strip>
    )
  if (changed)
    return (
      <Strip tone="run">
        <RefreshCw className="size-4 shrink-0 text-run" aria-hidden="true" />
        <span className="min-w-0">A new version of {PRODUCT} is running on the server.</span>
        <Button size="dense" onClick={() => location.reload()}>
          Reload
        </Button>
      </Strip>
    )
  return null
}

/** What a page shows waits until the server has room for it; where there is something to show already, nobody has to know (UI-2104). */
function isHeldBack({ state }: Query): boolean {
  return state.data === undefined && statusOf(state.fetchFailureReason) === 429
}

const STRIPS = {
  ok: 'bg-ok-wash border-[color-mix(in_srgb,var(--ok)_30%,var(--line))]',
  warn: 'bg-warn-wash border-[color-mix(in_srgb,var(--warn)_30%,var(--line))]',
  run: 'bg-run-wash border-[color-mix(in_srgb,var(--run)_30%,var(--line))]',
} as const

function Strip({ tone, children }: { readonly tone: keyof typeof STRIPS; readonly children: ReactNode }) {
  return (
    <div
      role="status"
      // Beside a conversation it hangs from the top: at the bottom it would cover what one writes.
      className={`fixed inset-x-3 bottom-3 z-[70] mx-auto flex w-fit max-w-[calc(100vw-24px)] animate-rise items-center gap-2.5 rounded-card border px-3 py-2 text-sm text-ink shadow-float [body:has([data-pane=transcript])_&]:bottom-auto [body:has([data-pane=transcript])_&]:top-14 [body:has([data-pane=transcript])_&]:max-sm:top-26 ${STRIPS[tone]}`}
    >
      {children}
    </div>
  )
}

/** Countdown to the next attempt, and a way not to wait for it. */
function RetryAt({ at }: { readonly at: number | undefined }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  if (at === undefined)
    return (
      <span className="flex items-center gap-1.5 whitespace-nowrap text-ink-2">
        <Spinner /> Connecting
      </span>
    )
  const seconds = Math.max(0, Math.ceil((at - now) / 1000))
  return (
    <Button size="dense" onClick={() => connection.retryNow()}>
      Retry now <span className="inline-block min-w-6 text-right tabular-nums text-ink-3">{seconds} s</span>
    </Button>
  )
}
