import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import {
  Archive,
  BellDot,
  MessagesSquare,
  PanelLeftClose,
  Search,
  SearchX,
  Settings2,
  SquarePen,
} from 'lucide-react'
import { useCallback, useMemo } from 'react'

import type { Chat } from '@slipway/contract'
import { useAddress } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { PushOffer } from '../push/push-offer.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import type { MenuItem } from '../ui/menu.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { type ChatFilter, chatFilterQuery, isNarrowed } from './chat-filter.ts'
import { ChatTree } from './chat-tree.tsx'
import { needsViewer } from './chat-words.ts'
import { ChatFilterChips, ChatFilterMenu } from './filter-menu.tsx'
import { chatListQuery, modelConfigsQuery } from './queries.ts'

interface ListPaneProps {
  readonly filter: ChatFilter
  readonly query: Readonly<Record<string, string | undefined>>
  readonly openChat: string | undefined
  readonly mayCreate: boolean
  readonly actionsFor: (chat: Chat) => readonly (readonly MenuItem[])[]
  readonly onRename: (chat: Chat) => void
  readonly onArchive: (chat: Chat) => void
  readonly onPin: (chat: Chat, order: number) => void
  readonly onSearch: () => void
  readonly onClose: () => void
}

/** All chats of the viewer, with what narrows them and the ways to others (UI-1105). */
export function ListPane(props: ListPaneProps) {
  const { filter, query, openChat, mayCreate, onSearch, onClose } = props
  const [search, change] = useAddress()
  const list = useInfiniteQuery(chatListQuery(filter))
  const models = useQuery(modelConfigsQuery)
  const setFilter = (next: ChatFilter) => change(chatFilterQuery(next))
  const all = useMemo(() => list.data?.pages.flat() ?? [], [list.data])
  const waiting = useMemo(() => all.filter(needsViewer), [all])
  const onlyWaiting = search.needs === 'me'
  const chats = onlyWaiting ? waiting : all
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage])
  return (
    <>
      <div className="flex h-12 shrink-0 items-center gap-0.5 pl-4 pr-2">
        <h2 className="min-w-0 flex-1 truncate text-base font-semibold">
          {filter.archived ? 'Archive' : 'Agents'}
        </h2>
        <Button
          tone="quiet"
          size="icon"
          aria-label="Search chats"
          title="Search chats ( / )"
          onClick={onSearch}
          icon={<Search className="size-4" strokeWidth={1.75} />}
        />
        <ChatFilterMenu filter={filter} onChange={setFilter} />
        {mayCreate ? (
          <AppLink
            href={paths.agents({ ...query, pane: 'new' })}
            aria-label="New chat"
            title="New chat (Alt N)"
            className={buttonClass({ tone: 'quiet', size: 'icon' })}
          >
            <SquarePen className="size-4" strokeWidth={1.75} />
          </AppLink>
        ) : null}
        <Button
          tone="quiet"
          size="icon"
          aria-label="Close the list"
          title="Close the list"
          onClick={onClose}
          className="max-[799px]:hidden"
          icon={<PanelLeftClose className="size-4" strokeWidth={1.75} />}
        />
      </div>
      <ChatFilterChips filter={filter} onChange={setFilter} />
      {waiting.length === 0 && !onlyWaiting ? null : (
        <div className="px-3 pb-2">
          <button
            type="button"
            aria-pressed={onlyWaiting}
            onClick={() => change({ needs: onlyWaiting ? undefined : 'me' })}
            className={classNames(
              'flex h-8 w-full items-center gap-2 rounded-control border px-2.5 text-sm font-medium pointer-coarse:h-11',
              onlyWaiting
                ? 'border-[color-mix(in_srgb,var(--warn)_40%,var(--line))] bg-warn-wash'
                : 'border-line bg-surface hover:bg-hover',
            )}
          >
            <BellDot className="size-4 text-warn" strokeWidth={1.75} aria-hidden="true" />
            <span className="flex-1 text-left">Waiting for you</span>
            <span className="text-xs tabular-nums text-ink-2">{waiting.length}</span>
          </button>
        </div>
      )}
      {list.isError && list.data === undefined ? (
        <div className="p-3">
          <ErrorNotice
            error={list.error}
            title="The chats could not be read"
            onRetry={() => void list.refetch()}
          />
        </div>
      ) : list.data === undefined ? (
        <div className="min-h-0 flex-1 overflow-hidden">
          <ListSkeleton />
        </div>
      ) : chats.length === 0 ? (
        <div className="min-h-0 flex-1 overflow-y-auto">
          <Nothing
            filter={filter}
            onlyWaiting={onlyWaiting}
            mayCreate={mayCreate}
            newChat={paths.agents({ ...query, pane: 'new' })}
            onReset={() => change({ needs: undefined, ...RESET })}
            onShared={() => change({ source: 'shared_with_me' })}
          />
        </div>
      ) : (
        <ChatTree
          chats={chats}
          groupBy={filter.groupBy}
          query={query}
          openChat={openChat}
          modelName={(id) => models.data?.find((model) => model.id === id)?.display_name}
          actionsFor={props.actionsFor}
          onRename={props.onRename}
          onArchive={props.onArchive}
          onPin={props.onPin}
          onEnd={onEnd}
        />
      )}
      {isFetchNextPageError ? (
        <div className="border-t border-line p-3">
          <ErrorNotice
            error={list.error}
            title="Older chats could not be read"
            onRetry={() => void fetchNextPage()}
          />
        </div>
      ) : null}
      {all.length === 0 || filter.archived ? null : <PushOffer />}
      <div className="flex h-11 shrink-0 items-center gap-1 border-t border-line px-2">
        <AppLink
          href={paths.agentSettings()}
          className={classNames(buttonClass({ tone: 'quiet', size: 'dense' }), 'gap-2 text-sm')}
        >
          <Settings2 className="size-4" strokeWidth={1.75} aria-hidden="true" /> Settings
        </AppLink>
        <AppLink
          href={paths.agents({ ...query, archived: filter.archived ? undefined : 'archived' })}
          aria-current={filter.archived ? 'page' : undefined}
          className={classNames(buttonClass({ tone: 'quiet', size: 'dense' }), 'gap-2 text-sm')}
        >
          <Archive className="size-4" strokeWidth={1.75} aria-hidden="true" />
          {filter.archived ? 'Leave the archive' : 'Archive'}
        </AppLink>
      </div>
    </>
  )
}

const RESET = { pr_status: undefined, chat_status: undefined, source: undefined } as const

function Nothing({
  filter,
  onlyWaiting,
  mayCreate,
  newChat,
  onReset,
  onShared,
}: {
  readonly filter: ChatFilter
  readonly onlyWaiting: boolean
  readonly mayCreate: boolean
  readonly newChat: string
  readonly onReset: () => void
  readonly onShared: () => void
}) {
  if (onlyWaiting)
    return (
      <EmptyState
        icon={BellDot}
        title="Nothing waits for you"
        action={<Button onClick={onReset}>Show all chats</Button>}
      >
        Chats that ask something, or need your consent, are listed here.
      </EmptyState>
    )
  if (isNarrowed(filter))
    return (
      <EmptyState
        icon={SearchX}
        title="No chat matches"
        action={<Button onClick={onReset}>Clear the filters</Button>}
      />
    )
  if (filter.archived)
    return (
      <EmptyState icon={Archive} title="The archive is empty">
        Chats that you archive are kept here, until they are deleted after the time that administrators set.
      </EmptyState>
    )
  return mayCreate ? (
    <EmptyState
      icon={MessagesSquare}
      title="No chats yet"
      action={
        // Where both panes have room, a new chat stands beside this.
        <AppLink
          href={newChat}
          className={classNames(buttonClass({ tone: 'primary' }), 'min-[800px]:hidden')}
        >
          New chat
        </AppLink>
      }
    >
      Say what you want done; the chat appears here.
    </EmptyState>
  ) : (
    <EmptyState
      icon={MessagesSquare}
      title="No chats of your own"
      action={<Button onClick={onShared}>Show what is shared with me</Button>}
    >
      To start some you need the role Coder Agents User in an organization; its administrators give it.
    </EmptyState>
  )
}

function ListSkeleton() {
  return (
    <AfterDelay>
      <div aria-busy="true" className="flex flex-col gap-5 px-4 pt-3">
        <span role="status" className="sr-only">
          Loading
        </span>
        {[40, 64, 52, 72, 44, 60].map((width) => (
          <div key={width} className="flex flex-col gap-2">
            <div className="skeleton h-3.5" style={{ width: `${width}%` }} />
            <div className="skeleton h-3" style={{ width: `${width / 2 + 12}%` }} />
          </div>
        ))}
      </div>
    </AfterDelay>
  )
}
