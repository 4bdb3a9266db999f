import { useQuery } from '@tanstack/react-query'
import { useBlocker } from '@tanstack/react-router'
import { Code, MessagesSquare } from 'lucide-react'
import { type ReactNode, useEffect } from 'react'

import type { Chat } from '@slipway/contract'
import { describeError, statusOf } from '../../api/errors.ts'
import { ConversationPane } from '../../chat-conversation/index.ts'
import { stringifySearch, useAddress, useRouteParam } from '../../navigation/address.ts'
import { paths } from '../../paths.ts'
import { useUser } from '../../session/session.tsx'
import { StepUpHost } from '../../session/step-up-host.tsx'
import { UserContext } from '../../session/user-context.ts'
import { Button, buttonClass } from '../../ui/button.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { ErrorNotice } from '../../ui/error-notice.tsx'
import { Notice } from '../../ui/notice.tsx'
import { Spinner } from '../../ui/spinner.tsx'
import { usePageHeading } from '../../ui/use-page-heading.ts'
import { chatIdOf } from '../chat-filter.ts'
import { chatQuery } from '../queries.ts'
import { Standing } from '../standing.tsx'
import { useChatWatch } from '../use-chat-watch.ts'
import { readTheme, showTheme } from './embed-theme.ts'
import { tellParent } from './parent-window.ts'
import { useHandedSession } from './use-handed-session.ts'

/** `/agents/{chat}/embed`: a chat as a panel of an editor, which hands over the session (UI-1154). */
export function EmbedPage() {
  const id = chatIdOf(useRouteParam('chat'))
  const [{ theme }] = useAddress()
  useEffect(() => showTheme(readTheme(theme)), [theme])
  if (id === undefined) return <NoSuchChat />
  if (window.parent === window)
    return (
      <Around>
        <EmptyState
          page
          icon={Code}
          title="This view is part of an editor"
          action={
            <a href={paths.chat(id)} className={buttonClass({ tone: 'primary' })}>
              Open the chat
            </a>
          }
        >
          An editor shows it in a panel of its own, and signs it in.
        </EmptyState>
      </Around>
    )
  return <Embedded id={id} />
}

function Embedded({ id }: { readonly id: string }) {
  useNoWayOut()
  const [state, retry] = useHandedSession(id)
  switch (state.kind) {
    case 'open':
      return (
        <UserContext value={state.user}>
          <OpenChat key={state.user.id} id={id} />
          <StepUpHost />
        </UserContext>
      )
    case 'failed':
      return (
        <Around>
          <div className="mx-auto w-full max-w-md p-4">
            {/* Another try asks the editor for another session, so that it helps whatever the server said. */}
            <Notice
              tone="bad"
              title="The panel could not be signed in"
              action={
                <Button size="dense" onClick={retry}>
                  Try again
                </Button>
              }
            >
              {describeError(state.error).message}
            </Notice>
          </div>
        </Around>
      )
    default:
      return (
        <Around>
          <div role="status" className="m-auto flex flex-col items-center gap-3 p-4 text-sm text-ink-2">
            <span className="flex items-center gap-2">
              <Spinner className="size-4" />
              {state.kind === 'waiting' ? 'Signing in' : 'The editor has not signed this panel in yet'}
            </span>
            {state.kind === 'late' ? (
              <Button size="dense" onClick={retry}>
                Ask again
              </Button>
            ) : null}
          </div>
        </Around>
      )
  }
}

function OpenChat({ id }: { readonly id: string }) {
  const chat = useQuery(chatQuery(id))
  useChatWatch(id)
  if (chat.data !== undefined) return <Panel chat={chat.data} />
  if (statusOf(chat.error) === 404 || statusOf(chat.error) === 400) return <NoSuchChat />
  return (
    <Around>
      {chat.isError ? (
        <div className="mx-auto w-full max-w-md p-4">
          <ErrorNotice
            error={chat.error}
            title="The chat could not be read"
            onRetry={() => void chat.refetch()}
          />
        </div>
      ) : (
        <span role="status" className="m-auto flex items-center gap-2 text-sm text-ink-2">
          <Spinner className="size-4" />
          Reading the chat
        </span>
      )}
    </Around>
  )
}

function Panel({ chat }: { readonly chat: Chat }) {
  const me = useUser()
  const heading = usePageHeading(chat.title)
  useEffect(() => tellParent({ type: 'coder:chat-ready' }), [])
  return (
    <Around>
      <header className="flex h-10 shrink-0 items-center border-b border-line px-4">
        <h1
          ref={heading}
          tabIndex={-1}
          title={chat.title}
          className="min-w-0 truncate text-sm font-semibold outline-none"
        >
          <bdi>{chat.title}</bdi>
        </h1>
      </header>
      <Standing chat={chat} own={chat.owner_id === me.id} />
      <ConversationPane chatId={chat.id} />
    </Around>
  )
}

function NoSuchChat() {
  return (
    <Around>
      <EmptyState page icon={MessagesSquare} title="There is no such chat">
        It was deleted, or it is not shared with you.
      </EmptyState>
    </Around>
  )
}

function Around({ children }: { readonly children: ReactNode }) {
  return (
    <main id="main-content" tabIndex={-1} className="flex h-dvh min-w-0 flex-col bg-surface outline-none">
      {children}
    </main>
  )
}

/** Whatever would lead away is told to the program around, and goes no further. */
function useNoWayOut(): void {
  useBlocker({
    shouldBlockFn: ({ current, next }) => {
      if (next.pathname === current.pathname) return false
      tellNavigation(next.pathname + stringifySearch(next.search))
      return true
    },
    enableBeforeUnload: false,
  })
  useEffect(() => {
    const onClick = (event: MouseEvent) => {
      if (event.defaultPrevented || !(event.target instanceof Element)) return
      const link = event.target.closest<HTMLAnchorElement>('a[href]')
      if (link === null || link.hasAttribute('download')) return
      event.preventDefault()
      tellNavigation(link.href)
    }
    document.addEventListener('click', onClick)
    document.addEventListener('auxclick', onClick)
    return () => {
      document.removeEventListener('click', onClick)
      document.removeEventListener('auxclick', onClick)
    }
  }, [])
}

function tellNavigation(href: string): void {
  tellParent({ type: 'coder:navigate', payload: { url: new URL(href, location.origin).href } })
}
