import { useQuery } from '@tanstack/react-query'
import { Archive, CircleDot, Clock, GitPullRequest, Search } from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react'

import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { ModalContent } from '../ui/modal.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { chatSearchQuestion, hasSearchableWord, PR_STATES, type PrState } from './chat-filter.ts'
import { chatLook } from './chat-words.ts'
import { chatSearchQuery } from './queries.ts'
import { readRecent, rememberSearch } from './recent-searches.ts'

const SETTLE_MS = 200

/** Looks for chats by their titles, messages and pull requests (UI-1109). */
export function SearchDialog({
  open,
  query,
  onClose,
}: {
  readonly open: boolean
  readonly query: Readonly<Record<string, string | undefined>>
  readonly onClose: () => void
}) {
  return (
    <Primitive.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Primitive.Portal>
        <ModalContent
          aria-describedby={undefined}
          className="fixed left-1/2 top-[max(8vh,12px)] z-50 flex max-h-[min(70vh,560px)] w-[calc(100vw-24px)] max-w-xl -translate-x-1/2 animate-fade flex-col overflow-hidden rounded-dialog border border-line bg-raised shadow-float"
        >
          <Primitive.Title className="sr-only">Search chats</Primitive.Title>
          <SearchBody query={query} onClose={onClose} />
        </ModalContent>
      </Primitive.Portal>
    </Primitive.Root>
  )
}

function SearchBody({
  query,
  onClose,
}: {
  readonly query: Readonly<Record<string, string | undefined>>
  readonly onClose: () => void
}) {
  const go = useGo()
  const user = useUser()
  const list = useId()
  const [text, setText] = useState('')
  const [unread, setUnread] = useState(false)
  const [archived, setArchived] = useState(false)
  const [prState, setPrState] = useState<PrState>()
  const [active, setActive] = useState(0)
  const settled = useSettled(text, SETTLE_MS)
  const wordless = settled.trim() !== '' && !hasSearchableWord(settled)
  const question = wordless ? undefined : chatSearchQuestion(settled, { unread, archived, prState })
  const found = useQuery({ ...chatSearchQuery(question ?? ''), enabled: question !== undefined })
  const chats = question === undefined ? [] : (found.data ?? [])
  const current = Math.min(active, chats.length - 1)
  const choose = (id: string | undefined) => {
    if (id === undefined) return
    rememberSearch(user.id, settled)
    onClose()
    go(paths.chat(id, query))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0 && chats.length > 0) setActive((current + step + chats.length) % chats.length)
    else if (event.key === 'Enter') choose(chats[current]?.id)
    else return
    event.preventDefault()
  }
  const recent = readRecent(user.id)
  return (
    <>
      <div className="flex items-center gap-2.5 border-b border-line px-4">
        <Search className="size-4 shrink-0 text-ink-3" aria-hidden="true" />
        <input
          type="text"
          role="combobox"
          aria-label="Search chats"
          aria-expanded={chats.length > 0}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={chats.length > 0 ? `${list}-${current}` : undefined}
          // biome-ignore lint/a11y/noAutofocus: the one field of a dialog that was opened to search
          autoFocus
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setActive(0)
          }}
          onKeyDown={onKeyDown}
          placeholder="Words of a title or message, or the address of a pull request"
          className="h-12 w-full bg-transparent text-base outline-none"
        />
      </div>
      <div className="flex flex-wrap gap-1 border-b border-line px-3 py-2">
        <Chip pressed={unread} onPress={() => setUnread(!unread)} icon={<CircleDot className="size-3.5" />}>
          Unread
        </Chip>
        <Chip
          pressed={archived}
          onPress={() => setArchived(!archived)}
          icon={<Archive className="size-3.5" />}
        >
          Archive
        </Chip>
        {PR_STATES.map((state) => (
          <Chip
            key={state}
            pressed={prState === state}
            onPress={() => setPrState(prState === state ? undefined : state)}
            icon={<GitPullRequest className="size-3.5" />}
          >
            {`PR ${state}`}
          </Chip>
        ))}
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto p-1.5">
        {found.isError && question !== undefined ? (
          <div className="p-1.5">
            <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />
          </div>
        ) : question === undefined ? (
          wordless ? (
            <Hint>Only signs: there is no word in this to look for.</Hint>
          ) : recent.length === 0 ? (
            <Hint>Type what was said in the chat, or in its title.</Hint>
          ) : (
            <div>
              <div className="px-2.5 pb-1 pt-1.5 text-xs font-medium text-ink-3">Recent searches</div>
              {recent.map((one) => (
                <button
                  key={one}
                  type="button"
                  onClick={() => setText(one)}
                  className="flex h-9 w-full items-center gap-2.5 rounded-control px-2.5 text-left text-sm hover:bg-hover"
                >
                  <Clock className="size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
                  <span className="min-w-0 truncate">{one}</span>
                </button>
              ))}
            </div>
          )
        ) : found.data === undefined ? (
          <Hint>Searching</Hint>
        ) : chats.length === 0 ? (
          <Hint>No chat has this.</Hint>
        ) : (
          <div id={list} role="listbox" aria-label="Chats that match">
            {chats.map((chat, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard chooses in the text field (combobox pattern)
              <div
                key={chat.id}
                id={`${list}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === current}
                onMouseDown={(event) => event.preventDefault()}
                onMouseMove={() => setActive(index)}
                onClick={() => choose(chat.id)}
                className="flex min-h-12 cursor-default items-center gap-3 rounded-control px-2.5 py-1.5 aria-selected:bg-accent-wash"
              >
                <span className="min-w-0 flex-1">
                  <span className="block truncate text-sm font-medium">
                    <bdi>
                      <Marked text={chat.title} words={settled} />
                    </bdi>
                  </span>
                  <span className="block truncate text-xs text-ink-2">
                    {chat.archived ? 'Archived · ' : ''}
                    <TimeAgo time={chat.updated_at} />
                    {chat.last_turn_summary === null ? '' : ` · ${chat.last_turn_summary}`}
                  </span>
                </span>
                {chat.status === 'waiting' ? null : <StateBadge look={chatLook(chat)} className="text-xs" />}
              </div>
            ))}
          </div>
        )}
      </div>
    </>
  )
}

function Hint({ children }: { readonly children: string }) {
  return (
    <p role="status" className="px-3 py-8 text-center text-sm text-ink-2">
      {children}
    </p>
  )
}

function Chip({
  pressed,
  onPress,
  icon,
  children,
}: {
  readonly pressed: boolean
  readonly onPress: () => void
  readonly icon: ReactNode
  readonly children: string
}) {
  return (
    <button
      type="button"
      aria-pressed={pressed}
      onClick={onPress}
      className={classNames(
        'inline-flex h-6 items-center gap-1.5 rounded-control border px-2 text-xs pointer-coarse:h-9',
        pressed
          ? 'border-accent bg-accent-wash text-accent'
          : 'border-line-strong text-ink-2 hover:bg-hover hover:text-ink',
      )}
    >
      {icon}
      {children}
    </button>
  )
}

/** The title with the words that were looked for set off. */
function Marked({ text, words }: { readonly text: string; readonly words: string }) {
  const wanted = words
    .split(/[\s"]+/)
    .filter(hasSearchableWord)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  if (wanted.length === 0) return text
  let at = 0
  return text.split(new RegExp(`(${wanted.join('|')})`, 'giu')).map((part, index) => {
    const key = at
    at += part.length
    return index % 2 === 1 ? (
      <mark key={key} className="bg-transparent font-semibold text-accent">
        {part}
      </mark>
    ) : (
      part
    )
  })
}
