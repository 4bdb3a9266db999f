import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown } from 'lucide-react'
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Spinner } from '../ui/spinner.tsx'
import { isActive, useChatView, useConversation } from './conversation-context.ts'
import { FindBar } from './find-bar.tsx'
import { estimatedHeight, RowView, rowLabel } from './row-view.tsx'
import { type Row, RowBuilder } from './rows.ts'
import { useFind } from './use-find.ts'
import { useLinkedMessage } from './use-linked-message.ts'

/** So near to the end counts as being there. */
const NEAR_END = 48
/** So near to the top the page before is read. */
const NEAR_TOP = 600

/** The conversation: windowed in both directions, at its end until the reader scrolls up (UI-1130, UI-B13). */
export function Transcript({
  editing,
  wide,
  message,
  finding,
  onFindingEnd,
}: {
  readonly editing: number | undefined
  readonly wide: boolean
  /** A message that is brought into sight, from a link. */
  readonly message: number | undefined
  readonly finding: boolean
  readonly onFindingEnd: () => void
}) {
  const { session } = useConversation()
  const chat = useChatView(session, (view) => view.chat)
  const older = useChatView(session, (view) => view.older)
  const active = isActive(chat.status)
  const [builder] = useState(() => new RowBuilder())
  const rows = builder.build(chat, !active)
  const box = useRef<HTMLDivElement>(null)
  const feed = useRef<HTMLDivElement>(null)
  const [atEnd, setAtEnd] = useState(true)
  const [unseen, setUnseen] = useState(false)
  const keyAt = useCallback((index: number) => rows[index]?.key ?? index, [rows])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => estimatedHeight(rows[index]),
    getItemKey: keyAt,
    overscan: 6,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: NEAR_END,
    paddingStart: 16,
    paddingEnd: 24,
    gap: 2,
  })

  // The first rows: at the end at once, before anything is painted.
  const first = useRef(true)
  useLayoutEffect(() => {
    if (!first.current || rows.length === 0) return
    first.current = false
    virtual.scrollToEnd()
  }, [rows.length, virtual])

  const pinned = useRef(true)
  const goTo = useCallback(
    (index: number) => {
      pinned.current = false
      virtual.scrollToIndex(index, { align: 'center' })
    },
    [virtual],
  )
  const find = useFind(finding, rows, box, goTo)
  const linked = useLinkedMessage(message, rows, goTo)

  // What stands below grows and shrinks, and so do the keyboard of a phone and the last row, after the virtualizer has
  // looked: the end stays in sight.
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(() => {
      if (pinned.current) element.scrollTop = element.scrollHeight
    })
    observer.observe(element)
    if (feed.current !== null) observer.observe(feed.current)
    return () => observer.disconnect()
  }, [])

  const lastUser = rows.findLastIndex(({ kind }) => kind === 'user' || kind === 'pending')
  // What the viewer sends is always in sight.
  const sent = rows[lastUser]?.kind === 'pending' ? rows[lastUser]?.key : undefined
  useEffect(() => {
    if (sent !== undefined) virtual.scrollToEnd()
  }, [sent, virtual])

  const settledEnd = rows.at(-1)
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever comes at the end while the reader is elsewhere is unseen.
  useEffect(() => {
    if (!atEnd) setUnseen(true)
  }, [settledEnd])

  const loadNearTop = useCallback(() => {
    const element = box.current
    if (element !== null && element.scrollTop < NEAR_TOP && session.view().older === 'idle')
      void session.loadOlder()
  }, [session])
  const onScroll = () => {
    const element = box.current
    if (element === null) return
    const now = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END
    pinned.current = now
    if (now !== atEnd) setAtEnd(now)
    if (now) setUnseen(false)
    loadNearTop()
  }
  // A page that does not fill the box leaves nothing to scroll.
  useEffect(() => {
    if (older === 'idle' && chat.hasOlder && rows.length > 0) loadNearTop()
  }, [older, chat.hasOlder, rows.length, loadNearTop])

  const jump = (step: 1 | -1) => {
    const top = (box.current?.scrollTop ?? 0) + 24
    const starts = rows.flatMap((row, index) =>
      row.kind === 'user' ? [{ index, start: virtual.measurementsCache[index]?.start ?? 0 }] : [],
    )
    const target =
      step === 1 ? starts.find(({ start }) => start > top) : starts.findLast(({ start }) => start < top - 32)
    if (target === undefined) {
      if (step === 1) virtual.scrollToEnd()
      else virtual.scrollToOffset(0)
      return
    }
    virtual.scrollToIndex(target.index, { align: 'start' })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
    event.preventDefault()
    jump(event.key === 'ArrowDown' ? 1 : -1)
  }

  return (
    <div className="relative min-h-0 flex-1">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys that move the reader, beside the browser's own. */}
      <div
        ref={box}
        data-pane="transcript"
        onScroll={onScroll}
        onKeyDown={onKeyDown}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it only when it has the focus.
        tabIndex={0}
        className="absolute inset-0 overflow-y-auto overscroll-contain focus-visible:-outline-offset-2 [overflow-anchor:none] [scrollbar-gutter:stable_both-edges]"
      >
        <div
          ref={feed}
          role="feed"
          aria-label="Conversation"
          aria-busy={older === 'loading'}
          className={classNames('relative mx-auto w-full', wide ? 'max-w-none' : 'max-w-[792px]')}
          style={{ height: virtual.getTotalSize() }}
        >
          {virtual.getVirtualItems().map(({ index, start, key }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <article
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                aria-label={rowLabel(row)}
                aria-posinset={index + 1}
                aria-setsize={chat.hasOlder ? -1 : rows.length}
                className={classNames(
                  'absolute left-0 top-0 w-full px-4 [contain:layout_style]',
                  row.key === linked && 'linked-row',
                )}
                style={{ transform: `translateY(${start}px)` }}
              >
                <RowView row={row} newest={index > lastUser} edited={isEdited(row, editing)} />
              </article>
            )
          })}
        </div>
      </div>
      {finding ? (
        <FindBar
          wanted={find.wanted}
          onWanted={find.setWanted}
          at={find.at}
          count={find.count}
          reading={find.reading}
          onStep={find.step}
          onClose={onFindingEnd}
        />
      ) : null}
      <OlderMark state={older} onRetry={() => void session.loadOlder()} />
      {atEnd ? null : (
        <div className="pointer-events-none absolute inset-x-0 bottom-2 flex justify-center">
          <Button
            size="dense"
            className="pointer-events-auto rounded-full! shadow-float"
            icon={<ArrowDown className="size-3.5" />}
            onClick={() => {
              virtual.scrollToEnd()
              setUnseen(false)
            }}
          >
            {unseen ? 'New below' : 'Jump to latest'}
          </Button>
        </div>
      )}
    </div>
  )
}

function isEdited(row: Row, editing: number | undefined): boolean {
  return row.kind === 'user' && row.message.id === editing
}

function OlderMark({
  state,
  onRetry,
}: {
  readonly state: 'idle' | 'loading' | 'failed'
  readonly onRetry: () => void
}) {
  if (state === 'idle') return null
  return (
    <div className="pointer-events-none absolute inset-x-0 top-2 flex justify-center">
      {state === 'loading' ? (
        <span
          role="status"
          className="inline-flex h-7 items-center gap-2 rounded-full border border-line bg-raised px-3 text-xs text-ink-2"
        >
          <Spinner className="size-3" />
          Older messages
        </span>
      ) : (
        <Button size="dense" className="pointer-events-auto rounded-full! shadow-float" onClick={onRetry}>
          Older messages could not be read. Try again
        </Button>
      )}
    </div>
  )
}
