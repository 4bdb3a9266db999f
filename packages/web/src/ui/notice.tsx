import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

import { classNames } from './class-names.ts'

export type NoticeTone = 'info' | 'ok' | 'warn' | 'bad'

const ICONS = { info: Info, ok: CircleCheck, warn: TriangleAlert, bad: CircleAlert } as const
const LOOKS: Record<NoticeTone, string> = {
  info: 'bg-run-wash [--tone:var(--run)]',
  ok: 'bg-ok-wash [--tone:var(--ok)]',
  warn: 'bg-warn-wash [--tone:var(--warn)]',
  bad: 'bg-bad-wash [--tone:var(--bad)]',
}

interface NoticeProps {
  readonly tone: NoticeTone
  readonly title: ReactNode
  readonly children?: ReactNode
  readonly action?: ReactNode
}

/** A statement in place, where it concerns: what happened, to what, and what to do. */
export function Notice({ tone, title, children, action }: NoticeProps) {
  const Icon = ICONS[tone]
  return (
    <div
      role={tone === 'bad' ? 'alert' : 'status'}
      className={classNames(
        'flex min-w-0 items-start gap-3 rounded-card border border-[color-mix(in_srgb,var(--tone)_28%,var(--line))] px-3 py-2.5',
        LOOKS[tone],
      )}
    >
      <Icon className="mt-0.5 size-4 shrink-0 text-(--tone)" aria-hidden="true" />
      <div className="flex min-w-0 flex-1 flex-wrap items-start gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-64 text-sm">
          <div className="font-medium text-ink">{title}</div>
          {children === undefined ? null : <div className="mt-0.5 text-ink-2">{children}</div>}
        </div>
        {action === undefined ? null : <div className="flex shrink-0 items-center gap-2">{action}</div>}
      </div>
    </div>
  )
}
