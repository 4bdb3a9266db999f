import { useMutation, useQuery } from '@tanstack/react-query'
import { ChevronRight, MessagesSquare, PanelRight, UserRoundPlus } from 'lucide-react'
import { useEffect, useState } from 'react'

import type { Chat } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { ConversationPane } from '../chat-conversation/index.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useRouteParam } from '../navigation/address.ts'
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
import { toasts } from '../ui/toast.tsx'
import { useAgents } from './agents-context.ts'
import { setArchived } from './archive-dialogs.tsx'
import { chatIdOf } from './chat-filter.ts'
import { chatLook } from './chat-words.ts'
import { GATEWAY_ENABLED } from './gateway.ts'
import { PaneHeader } from './pane-header.tsx'
import { changeChat, chatQuery } from './queries.ts'
import { RightPanel } from './right-panel.tsx'
import { useChatTitle } from './use-chat-title.ts'
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
        <ConversationPane chatId={chat.id} />
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

/** Why the viewer cannot write here, where that is so (UI-1107, UI-1151). */
function Standing({ chat, own }: { readonly chat: Chat; readonly own: boolean }) {
  const online = useOnline()
  const restore = useMutation({
    mutationFn: () => setArchived(chat.id, false),
    onError: (error) => toasts.failed('The chat stays in the archive', error),
  })
  const owner = chat.owner_username ?? 'somebody else'
  if (chat.archived)
    return (
      <div role="status" className={STRIP}>
        <span className="min-w-0 flex-1">
          <strong className="font-medium text-ink">Archived</strong>
          {own ? ': take it out of the archive to go on.' : `, and of ${owner}.`}
        </span>
        {own && chat.parent_chat_id === undefined ? (
          <Button size="dense" busy={restore.isPending} disabled={!online} onClick={() => restore.mutate()}>
            Take out of the archive
          </Button>
        ) : null}
      </div>
    )
  if (own)
    return GATEWAY_ENABLED ? null : (
      <div role="status" className={STRIP}>
        <span className="min-w-0 flex-1">
          <strong className="font-medium text-ink">Agents are switched off</strong>: the chat can be read, and
          nothing can be sent until the AI gateway is enabled again.
        </span>
      </div>
    )
  return (
    <div role="status" className={STRIP}>
      <span className="min-w-0 flex-1">
        A chat of{' '}
        <strong className="font-medium text-ink">
          <bdi>{owner}</bdi>
        </strong>
        . You read along; only its owner writes.
      </span>
    </div>
  )
}

const STRIP =
  'flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-bg px-4 py-1.5 text-sm text-ink-2'
