import { ChevronRight, CircleAlert, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

import { classNames } from '../ui/class-names.ts'
import { formatDuration } from '../ui/duration.ts'
import { withHiddenWrittenOut } from '../ui/hidden-characters.ts'
import { Spinner } from '../ui/spinner.tsx'

/** Where something that the model does stands. */
export type Phase = 'running' | 'done' | 'failed' | 'stopped'

interface ActivityRowProps {
  readonly icon: LucideIcon
  readonly verb: string
  /** What it is done to. */
  readonly object?: string | undefined
  readonly mono?: boolean
  readonly phase: Phase
  /** Stands behind the object: counts, exit codes. */
  readonly note?: ReactNode
  /** Why it failed, in the words of the tool; its beginning shows in the line. */
  readonly reason?: string | undefined
  readonly durationMs?: number | undefined
  readonly open: boolean
  readonly onToggle: () => void
  /** What shows when it is open; nothing to open without. */
  readonly children?: ReactNode
}

/** One line for what the model does: icon, verb, object, how long it took; more of it opens in place. */
export function ActivityRow({
  icon: Icon,
  verb,
  object,
  mono = false,
  phase,
  note,
  reason,
  durationMs,
  open,
  onToggle,
  children,
}: ActivityRowProps) {
  const named = object !== undefined && object !== ''
  const line = (
    <>
      <span className="inline-flex size-4 shrink-0 items-center justify-center">
        {phase === 'running' ? (
          <Spinner className="size-3.5 text-run" />
        ) : phase === 'failed' ? (
          <CircleAlert className="size-4 text-bad" strokeWidth={1.75} aria-label="Failed" />
        ) : (
          <Icon className="size-4 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
        )}
      </span>
      <span className="flex min-w-0 flex-1 items-baseline gap-1.5">
        <span className={classNames('max-w-full shrink-0 truncate', phase === 'running' && 'text-ink')}>
          {verb}
        </span>
        {named ? (
          <span className={classNames('min-w-0 truncate text-ink', mono && 'font-mono text-xs')}>
            <bdi>{withHiddenWrittenOut(object)}</bdi>
          </span>
        ) : null}
        {note === undefined ? null : (
          // The object gives way first; where there is none, such a share would not be enough.
          <span className={classNames('min-w-0 truncate text-xs tabular-nums', named && 'shrink-[0.01]')}>
            {note}
          </span>
        )}
        {reason === undefined ? null : (
          <span className="min-w-0 flex-1 basis-24 truncate text-xs text-bad">
            {withHiddenWrittenOut(reason)}
          </span>
        )}
      </span>
      {durationMs === undefined || durationMs < 100 ? null : (
        <span className="shrink-0 text-xs text-ink-3 tabular-nums">{formatDuration(durationMs)}</span>
      )}
    </>
  )
  const look =
    'flex min-h-7 w-full min-w-0 items-center gap-2 text-left text-sm text-ink-2 pointer-coarse:min-h-10'
  if (children === undefined) return <div className={look}>{line}</div>
  return (
    <div>
      <button
        type="button"
        aria-expanded={open}
        onClick={onToggle}
        className={classNames(
          look,
          'group -mx-1.5 w-[calc(100%+12px)] rounded-control px-1.5 hover:bg-hover',
        )}
      >
        {line}
        <ChevronRight
          className={classNames(
            'size-3.5 shrink-0 text-ink-3 transition-transform duration-(--fast)',
            open && 'rotate-90',
          )}
          aria-hidden="true"
        />
      </button>
      {open ? <div className="mb-1.5 ml-2 mt-1 border-l border-line pl-4">{children}</div> : null}
    </div>
  )
}
