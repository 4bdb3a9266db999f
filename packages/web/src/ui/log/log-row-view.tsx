import { Check, X } from 'lucide-react'
import { memo } from 'react'

import { classNames } from '../class-names.ts'
import { formatDuration } from '../duration.ts'
import { Spinner } from '../spinner.tsx'
import { exactTime } from '../time-ago.tsx'
import { type AnsiSpan, parseAnsi } from './ansi.ts'
import type { LogLevel, LogRow } from './log-rows.ts'

interface LogRowViewProps {
  readonly row: LogRow
  readonly query: string
  readonly wrap: boolean
  readonly linked: boolean
  readonly current?: boolean
  /** Shown before the line; undefined shows none. */
  readonly time?: string | undefined
}

const LEVEL_CLASS: Record<LogLevel, string> = {
  trace: 'text-ink-3',
  debug: 'text-ink-3',
  info: 'text-ink',
  warn: 'text-warn',
  error: 'text-bad',
}

/** A stage's heading or one line of a log. */
export const LogRowView = memo(function LogRowView({
  row,
  query,
  wrap,
  linked,
  current = false,
  time,
}: LogRowViewProps) {
  if (row.kind === 'stage') return <StageHeading row={row} />
  const { line, number } = row
  const loud = line.level === 'error' || line.level === 'warn'
  return (
    <div
      className={classNames(
        'flex min-h-5 pr-4',
        LEVEL_CLASS[line.level],
        line.level === 'error' && 'bg-bad-wash',
        linked && 'bg-accent-wash',
        current && 'outline outline-1 -outline-offset-1 outline-accent',
      )}
    >
      <a
        href={`#L${number}`}
        tabIndex={-1}
        title={exactTime(line.at)}
        className="w-12 shrink-0 select-none pr-3 text-right text-ink-3 tabular-nums hover:text-ink"
      >
        {number}
      </a>
      {time === undefined ? null : (
        <span className="w-26 shrink-0 select-none pr-3 text-right text-ink-3 tabular-nums">{time}</span>
      )}
      {loud ? <span className="sr-only">{line.level}: </span> : null}
      <span
        className={wrap ? 'min-w-0 flex-1 whitespace-pre-wrap [overflow-wrap:anywhere]' : 'whitespace-pre'}
      >
        {parseAnsi(line.text).map((span, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: spans of one line have no identity but their place in it.
          <Span key={`${index}:${span.text}`} span={span} query={query} />
        ))}
      </span>
    </div>
  )
})

function StageHeading({ row }: { readonly row: Extract<LogRow, { kind: 'stage' }> }) {
  const took = Date.parse(row.endedAt) - Date.parse(row.startedAt)
  return (
    <div className="flex h-[30px] items-center gap-2 border-b border-line bg-surface px-3 font-sans shadow-[0_-1px_0_var(--line)] text-sm font-medium">
      {row.open ? (
        <Spinner className="size-3.5 text-run" />
      ) : row.failed ? (
        <X className="size-3.5 text-bad" aria-label="Failed" />
      ) : (
        <Check className="size-3.5 text-ok" aria-label="Done" />
      )}
      <span className="truncate">{row.stage}</span>
      <span className="font-normal text-ink-3 tabular-nums">{row.open ? '' : formatDuration(took)}</span>
    </div>
  )
}

function Span({ span, query }: { readonly span: AnsiSpan; readonly query: string }) {
  const styled =
    span.color !== undefined ||
    span.background !== undefined ||
    span.bold === true ||
    span.dim === true ||
    span.italic === true ||
    span.underline === true
  const text = <Highlighted text={span.text} query={query} />
  if (!styled) return text
  return (
    <span
      className={classNames(
        span.bold === true && 'font-semibold',
        span.dim === true && 'text-ink-3',
        span.italic === true && 'italic',
        span.underline === true && 'underline',
      )}
      style={{
        ...(span.color === undefined ? {} : { color: `var(--ansi-${span.color})` }),
        ...(span.background === undefined
          ? {}
          : { boxShadow: `inset 0 -2px 0 var(--ansi-${span.background})` }),
      }}
    >
      {text}
    </span>
  )
}

function Highlighted({ text, query }: { readonly text: string; readonly query: string }) {
  if (query === '') return text
  const wanted = query.toLowerCase()
  const lower = text.toLowerCase()
  const parts = []
  let at = 0
  for (let hit = lower.indexOf(wanted); hit >= 0; hit = lower.indexOf(wanted, at)) {
    parts.push(text.slice(at, hit))
    at = hit + wanted.length
    parts.push(
      <mark
        key={hit}
        className="rounded-[2px] bg-[color-mix(in_srgb,var(--warn)_35%,transparent)] text-inherit"
      >
        {text.slice(hit, at)}
      </mark>,
    )
  }
  return [...parts, text.slice(at)]
}
