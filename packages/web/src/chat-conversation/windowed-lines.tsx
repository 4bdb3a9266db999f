import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'

import { classNames } from '../ui/class-names.ts'

const LINE_HEIGHT = 20
/** Longer output is windowed (UI-1138). */
export const MOST_LINES = 200

interface WindowedLinesProps {
  readonly label: string
  readonly count: number
  readonly line: (index: number) => ReactNode
  /** New lines come at the end, which stays in sight until the reader scrolls up. */
  readonly follow?: boolean
  readonly className?: string
  /** Long lines break instead; only as long as there are few of them. */
  readonly wrap?: boolean
  readonly onKeyDown?: (event: KeyboardEvent) => void
}

/** Lines of code or output in a box of at most 20 rows; long ones scroll sideways. */
export function WindowedLines({
  label,
  count,
  line,
  follow = false,
  className,
  wrap = false,
  onKeyDown,
}: WindowedLinesProps) {
  const box = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const windowed = count > MOST_LINES
  const virtual = useVirtualizer({
    count,
    enabled: windowed,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 12,
  })
  useEffect(() => {
    if (follow && atEnd.current && count > 0 && box.current !== null)
      box.current.scrollTop = box.current.scrollHeight
  }, [follow, count])
  return (
    // biome-ignore lint/a11y/useSemanticElements: a scrolling box of lines is no section of the page.
    <div
      ref={box}
      role="region"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it only when it has the focus.
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < LINE_HEIGHT
      }}
      className={classNames(
        'max-h-[400px] overflow-auto overscroll-contain font-mono text-xs leading-5 focus-visible:-outline-offset-2',
        className,
      )}
    >
      {windowed ? (
        <div className="relative min-w-full" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => (
            <div
              key={index}
              className="absolute left-0 top-0 h-5 min-w-full w-max"
              style={{ transform: `translateY(${start}px)` }}
            >
              {line(index)}
            </div>
          ))}
        </div>
      ) : (
        <div className={wrap ? 'w-full' : 'w-max min-w-full'}>
          {Array.from({ length: count }, (_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place.
            <div key={index} className="min-h-5">
              {line(index)}
            </div>
          ))}
        </div>
      )}
    </div>
  )
}
