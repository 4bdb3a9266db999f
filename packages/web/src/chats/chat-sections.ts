import type { Chat } from '@slipway/contract'
import { needsViewer } from './chat-words.ts'

/** One line of the list. */
export type ListRow =
  | { readonly kind: 'section'; readonly key: string; readonly label: string; readonly count: number }
  | { readonly kind: 'chat'; readonly key: string; readonly chat: Chat; readonly expanded: boolean }
  | { readonly kind: 'child'; readonly key: string; readonly chat: Chat; readonly root: Chat }

interface Section {
  readonly label: string
  readonly chats: readonly Chat[]
}

const STATUS_SECTIONS: readonly { readonly label: string; readonly holds: (chat: Chat) => boolean }[] = [
  { label: 'Needs you', holds: needsViewer },
  { label: 'Working', holds: ({ status }) => status === 'running' || status === 'interrupting' },
  { label: 'Failed', holds: ({ status }) => status === 'error' },
  { label: 'Idle', holds: (chat) => chat.status === 'waiting' && !needsViewer(chat) },
]

/** Pinned ones in their own order; then by date in the viewer's zone, or by what they do (UI-1105). */
export function sectionsOf(
  chats: readonly Chat[],
  groupBy: 'date' | 'chat_status',
  now: Date,
): readonly Section[] {
  const pinned = chats
    .filter(({ pin_order: order }) => order > 0)
    .toSorted((a, b) => a.pin_order - b.pin_order || newestFirst(a, b))
  const others = chats.filter(({ pin_order: order }) => order <= 0).toSorted(newestFirst)
  const rest =
    groupBy === 'chat_status'
      ? STATUS_SECTIONS.map(({ label, holds }) => ({
          label,
          chats: others.filter(holds),
        }))
      : byDate(others, now)
  return [{ label: 'Pinned', chats: pinned }, ...rest].filter(({ chats: inside }) => inside.length > 0)
}

function newestFirst(a: Chat, b: Chat): number {
  return Date.parse(b.updated_at) - Date.parse(a.updated_at) || (a.id < b.id ? 1 : -1)
}

function byDate(chats: readonly Chat[], now: Date): readonly Section[] {
  const day = (back: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() - back).getTime()
  const limits = [
    ['Today', day(0)],
    ['Yesterday', day(1)],
    ['This week', day(6)],
    ['Older', Number.NEGATIVE_INFINITY],
  ] as const
  return limits.map(([label, from], index) => {
    const until = limits[index - 1]?.[1] ?? Number.POSITIVE_INFINITY
    return {
      label,
      chats: chats.filter(({ updated_at: at }) => {
        const time = Date.parse(at)
        return time >= from && time < until
      }),
    }
  })
}

/** The lines of the list; those inside of a chat only where it is open (UI-1106). */
export function rowsOf(sections: readonly Section[], expanded: ReadonlySet<string>): readonly ListRow[] {
  return sections.flatMap(({ label, chats }): readonly ListRow[] => [
    { kind: 'section', key: `section ${label}`, label, count: chats.length },
    ...chats.flatMap((chat): readonly ListRow[] => {
      const open = expanded.has(chat.id) && chat.children.length > 0
      return [
        { kind: 'chat', key: chat.id, chat, expanded: open },
        ...(open
          ? chat.children.map(
              (child): ListRow => ({
                kind: 'child',
                key: child.id,
                chat: { ...child, children: [] },
                root: chat,
              }),
            )
          : []),
      ]
    }),
  ])
}

/** Where the focus goes from a line with a key of the tree pattern; the same line when there is nowhere to go. */
export function moveIn(rows: readonly ListRow[], from: string | undefined, key: string): string | undefined {
  const items = rows.filter(({ kind }) => kind !== 'section')
  const at = items.findIndex((row) => row.key === from)
  const current = items[at]
  switch (key) {
    case 'ArrowDown':
      return (items[at + 1] ?? items.at(-1))?.key
    case 'ArrowUp':
      return (at <= 0 ? items[0] : items[at - 1])?.key
    case 'Home':
      return items[0]?.key
    case 'End':
      return items.at(-1)?.key
    case 'ArrowLeft':
      return current?.kind === 'child' ? current.root.id : current?.key
    case 'ArrowRight':
      return current?.kind === 'chat' && current.expanded ? items[at + 1]?.key : current?.key
    default:
      return current?.key
  }
}
