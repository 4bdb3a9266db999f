import { type RefObject, useEffect, useMemo, useState } from 'react'

import { useChatView, useConversation } from './conversation-context.ts'
import { findInRows, type Place } from './find-in-rows.ts'
import type { Row } from './rows.ts'

const ALL = 'chat-find'
const CURRENT = 'chat-find-current'

interface Find {
  readonly wanted: string
  readonly setWanted: (wanted: string) => void
  readonly at: number
  readonly count: number
  readonly reading: boolean
  readonly step: (step: 1 | -1) => void
}

/**
 * Looks for text in rows while `active`: reads older messages until all are there, marks what is on the page, and brings
 * the current place into sight. `goTo` scrolls to a row.
 */
export function useFind(
  active: boolean,
  rows: readonly Row[],
  box: RefObject<HTMLElement | null>,
  goTo: (row: number) => void,
): Find {
  const { session, opened } = useConversation()
  const older = useChatView(session, (view) => view.older)
  const hasOlder = useChatView(session, (view) => view.chat.hasOlder)
  const [wanted, setWanted] = useState('')
  const [current, setCurrent] = useState<Place>()
  const searching = active && wanted.trim() !== ''
  const places = useMemo(() => (searching ? findInRows(rows, wanted.trim()) : []), [searching, rows, wanted])
  const known =
    current === undefined
      ? -1
      : places.findIndex(({ row, nth }) => row === current.row && nth === current.nth)
  // The newest place first: the reader is at the end.
  const at = known === -1 ? places.length - 1 : known
  const place = places[at]

  useEffect(() => {
    if (searching && hasOlder && older === 'idle') void session.loadOlder()
  }, [searching, hasOlder, older, session])

  const row = place?.row
  const nth = place?.nth
  // biome-ignore lint/correctness/useExhaustiveDependencies: the reader is moved when the place changes, not when rows come.
  useEffect(() => {
    if (row === undefined || nth === undefined) return
    const index = rows.findIndex(({ key }) => key === row)
    if (index === -1) return
    const { kind } = rows[index] ?? {}
    if (kind === 'reasoning' || kind === 'tools') opened.set(row, true)
    if (kind === 'user') opened.set(`long:${row}`, true)
    goTo(index)
    let frame = 0
    let tries = 0
    // The row is rendered and measured first, and grows when it opens.
    const settle = () => {
      const range = mark(box.current, wanted.trim(), { row: index, nth })
      const view = box.current?.getBoundingClientRect()
      const spot = range?.getBoundingClientRect()
      if (view !== undefined && spot !== undefined && box.current !== null) {
        if (spot.top < view.top + 56 || spot.bottom > view.bottom - 24)
          box.current.scrollTop += spot.top - view.top - view.height / 3
      }
      if (++tries < 6) frame = requestAnimationFrame(settle)
    }
    frame = requestAnimationFrame(settle)
    return () => cancelAnimationFrame(frame)
  }, [row, nth, wanted])

  // Rows that come into sight are marked as well.
  useEffect(() => {
    const element = box.current
    if (!searching || element === null) return
    const remark = () => {
      const index = row === undefined ? -1 : rows.findIndex(({ key }) => key === row)
      mark(element, wanted.trim(), { row: index, nth: nth ?? 0 })
    }
    remark()
    const observer = new MutationObserver(remark)
    observer.observe(element, { childList: true, subtree: true, characterData: true })
    return () => {
      observer.disconnect()
      unmark()
    }
  }, [searching, wanted, box, row, nth, rows])

  return {
    wanted,
    setWanted: (next) => {
      setWanted(next)
      setCurrent(undefined)
    },
    at,
    count: places.length,
    reading: searching && hasOlder && older !== 'failed',
    step: (step) => setCurrent(places[(at + step + places.length) % places.length]),
  }
}

/** Marks every place on the page without touching its elements; answers where the current one is. */
function mark(
  box: HTMLElement | null,
  wanted: string,
  current: { readonly row: number; readonly nth: number },
): Range | undefined {
  if (box === null || wanted === '') return undefined
  const needle = wanted.toLowerCase()
  const all: Range[] = []
  let found: Range | undefined
  for (const article of box.querySelectorAll<HTMLElement>('[data-index]')) {
    const own: Range[] = []
    const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const lower = (node.nodeValue ?? '').toLowerCase()
      for (let at = lower.indexOf(needle); at !== -1; at = lower.indexOf(needle, at + needle.length)) {
        const range = new Range()
        range.setStart(node, at)
        range.setEnd(node, at + needle.length)
        own.push(range)
      }
    }
    // What is shown may have fewer places than the text has: marks of Markdown are gone.
    if (Number(article.dataset.index) === current.row) found = own[current.nth] ?? own.at(-1)
    all.push(...own)
  }
  if ('highlights' in CSS) {
    CSS.highlights.set(ALL, new Highlight(...all.filter((range) => range !== found)))
    CSS.highlights.set(CURRENT, new Highlight(...(found === undefined ? [] : [found])))
  }
  return found
}

function unmark(): void {
  if (!('highlights' in CSS)) return
  CSS.highlights.delete(ALL)
  CSS.highlights.delete(CURRENT)
}
