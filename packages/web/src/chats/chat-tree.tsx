import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'

import type { Chat } from '@slipway/contract'
import { paths } from '../paths.ts'
import type { MenuItem } from '../ui/menu.tsx'
import { ChatRow } from './chat-row.tsx'
import { type ListRow, moveIn, rowsOf, sectionsOf } from './chat-sections.ts'
import { useExpanded } from './use-expanded.ts'

interface ChatTreeProps {
  readonly chats: readonly Chat[]
  readonly groupBy: 'date' | 'chat_status'
  readonly query: Readonly<Record<string, string | undefined>>
  readonly openChat: string | undefined
  readonly modelName: (id: string) => string | undefined
  readonly actionsFor: (chat: Chat) => readonly (readonly MenuItem[])[]
  readonly onRename: (chat: Chat) => void
  readonly onArchive: (chat: Chat) => void
  readonly onPin: (chat: Chat, order: number) => void
  /** The end is in sight: read on. */
  readonly onEnd: () => void
}

const HEIGHTS = { section: 30, chat: 54, child: 36 } as const
const NEAR_END = 8
const KEYS: ReadonlySet<string> = new Set(['ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight', 'Home', 'End'])

/** Chats as a tree of which only what is in sight is drawn, so that thousands stay smooth. */
export function ChatTree(props: ChatTreeProps) {
  const { chats, groupBy, query, openChat, onEnd } = props
  const scroller = useRef<HTMLDivElement>(null)
  const [expanded, setExpanded] = useExpanded()
  const day = new Date().toDateString()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another day has other sections
  const rows = useMemo(
    () => rowsOf(sectionsOf(chats, groupBy, new Date()), expanded),
    [chats, groupBy, expanded, day],
  )
  const positions = useMemo(() => positionsOf(rows), [rows])
  const [focus, setFocus] = useState<string>()
  const [menu, setMenu] = useState<string>()
  const [pointed, setPointed] = useState<string>()
  const dragged = useRef<Chat>(undefined)
  const items = rows.filter(({ kind }) => kind !== 'section')
  const keys = new Set(items.map(({ key }) => key))
  const active =
    focus !== undefined && keys.has(focus)
      ? focus
      : openChat !== undefined && keys.has(openChat)
        ? openChat
        : items[0]?.key
  const activeAt = rows.findIndex(({ key }) => key === active)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => HEIGHTS[rows[index]?.kind ?? 'chat'],
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 8,
    paddingEnd: 12,
  })
  const drawn = virtual.getVirtualItems()
  const last = drawn.at(-1)?.index ?? 0
  const count = rows.length
  useEffect(() => {
    if (last >= count - NEAR_END) onEnd()
  }, [last, count, onEnd])
  /** Whoever moves with keys may go where nothing is drawn yet. */
  const wanted = useRef<string>(undefined)
  useEffect(() => {
    if (wanted.current === undefined) return
    const row = scroller.current?.querySelector<HTMLElement>(`[data-chat="${CSS.escape(wanted.current)}"]`)
    if (row == null) return
    wanted.current = undefined
    row.focus({ preventScroll: true })
  })
  const goTo = (key: string | undefined) => {
    if (key === undefined) return
    setFocus(key)
    wanted.current = key
    virtual.scrollToIndex(rows.findIndex((row) => row.key === key))
  }
  const expand = (chat: string, open: boolean) => {
    const next = new Set(expanded)
    if (open) next.add(chat)
    else next.delete(chat)
    setExpanded(next)
  }
  const onKeyDown = (event: KeyboardEvent<HTMLElement>, row: Exclude<ListRow, { kind: 'section' }>) => {
    if (event.target !== event.currentTarget) return
    const { chat } = row
    const root = row.kind === 'chat' ? row.chat : undefined
    const pinned = root !== undefined && root.pin_order > 0
    if (event.altKey && pinned && (event.key === 'ArrowUp' || event.key === 'ArrowDown'))
      props.onPin(root, Math.max(1, root.pin_order + (event.key === 'ArrowUp' ? -1 : 1)))
    else if (event.altKey || event.ctrlKey || event.metaKey) return
    else if (event.key === 'ArrowRight' && root !== undefined && !('expanded' in row && row.expanded))
      expand(chat.id, true)
    else if (event.key === 'ArrowLeft' && row.kind === 'chat' && row.expanded) expand(chat.id, false)
    else if (KEYS.has(event.key)) goTo(moveIn(rows, row.key, event.key))
    else if (event.key === 'Enter' || event.key === ' ') event.currentTarget.querySelector('a')?.click()
    else if (event.key === 'F2' && root !== undefined) props.onRename(root)
    else if (event.key === 'Delete' && root !== undefined && !root.archived) props.onArchive(root)
    else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) setMenu(chat.id)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const shown =
    activeAt < 0 || drawn.some(({ index }) => index === activeAt)
      ? drawn
      : [...drawn, ...virtual.measurementsCache.slice(activeAt, activeAt + 1)]
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto overscroll-contain">
      <div
        role="tree"
        aria-label="Chats"
        className="relative w-full"
        style={{ height: virtual.getTotalSize() }}
      >
        {shown.map(({ index, key, start }) => {
          const row = rows[index]
          if (row === undefined) return null
          return (
            <div
              key={key}
              role="presentation"
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${start}px)` }}
            >
              {row.kind === 'section' ? (
                <div className="flex h-[30px] items-end gap-1.5 px-4 pb-1 text-xs font-medium text-ink-3">
                  {row.label}
                </div>
              ) : (
                <ChatRow
                  chat={row.chat}
                  href={paths.chat(row.chat.id, query)}
                  level={row.kind === 'chat' ? 1 : 2}
                  position={positions.get(row.key) ?? { at: 1, of: 1 }}
                  current={row.chat.id === openChat}
                  focusable={row.key === active}
                  model={props.modelName(row.chat.last_model_config_id)}
                  {...(row.kind === 'chat' && row.chat.children.length > 0
                    ? { expanded: row.expanded, onExpand: (open: boolean) => expand(row.chat.id, open) }
                    : {})}
                  menu={
                    row.key === pointed || row.key === active || row.key === menu
                      ? props.actionsFor(row.chat)
                      : undefined
                  }
                  onPoint={() => setPointed(row.key)}
                  menuOpen={menu === row.chat.id}
                  onMenu={(open) => setMenu(open ? row.chat.id : undefined)}
                  onFocus={() => setFocus(row.key)}
                  onKeyDown={(event) => onKeyDown(event, row)}
                  {...(row.kind === 'chat' && row.chat.pin_order > 0
                    ? {
                        drag: {
                          onStart: () => {
                            dragged.current = row.chat
                          },
                          onDrop: () => {
                            if (dragged.current !== undefined && dragged.current.id !== row.chat.id)
                              props.onPin(dragged.current, row.chat.pin_order)
                            dragged.current = undefined
                          },
                        },
                      }
                    : {})}
                />
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}

/** Which of how many siblings each line is. */
function positionsOf(
  rows: readonly ListRow[],
): ReadonlyMap<string, { readonly at: number; readonly of: number }> {
  const roots = rows.filter(({ kind }) => kind === 'chat')
  const positions = new Map(roots.map(({ key }, index) => [key, { at: index + 1, of: roots.length }]))
  for (const row of rows)
    if (row.kind === 'child') {
      const { children } = row.root
      positions.set(row.key, { at: children.findIndex(({ id }) => id === row.key) + 1, of: children.length })
    }
  return positions
}
