// biome-ignore-all lint/suspicious/noArrayIndexKey: the same lines may be named twice.
import { FileCode, X } from 'lucide-react'

import { withHiddenWrittenOut } from '../ui/hidden-characters.ts'
import type { FileReference } from './diff-rows.ts'

/** Lines that the message points at, each with what is said about them (UI-1122). */
export function ReferenceChips({
  references,
  onRemove,
}: {
  readonly references: readonly FileReference[]
  readonly onRemove: (index: number) => void
}) {
  if (references.length === 0) return null
  return (
    <ul aria-label="Lines of files" className="flex flex-wrap gap-2 px-3 pt-3">
      {references.map((reference, index) => {
        const name = withHiddenWrittenOut(reference.file.split('/').at(-1) ?? reference.file)
        const { from, until } = reference
        return (
          <li
            key={index}
            title={`${reference.file}\n${reference.content}`}
            className="flex min-h-8 min-w-0 max-w-full items-center gap-2 rounded-control border border-line-strong bg-surface pl-2 pr-1 text-xs"
          >
            <FileCode className="size-3.5 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
            <span className="shrink-0 font-mono">
              <bdi>{name}</bdi>:{from === until ? from : `${from}-${until}`}
            </span>
            {reference.comment === '' ? null : (
              <span className="min-w-0 max-w-64 truncate text-ink-2">{reference.comment}</span>
            )}
            <button
              type="button"
              aria-label={`Remove ${name}`}
              onClick={() => onRemove(index)}
              className="inline-flex size-6 shrink-0 items-center justify-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink"
            >
              <X className="size-3.5" />
            </button>
          </li>
        )
      })}
    </ul>
  )
}
