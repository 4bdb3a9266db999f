import type { LucideIcon } from 'lucide-react'
import { useEffect, useState } from 'react'

import { classNames } from './class-names.ts'
import { formatDuration } from './duration.ts'
import { Spinner } from './spinner.tsx'

export type StateTone = 'ok' | 'run' | 'warn' | 'bad' | 'off'

const TONES: Record<StateTone, string> = {
  ok: 'text-ok',
  run: 'text-run',
  warn: 'text-warn',
  bad: 'text-bad',
  off: 'text-off',
}

/** How a state looks: always an icon and a word, never colour alone. */
export interface StateLook {
  readonly label: string
  readonly tone: StateTone
  readonly icon: LucideIcon
  /** Under way: a ring instead of the icon, and the time it has taken. */
  readonly moving?: boolean
}

const SHOW_SECONDS_AFTER_MS = 10_000

/** Icon, word and colour of a state; with `since`, the elapsed time of a transition after 10 s. */
export function StateBadge({
  look,
  since,
  className,
}: {
  readonly look: StateLook
  readonly since?: string | undefined
  readonly className?: string
}) {
  const Icon = look.icon
  return (
    <span
      className={classNames(
        'inline-flex min-w-0 items-center gap-1.5 whitespace-nowrap align-middle text-sm font-medium',
        TONES[look.tone],
        className,
      )}
    >
      {look.moving === true ? (
        <Spinner />
      ) : (
        <Icon className="size-3.5 shrink-0" strokeWidth={2} aria-hidden="true" data-state-icon />
      )}
      <span className="truncate">{look.label}</span>
      {look.moving === true && since !== undefined ? <Elapsed since={since} /> : null}
    </span>
  )
}

/** Seconds since a start, ticking once a second while the tab is visible; hidden for the first ten. */
function Elapsed({ since }: { readonly since: string }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now())
    }, 1000)
    return () => clearInterval(timer)
  }, [])
  const elapsed = now - Date.parse(since)
  if (elapsed < SHOW_SECONDS_AFTER_MS) return null
  return <span className="font-normal tabular-nums text-ink-3">{formatDuration(elapsed)}</span>
}
