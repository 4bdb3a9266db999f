import { useQuery } from '@tanstack/react-query'
import { Bell as BellIcon } from 'lucide-react'
import { Popover } from 'radix-ui'
import { lazy, Suspense, useState } from 'react'

import { shownCount } from './inbox-pages.ts'
import { unreadCountQuery } from './queries.ts'

/** Loaded when it is opened for the first time. */
const InboxPanel = lazy(() => import('./inbox-panel.tsx').then((module) => ({ default: module.InboxPanel })))

/** The bell with the number of unread notifications; it opens the inbox (UI-1601). */
export function Bell({ side }: { readonly side: 'right' | 'bottom' }) {
  const [open, setOpen] = useState(false)
  const count = useQuery({ ...unreadCountQuery, enabled: false }).data ?? 0
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger
        aria-label={count === 0 ? 'Notifications' : `Notifications, ${shownCount(count)} unread`}
        className="relative inline-flex size-8 shrink-0 items-center justify-center rounded-control text-ink-2 transition-colors duration-(--fast) hover:bg-hover hover:text-ink data-[state=open]:bg-hover data-[state=open]:text-ink pointer-coarse:size-11"
      >
        <BellIcon className="size-4" strokeWidth={1.75} aria-hidden="true" />
        {count === 0 ? null : (
          <span
            aria-hidden="true"
            className="absolute right-0 top-0 inline-flex h-4 min-w-4 items-center justify-center rounded-full border-2 border-bg bg-accent px-0.5 text-[10px] font-semibold leading-none tabular-nums text-accent-ink pointer-coarse:right-1 pointer-coarse:top-1"
          >
            {shownCount(count)}
          </span>
        )}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side={side}
          align="start"
          sideOffset={8}
          collisionPadding={8}
          aria-label="Notifications"
          className="z-50 flex max-h-[min(36rem,var(--radix-popover-content-available-height))] w-[26rem] max-w-[calc(100vw-16px)] animate-fade flex-col overflow-hidden rounded-card border border-line bg-raised shadow-float"
        >
          <Suspense fallback={<div className="h-40" aria-busy="true" />}>
            <InboxPanel onLeave={() => setOpen(false)} />
          </Suspense>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}
