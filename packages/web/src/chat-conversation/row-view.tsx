import { Info } from 'lucide-react'
import { memo } from 'react'

import { SafeLink } from '../ui/safe-link.tsx'
import { EndRow } from './end-row.tsx'
import { MessageFiles } from './message-files.tsx'
import { ReasoningRow } from './reasoning-row.tsx'
import type { Row } from './rows.ts'
import { ModelText } from './text-row.tsx'
import { ToolsRow } from './tool-row.tsx'
import { PendingRow, UserRow } from './user-row.tsx'

declare global {
  interface Window {
    /** Where a measurement counts how often each row is rendered (UI-1905). */
    slipwayRowRenders?: Map<string, number>
  }
}

interface RowViewProps {
  readonly row: Row
  /** Nothing of the user came after it. */
  readonly newest: boolean
  /** It is being edited. */
  readonly edited: boolean
}

/** A row of the conversation; rendered again only when it changes itself. */
export const RowView = memo(function RowView({ row, newest, edited }: RowViewProps) {
  const counts = window.slipwayRowRenders
  if (counts !== undefined) counts.set(row.key, (counts.get(row.key) ?? 0) + 1)
  switch (row.kind) {
    case 'user':
      return <UserRow id={row.key} message={row.message} edited={edited} />
    case 'pending':
      return <PendingRow pending={row.pending} />
    case 'text':
      return (
        <div className="py-1.5">
          <ModelText text={row.text} live={row.live} />
        </div>
      )
    case 'reasoning':
      return <ReasoningRow id={row.key} part={row.part} live={row.live} />
    case 'tools':
      return <ToolsRow id={row.key} calls={row.calls} newest={newest} />
    case 'files':
      return (
        <div className="py-1.5">
          <MessageFiles parts={row.parts} />
        </div>
      )
    case 'sources':
      return (
        <ul aria-label="Sources" className="flex flex-wrap gap-x-4 gap-y-1 py-1 text-xs text-ink-3">
          {row.parts.map(({ url = '', title }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a source may be named twice.
            <li key={index} className="max-w-72 truncate">
              <SafeLink href={url} text={title ?? url}>
                {title ?? url}
              </SafeLink>{' '}
              {URL.parse(url)?.host}
            </li>
          ))}
        </ul>
      )
    case 'notice':
      return (
        <p className="flex items-start gap-2 py-1 text-sm text-ink-2">
          <Info className="mt-0.5 size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
          <span className="whitespace-pre-wrap">{row.text}</span>
        </p>
      )
    case 'end':
      return <EndRow turn={row.turn} />
  }
})

const LABELS: Record<Row['kind'], string> = {
  user: 'You',
  pending: 'You, on its way',
  text: 'Answer',
  reasoning: 'Thought',
  tools: 'Tool',
  files: 'Files',
  sources: 'Sources',
  notice: 'Notice',
  end: 'Actions of the answer',
}

/** What a row is called for those who hear it. */
export function rowLabel(row: Row): string {
  return LABELS[row.kind]
}

/** Height of a row before it has been measured, in pixels. */
export function estimatedHeight(row: Row | undefined): number {
  switch (row?.kind) {
    case 'user':
      return 90
    case 'text':
      return 40 + Math.ceil(row.text.length / 90) * 22
    default:
      return 30
  }
}
