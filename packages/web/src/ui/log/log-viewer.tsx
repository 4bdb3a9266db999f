import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDownToLine, ChevronDown, ChevronUp, Clock, Download, Search, WrapText } from 'lucide-react'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'

import { Button } from '../button.tsx'
import { classNames } from '../class-names.ts'
import { CopyButton } from '../copyable.tsx'
import { saveFile } from '../save-file.ts'
import { LogRowView } from './log-row-view.tsx'
import { type LogLine, type LogRow, logRows } from './log-rows.ts'
import { lineTime, useTimes } from './log-times.ts'

const ROW_HEIGHT = 20
const STAGE_HEIGHT = 30
const NEAR_END = 24

interface LogViewerProps {
  readonly label: string
  readonly lines: readonly LogLine[]
  /** No more lines will come. */
  readonly done: boolean
  readonly fileName: string
  readonly empty: ReactNode
  readonly toolbar?: ReactNode
  /** Lines were dropped by the server's limit. */
  readonly overflowed?: boolean
  /** Stages that failed without a line saying so. */
  readonly failedStages?: ReadonlySet<string>
  /** CSS length. A log that was over when it opened takes only what it needs of it. */
  readonly height: string
}

/**
 * Every log of the dashboard: windowed, with sticky stages, follow switch, search, copy and download
 * (UI-802…804). It follows the end until the reader scrolls up.
 */
export function LogViewer({
  label,
  lines,
  done,
  fileName,
  empty,
  toolbar,
  overflowed = false,
  failedStages,
  height,
}: LogViewerProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const [follow, setFollow] = useState(true)
  const [wrap, setWrap] = useState(false)
  const [times, nextTimes] = useTimes()
  // How many lines there were when the reader left the end.
  const [read, setRead] = useState(0)
  const [query, setQuery] = useState('')
  const [current, setCurrent] = useState(0)
  // One that still grows keeps its size, so that nothing below it moves.
  const [fits] = useState(done)
  const rows = useMemo(() => logRows(lines, done, failedStages), [lines, done, failedStages])
  const hits = useMemo(() => matches(rows, query), [rows, query])
  const linked = useLinkedLine()

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (rows[index]?.kind === 'stage' ? STAGE_HEIGHT : ROW_HEIGHT),
    overscan: 24,
    // Room for a horizontal scroll bar.
    paddingEnd: 16,
  })
  const items = virtual.getVirtualItems()
  const top = Math.max(
    0,
    items.findIndex((item) => item.end > (virtual.scrollOffset ?? 0)),
  )
  const stage = rows.slice(0, (items[top]?.index ?? 0) + 1).findLast((row) => row.kind === 'stage')

  useEffect(() => {
    if (follow && rows.length > 0 && linked === undefined)
      virtual.scrollToIndex(rows.length - 1, { align: 'end' })
  }, [follow, rows.length, virtual, linked])
  useEffect(() => {
    if (linked === undefined) return
    const index = rows.findIndex((row) => row.kind === 'line' && row.number === linked)
    if (index >= 0) virtual.scrollToIndex(index, { align: 'center' })
  }, [linked, rows, virtual])

  const goTo = (step: number) => {
    if (hits.length === 0) return
    const next = (current + step + hits.length) % hits.length
    setCurrent(next)
    setFollow(false)
    setRead(lines.length)
    virtual.scrollToIndex(hits[next] ?? 0, { align: 'center' })
  }
  const onScroll = () => {
    const element = scroller.current
    if (element === null) return
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END
    if (follow && !atEnd) setRead(lines.length)
    setFollow(atEnd)
  }
  const unread = lines.length - read
  const first = lines[0]?.at
  const text = () => lines.map((line) => line.text).join('\n')

  return (
    <div
      className="flex min-h-0 min-w-0 flex-col overflow-hidden bg-console"
      style={fits ? { maxHeight: height } : { height }}
    >
      <p role="status" className="sr-only">
        {done && !fits ? summary(label, rows) : ''}
      </p>
      <div className="flex flex-wrap items-center gap-1 border-b border-line bg-surface px-2 py-1">
        {toolbar}
        <search className="flex min-w-0 flex-1 items-center gap-1">
          <Search className="ml-1 size-3.5 shrink-0 text-ink-3" aria-hidden="true" />
          <input
            type="search"
            value={query}
            aria-label={`Search ${label}`}
            placeholder="Search"
            onChange={(event) => {
              setQuery(event.target.value)
              setCurrent(0)
            }}
            onKeyDown={(event) => (event.key === 'Enter' ? goTo(event.shiftKey ? -1 : 1) : undefined)}
            className="h-7 w-full min-w-16 max-w-52 rounded-sm bg-transparent px-1 text-sm focus-visible:outline-offset-0"
          />
          {query === '' ? null : (
            <>
              <span role="status" className="whitespace-nowrap text-xs tabular-nums text-ink-2">
                {hits.length === 0 ? 'none' : `${current + 1} of ${hits.length}`}
              </span>
              <Button
                tone="quiet"
                size="dense"
                aria-label="Previous hit"
                onClick={() => goTo(-1)}
                icon={<ChevronUp className="size-3.5" />}
              />
              <Button
                tone="quiet"
                size="dense"
                aria-label="Next hit"
                onClick={() => goTo(1)}
                icon={<ChevronDown className="size-3.5" />}
              />
            </>
          )}
        </search>
        <Button
          tone="quiet"
          size="dense"
          aria-label={`Times of lines: ${times}`}
          title={`Times of lines: ${times}`}
          onClick={nextTimes}
          icon={<Clock className={classNames('size-3.5', times !== 'off' && 'text-accent')} />}
        />
        <Button
          tone="quiet"
          size="dense"
          aria-pressed={wrap}
          aria-label="Wrap long lines"
          title="Wrap long lines"
          onClick={() => {
            setWrap(!wrap)
            virtual.measure()
          }}
          icon={<WrapText className={classNames('size-3.5', wrap && 'text-accent')} />}
        />
        <CopyButton text={text()} label="Copy the log" />
        <Button
          tone="quiet"
          size="dense"
          aria-label="Download the log"
          title="Download the log"
          onClick={() => saveFile(fileName, new Blob([text()], { type: 'text/plain' }))}
          icon={<Download className="size-3.5" />}
        />
      </div>
      {overflowed ? (
        <p className="border-b border-line bg-warn-wash px-3 py-1 text-xs text-warn">
          The log is longer than the server keeps: its end is missing.
        </p>
      ) : null}
      <div
        className={classNames('relative min-h-0', fits ? 'shrink grow-0' : 'flex-1')}
        style={fits ? { flexBasis: rows.length === 0 ? 'auto' : virtual.getTotalSize() } : {}}
      >
        {rows.length === 0 ? (
          <div className="px-4 py-8 text-center text-sm text-ink-2">{empty}</div>
        ) : (
          <section
            ref={scroller}
            onScroll={onScroll}
            aria-label={label}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard
            tabIndex={0}
            className="absolute inset-0 overflow-auto font-mono text-[12.5px] leading-5 outline-offset-[-2px]"
          >
            {stage?.kind === 'stage' ? (
              <div className="sticky left-0 top-0 z-10 -mb-[30px] w-full">
                <LogRowView row={stage} query="" linked={false} wrap={false} />
              </div>
            ) : null}
            <div className="relative w-max min-w-full" style={{ height: virtual.getTotalSize() }}>
              {items.map((item) => {
                const row = rows[item.index]
                return row === undefined ? null : (
                  <div
                    key={item.key}
                    data-index={item.index}
                    ref={wrap ? virtual.measureElement : undefined}
                    className={classNames('absolute left-0 top-0 min-w-full', wrap && 'w-full')}
                    style={{ transform: `translateY(${item.start}px)` }}
                  >
                    <LogRowView
                      row={row}
                      query={query}
                      wrap={wrap}
                      {...(row.kind === 'line' ? { time: lineTime(times, row.line.at, first) } : {})}
                      linked={row.kind === 'line' && row.number === linked}
                      current={query !== '' && hits[current] === item.index}
                    />
                  </div>
                )
              })}
            </div>
          </section>
        )}
        <ErrorMarks rows={rows} />
        {follow || rows.length === 0 ? null : (
          <Button
            size="dense"
            className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full shadow-float"
            onClick={() => {
              setFollow(true)
              virtual.scrollToIndex(rows.length - 1, { align: 'end' })
            }}
            icon={<ArrowDownToLine className="size-3.5" />}
          >
            {unread > 0 && !done
              ? `${unread} new ${unread === 1 ? 'line' : 'lines'}, jump to end`
              : done
                ? 'To the end'
                : 'Follow'}
          </Button>
        )}
      </div>
    </div>
  )
}

/** Error lines, marked where they lie in the whole log. */
function ErrorMarks({ rows }: { readonly rows: readonly LogRow[] }) {
  const marks = useMemo(() => {
    const places = rows.flatMap((row, index) =>
      row.kind === 'line' && row.line.level === 'error' ? [Math.round((index / rows.length) * 200) / 2] : [],
    )
    return [...new Set(places)]
  }, [rows])
  return (
    <div aria-hidden="true" className="pointer-events-none absolute inset-y-0 right-0 w-1.5">
      {marks.map((place) => (
        <span key={place} className="absolute right-0 h-0.5 w-1.5 bg-bad" style={{ top: `${place}%` }} />
      ))}
    </div>
  )
}

/** What is announced when a log that was followed has ended; its lines are not (UI-1804). */
function summary(label: string, rows: readonly LogRow[]): string {
  const broken = rows.find((row) => row.kind === 'stage' && row.failed)
  return broken?.kind === 'stage' ? `${label} ended: ${broken.stage} failed` : `${label} ended`
}

function matches(rows: readonly LogRow[], query: string): readonly number[] {
  if (query === '') return []
  const wanted = query.toLowerCase()
  return rows.flatMap((row, index) =>
    row.kind === 'line' && row.line.text.toLowerCase().includes(wanted) ? [index] : [],
  )
}

/** Line number of `#L120` in the address. */
function useLinkedLine(): number | undefined {
  const [line, setLine] = useState(linkedLine)
  useEffect(() => {
    const update = () => setLine(linkedLine())
    window.addEventListener('hashchange', update)
    return () => window.removeEventListener('hashchange', update)
  }, [])
  return line
}

function linkedLine(): number | undefined {
  const match = /^#L(\d+)/.exec(location.hash)
  return match === null ? undefined : Number(match[1])
}
