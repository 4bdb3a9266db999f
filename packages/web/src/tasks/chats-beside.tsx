import { useQuery } from '@tanstack/react-query'
import { ArrowRight, Plus } from 'lucide-react'

import { chatLook, chatNote } from '../chats/chat-words.ts'
import { chatSearchQuery } from '../chats/queries.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { buttonClass } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'

const SHOWN = 6

/** The newest chats: who looks for the work of an agent finds both kinds (L-46). */
export function ChatsBeside() {
  const may = usePermissions()?.createChat === true
  const chats = useQuery({ ...chatSearchQuery('archived:false'), enabled: may, staleTime: 10_000 })
  if (!may) return null
  return (
    <Section
      title="Chats"
      help="Agents that you talk to here, without a template for tasks."
      flush
      actions={
        <AppLink
          href={paths.agents({ pane: 'new' })}
          aria-label="New chat"
          title="New chat"
          className={buttonClass({ tone: 'quiet', size: 'icon' })}
        >
          <Plus className="size-4" strokeWidth={1.75} />
        </AppLink>
      }
    >
      {chats.data === undefined ? (
        chats.isError ? (
          <div className="p-3">
            <ErrorNotice
              error={chats.error}
              title="The chats could not be read"
              onRetry={() => void chats.refetch()}
            />
          </div>
        ) : (
          <AfterDelay>
            <div className="flex flex-col gap-2 p-4" aria-busy="true">
              {[0, 1, 2].map((row) => (
                <div key={row} className="skeleton h-8" />
              ))}
            </div>
          </AfterDelay>
        )
      ) : chats.data.length === 0 ? (
        <p className="px-4 py-5 text-sm text-ink-2">
          No chats yet.{' '}
          <AppLink href={paths.agents({ pane: 'new' })} className="link">
            Start one
          </AppLink>
        </p>
      ) : (
        <ul>
          {chats.data.slice(0, SHOWN).map((chat) => (
            <li key={chat.id} className="border-b border-line last:border-0">
              <AppLink href={paths.chat(chat.id)} className="block px-4 py-2 hover:bg-hover">
                <span className="flex min-w-0 items-baseline gap-2 text-sm">
                  <bdi className="min-w-0 flex-1 truncate font-medium">{chat.title}</bdi>
                  <span className="shrink-0 text-xs text-ink-3">
                    <TimeAgo time={chat.updated_at} />
                  </span>
                </span>
                <span className="flex min-w-0 items-center gap-2 text-xs text-ink-2">
                  <StateBadge look={chatLook(chat)} className="shrink-0 text-xs" />
                  <bdi className="min-w-0 truncate">{chatNote(chat)}</bdi>
                </span>
              </AppLink>
            </li>
          ))}
        </ul>
      )}
      {chats.data === undefined || chats.data.length === 0 ? null : (
        <div className="border-t border-line px-2 py-1.5">
          <AppLink href={paths.agents()} className={buttonClass({ tone: 'quiet', size: 'dense' })}>
            All chats <ArrowRight className="size-3.5" strokeWidth={1.75} aria-hidden="true" />
          </AppLink>
        </div>
      )}
    </Section>
  )
}
