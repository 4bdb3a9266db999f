import { useQuery } from '@tanstack/react-query'
import { ChevronRight, MessagesSquare, PanelRight, TextSearch, UserRoundPlus } from 'lucide-react'
import { useEffect, useState } from 'react'

import type { Chat } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { ConversationPane } from '../chat-conversation/index.ts'
import { useAddress, useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { Menu } from '../ui/menu.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { useAgents } from './agents-context.ts'
import { chatIdOf } from './chat-filter.ts'
import { chatLook } from './chat-words.ts'
import { PaneHeader } from './pane-header.tsx'
import { changeChat, chatQuery } from './queries.ts'
import { RightPanel } from './right-panel.tsx'
import { Standing } from './standing.tsx'
import { useChatTitle } from './use-chat-title.ts'
import { useFindKey } from './use-find-key.ts'
import { useMedia } from './use-media.ts'

/** `/agents/{chat}`: a conversation, and beside it what belongs to it. */
export function ChatPage() {
  const id = chatIdOf(useRouteParam('chat'))
  const chat = useQuery({ ...chatQuery(id ?? ''), enabled: id !== undefined })
  if (chat.data !== undefined) return <OpenChat key={chat.data.id} chat={chat.data} />
  if (id === undefined || statusOf(chat.error) === 404 || statusOf(chat.error) === 400) return <NoSuchChat />
  if (chat.isError)
    return (
      <>
        <PaneHeader />
        <ErrorPage
          title="The chat could not be read"
          error={chat.error}
          onRetry={() => void chat.refetch()}
        />
      </>
    )
  return (
    <>
      <PaneHeader>
        <AfterDelay>
          <div className="skeleton h-4 w-56" />
        </AfterDelay>
      </PaneHeader>
      <AfterDelay>
        <div aria-busy="true" className="mx-auto flex w-full max-w-[760px] flex-col gap-4 px-6 pt-10">
          <span role="status" className="sr-only">
            Loading
          </span>
          <div className="skeleton ml-auto h-16 w-2/3 rounded-card" />
          <div className="skeleton h-4 w-full" />
          <div className="skeleton h-4 w-11/12" />
          <div className="skeleton h-4 w-3/5" />
        </div>
      </AfterDelay>
    </>
  )
}

function NoSuchChat() {
  const { query } = useAgents()
  return (
    <>
      <PaneHeader />
      <EmptyState
        page
        icon={MessagesSquare}
        title="There is no such chat"
        action={
          <AppLink href={paths.agents(query)} className={buttonClass({ tone: 'primary' })}>
            New chat
          </AppLink>
        }
      >
        It was deleted, it is not shared with you, or the link is mistyped.
      </EmptyState>
    </>
  )
}

function OpenChat({ chat }: { readonly chat: Chat }) {
  const me = useUser()
  const { actionsFor, share, panelOpen, setPanelOpen, query } = useAgents()
  const heading = useChatTitle(chat.title)
  const wide = useMedia('(min-width: 1024px)')
  const [overlay, setOverlay] = useState(false)
  const open = wide ? panelOpen : overlay
  const setOpen = (next: boolean) => (wide ? setPanelOpen(next) : setOverlay(next))
  const [address] = useAddress()
  const [finding, setFinding] = useState(false)
  useFindKey(() => setFinding(true))
  const own = chat.owner_id === me.id
  const root = chat.parent_chat_id === undefined
  const mayShare = useCheck(
    'share',
    root
      ? {
          resource_type: 'chat',
          owner_id: chat.owner_id,
          organization_id: chat.organization_id,
        }
      : undefined,
  )
  const unread = own && chat.has_unread
  // Whoever reads a chat of somebody else leaves the owner's mark alone (UI-1110).
  useEffect(() => {
    if (unread) changeChat(chat.id, { has_unread: false })
  }, [unread, chat.id])
  return (
    <div className="relative flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col">
        <PaneHeader
          actions={
            <>
              {mayShare === true ? (
                <Button
                  tone="quiet"
                  size="icon"
                  aria-label="Share"
                  title="Share"
                  onClick={() => share(chat)}
                  icon={<UserRoundPlus className="size-4" strokeWidth={1.75} />}
                />
              ) : null}
              <Button
                tone="quiet"
                size="icon"
                aria-label="Find in this chat"
                title="Find in this chat (Ctrl or ⌘ and F)"
                aria-pressed={finding}
                onClick={() => setFinding(!finding)}
                icon={<TextSearch className="size-4" strokeWidth={1.75} />}
              />
              <Menu label={`Actions for ${chat.title}`} groups={actionsFor(chat)} />
              <Button
                tone="quiet"
                size="icon"
                aria-label={open ? 'Close the side panel' : 'Open the side panel'}
                aria-expanded={open}
                title="Side panel"
                onClick={() => setOpen(!open)}
                icon={<PanelRight className="size-4" strokeWidth={1.75} />}
              />
            </>
          }
        >
          {chat.parent_chat_id === undefined ? null : <ParentLink chat={chat.parent_chat_id} query={query} />}
          <h1
            ref={heading}
            tabIndex={-1}
            title={chat.title}
            className="min-w-0 truncate text-base font-semibold tracking-[-0.006em]"
          >
            <bdi>{chat.title}</bdi>
          </h1>
          {chat.status === 'waiting' ? null : (
            <StateBadge look={chatLook(chat)} className="shrink-0 text-xs max-sm:[&>span]:sr-only" />
          )}
        </PaneHeader>
        <Standing chat={chat} own={own} />
        <ConversationPane
          chatId={chat.id}
          message={/^\d{1,15}$/.test(address.message ?? '') ? Number(address.message) : undefined}
          finding={finding}
          onFinding={setFinding}
        />
      </div>
      {open ? <RightPanel chat={chat} own={own} wide={wide} onClose={() => setOpen(false)} /> : null}
    </div>
  )
}

function ParentLink({
  chat,
  query,
}: {
  readonly chat: string
  readonly query: Readonly<Record<string, string | undefined>>
}) {
  const parent = useQuery(chatQuery(chat))
  return (
    <nav
      aria-label="Breadcrumb"
      className="flex min-w-0 max-w-[45%] shrink items-center gap-1 text-sm text-ink-2"
    >
      <AppLink href={paths.chat(chat, query)} className="truncate hover:text-ink">
        <bdi>{parent.data?.title ?? 'Parent chat'}</bdi>
      </AppLink>
      <ChevronRight className="size-3.5 shrink-0 text-ink-3" aria-hidden="true" />
    </nav>
  )
}
