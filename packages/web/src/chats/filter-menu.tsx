import { ListFilter, X } from 'lucide-react'

import { Button } from '../ui/button.tsx'
import { Menu, type MenuItem } from '../ui/menu.tsx'
import { type ChatFilter, PR_STATES, type PrState, SOURCES, type Source } from './chat-filter.ts'

const PR_WORDS: Readonly<Record<PrState, string>> = {
  draft: 'Draft',
  open: 'Open',
  merged: 'Merged',
  closed: 'Closed',
}
const SOURCE_WORDS: Readonly<Record<Source, string>> = {
  created_by_me: 'Mine',
  shared_with_me: 'Shared with me',
}

interface FilterProps {
  readonly filter: ChatFilter
  readonly onChange: (filter: ChatFilter) => void
}

/** What the list shows and how it is parted; each choice is in the address. */
export function ChatFilterMenu({ filter, onChange }: FilterProps) {
  const choice = (id: string, label: string, checked: boolean, next: Partial<ChatFilter>): MenuItem => ({
    id,
    label,
    checked,
    onSelect: () => onChange({ ...filter, ...next }),
  })
  const toggled = <Value,>(list: readonly Value[], value: Value) =>
    list.includes(value) ? list.filter((one) => one !== value) : [...list, value]
  return (
    <Menu
      label="Filter and group chats"
      trigger={
        <Button
          tone="quiet"
          size="icon"
          aria-label="Filter and group chats"
          title="Filter and group"
          icon={<ListFilter className="size-4" strokeWidth={1.75} />}
        />
      }
      groups={[
        [
          choice('date', 'Group by date', filter.groupBy === 'date', { groupBy: 'date' }),
          choice('status', 'Group by status', filter.groupBy === 'chat_status', { groupBy: 'chat_status' }),
        ],
        SOURCES.map((source) => {
          const next = toggled(filter.sources, source)
          return choice(source, SOURCE_WORDS[source], filter.sources.includes(source), {
            sources: next.length === 0 ? SOURCES.filter((one) => one !== source) : next,
          })
        }),
        [
          choice('unread', 'Unread only', filter.read === 'unread', {
            read: filter.read === 'unread' ? undefined : 'unread',
          }),
          choice('read', 'Read only', filter.read === 'read', {
            read: filter.read === 'read' ? undefined : 'read',
          }),
        ],
        PR_STATES.map((state) =>
          choice(state, `${PR_WORDS[state]} pull request`, filter.prStates.includes(state), {
            prStates: toggled(filter.prStates, state),
          }),
        ),
        [choice('archived', 'Archive', filter.archived, { archived: !filter.archived })],
      ]}
    />
  )
}

/** What is not usual about the list, each with a way to take it back. */
export function ChatFilterChips({ filter, onChange }: FilterProps) {
  const chips: { readonly label: string; readonly without: Partial<ChatFilter> }[] = [
    ...(filter.archived ? [{ label: 'Archive', without: { archived: false } }] : []),
    ...(filter.sources.includes('shared_with_me')
      ? [
          {
            label: filter.sources.length === 1 ? 'Shared with me' : 'Mine and shared with me',
            without: { sources: ['created_by_me'] as const },
          },
        ]
      : []),
    ...(filter.read === undefined
      ? []
      : [{ label: filter.read === 'unread' ? 'Unread' : 'Read', without: { read: undefined } }]),
    ...filter.prStates.map((state) => ({
      label: `${PR_WORDS[state]} pull request`,
      without: { prStates: filter.prStates.filter((one) => one !== state) },
    })),
  ]
  if (chips.length === 0) return null
  return (
    <ul aria-label="Filters" className="flex flex-wrap gap-1 px-3 pb-2">
      {chips.map(({ label, without }) => (
        <li key={label}>
          <button
            type="button"
            onClick={() => onChange({ ...filter, ...without })}
            aria-label={`Remove the filter ${label}`}
            className="inline-flex h-6 items-center gap-1 rounded-control border border-line-strong bg-surface pl-2 pr-1 text-xs text-ink-2 hover:bg-hover hover:text-ink pointer-coarse:h-9"
          >
            {label}
            <X className="size-3" aria-hidden="true" />
          </button>
        </li>
      ))}
    </ul>
  )
}
