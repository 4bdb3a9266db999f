import { useMutation } from '@tanstack/react-query'
import { Popover } from 'radix-ui'

import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import type { ContextUsage } from './context-usage.ts'

const RADIUS = 6.25
const ROUND = 2 * Math.PI * RADIUS
const TONES = { ok: 'text-ink-2', warn: 'text-warn', bad: 'text-bad' } as const

/** How full the context is, and the way to make room (UI-1152). */
export function ContextMeter({
  usage,
  threshold,
  onCompact,
}: {
  readonly usage: ContextUsage
  /** Percent at which earlier messages are summed up; 100 never. */
  readonly threshold: number | undefined
  readonly onCompact: (() => Promise<void>) | undefined
}) {
  const compact = useMutation({ mutationFn: async () => onCompact?.() })
  const percent = Math.round(usage.share * 100)
  const facts: readonly (readonly [string, number])[] = [
    ['Read', usage.read],
    ['From the cache', usage.cached],
    ['Written', usage.written],
    ['Limit of the model', usage.limit],
  ]
  return (
    <Popover.Root>
      <Popover.Trigger
        aria-label={`Context ${percent} % full`}
        title={`Context ${percent} % full`}
        className={`inline-flex h-8 items-center gap-1.5 rounded-control px-1.5 text-xs tabular-nums hover:bg-hover pointer-coarse:h-10 ${TONES[usage.level]}`}
      >
        <svg viewBox="0 0 16 16" className="size-4 -rotate-90" aria-hidden="true">
          <title>Context</title>
          <circle cx="8" cy="8" r={RADIUS} fill="none" stroke="var(--line-strong)" strokeWidth="2" />
          <circle
            cx="8"
            cy="8"
            r={RADIUS}
            fill="none"
            stroke="currentColor"
            strokeWidth="2"
            strokeDasharray={`${Math.min(1, usage.share) * ROUND} ${ROUND}`}
          />
        </svg>
        {/* On a phone the row has no room for it, until it matters. */}
        <span className={usage.level === 'ok' ? 'max-sm:hidden' : undefined}>{percent} %</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side="top"
          align="end"
          sideOffset={6}
          collisionPadding={8}
          aria-label="Context"
          className="z-50 w-72 max-w-[calc(100vw-16px)] animate-fade rounded-card border border-line bg-raised p-3 text-sm shadow-float"
        >
          <p className="font-medium">Context {percent} % full</p>
          <p className="mt-0.5 text-xs text-ink-2">
            {threshold === undefined || threshold >= 100
              ? 'Earlier messages are summed up only when you ask for it.'
              : `At ${threshold} % earlier messages are summed up for the model. You still see them.`}
          </p>
          <dl className="mt-2 grid grid-cols-[1fr_auto] gap-x-4 gap-y-1 text-xs">
            {facts.map(([name, count]) => (
              <div key={name} className="contents">
                <dt className="text-ink-2">{name}</dt>
                <dd className="text-right tabular-nums">{count.toLocaleString('en')}</dd>
              </div>
            ))}
          </dl>
          {onCompact === undefined ? null : (
            <div className="mt-3 flex flex-col gap-2">
              <ErrorNotice error={compact.error} />
              <Button size="dense" busy={compact.isPending} onClick={() => compact.mutate()}>
                Compact now
              </Button>
            </div>
          )}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  )
}
