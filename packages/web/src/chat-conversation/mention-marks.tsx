import { type RefObject, useLayoutEffect, useMemo, useRef } from 'react'

import { type KnownFiles, mentionsIn } from './mentions.ts'

/**
 * A wash behind the files that a text names. It lies under the field, sets the same text in the same way, and scrolls
 * with it, so that each mark stands where the words are.
 */
export function MentionMarks({
  field,
  text,
  known,
  className,
}: {
  readonly field: RefObject<HTMLTextAreaElement | null>
  readonly text: string
  readonly known: KnownFiles
  /** How the field sets its text. */
  readonly className: string
}) {
  const layer = useRef<HTMLDivElement>(null)
  const marks = useMemo(() => mentionsIn(text, known), [text, known])
  const shown = marks.length > 0
  useLayoutEffect(() => {
    const { current } = field
    if (!shown || current === null) return
    const follow = () => {
      if (layer.current !== null) layer.current.scrollTop = current.scrollTop
    }
    follow()
    current.addEventListener('scroll', follow)
    return () => current.removeEventListener('scroll', follow)
  }, [field, shown])
  if (!shown) return null
  return (
    <div
      ref={layer}
      aria-hidden="true"
      className={`pointer-events-none absolute inset-0 overflow-hidden whitespace-pre-wrap text-transparent [overflow-wrap:break-word] [scrollbar-gutter:auto] ${className}`}
    >
      {marks.flatMap(({ from, until }, index) => [
        text.slice(marks[index - 1]?.until ?? 0, from),
        <mark key={from} className="rounded-sm bg-accent-wash text-transparent ring-2 ring-accent-wash">
          {text.slice(from, until)}
        </mark>,
      ])}
      {`${text.slice(marks.at(-1)?.until ?? 0)}\n`}
    </div>
  )
}
