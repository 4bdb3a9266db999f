// biome-ignore-all lint/suspicious/noArrayIndexKey: spans of one line have no identity but their place in it.
import { useMemo } from 'react'

import { classNames } from '../ui/class-names.ts'
import { ColouredPart } from './chat-code.tsx'
import type { ColouredLine } from './diff-colours.ts'
import type { DiffLine } from './line-diff.ts'
import type { Span } from './word-diff.ts'

export const LINE_LOOKS: Record<DiffLine['kind'], string> = {
  same: '',
  added: 'bg-ok-wash',
  removed: 'bg-bad-wash',
  gap: 'text-ink-3',
}
const SIGNS: Record<DiffLine['kind'], string> = { same: ' ', added: '+', removed: '-', gap: '⋯' }

/** The sign and the text of a line, in colours, with what changed in it. */
export function LineText({
  line: { kind, text },
  coloured,
  marks,
}: {
  readonly line: DiffLine
  readonly coloured: ColouredLine | undefined
  readonly marks: readonly Span[] | undefined
}) {
  const parts = useMemo(() => cut(text, marks ?? []), [text, marks])
  return (
    <>
      <span
        className={classNames(
          'w-5 shrink-0 select-none text-center',
          kind === 'added' && 'text-ok',
          kind === 'removed' && 'text-bad',
        )}
      >
        {SIGNS[kind]}
      </span>
      <span className="min-w-0">
        {kind === 'gap'
          ? text
          : parts.map(({ text: part, at, marked }, index) =>
              marked ? (
                <span
                  key={index}
                  className={
                    kind === 'added'
                      ? 'rounded-[2px] bg-[color-mix(in_srgb,var(--ok)_26%,transparent)]'
                      : 'rounded-[2px] bg-[color-mix(in_srgb,var(--bad)_24%,transparent)]'
                  }
                >
                  {part}
                </span>
              ) : coloured === undefined ? (
                part
              ) : (
                <ColouredPart
                  key={index}
                  text={coloured.text}
                  colours={coloured.colours}
                  from={coloured.from + at}
                  until={coloured.from + at + part.length}
                />
              ),
            )}
      </span>
    </>
  )
}

interface Part {
  readonly text: string
  /** Where it begins in the line. */
  readonly at: number
  readonly marked: boolean
}

function cut(text: string, marks: readonly Span[]): readonly Part[] {
  const parts: Part[] = []
  let at = 0
  for (const [from, until] of marks) {
    if (from > at) parts.push({ text: text.slice(at, from), at, marked: false })
    parts.push({ text: text.slice(from, until), at: from, marked: true })
    at = until
  }
  if (at < text.length) parts.push({ text: text.slice(at), at, marked: false })
  return parts
}
