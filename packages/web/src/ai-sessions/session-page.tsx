import { useInfiniteQuery } from '@tanstack/react-query'
import { Waypoints } from 'lucide-react'
import type { ReactNode } from 'react'

import type { AIBridgeSessionThreadsResponse } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'
import { useAddress, useRouteParam } from '../navigation/address.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { Breadcrumbs } from '../ui/breadcrumbs.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { CopyableId } from '../ui/copyable.tsx'
import { Detail, DetailList } from '../ui/detail.tsx'
import { formatDuration } from '../ui/duration.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice, ErrorPage } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Page, Section } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PageSkeleton } from '../ui/skeleton.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { sessionQuery } from './queries.ts'
import { Cost } from './session-columns.tsx'
import { between, clientWords, tokensIn } from './session-words.ts'
import { Thread } from './thread.tsx'

/** `/ai-gateway/sessions/{id}`: what was asked in a session, what the model did, and what it took (UI-1302). */
export function AiSessionPage() {
  const id = useRouteParam('session')
  const [search] = useAddress()
  const session = useInfiniteQuery(sessionQuery(id, search.initiator))
  const back = useWayBack()
  const first = session.data?.pages[0]
  if (first === undefined) {
    if (!session.isError) return <PageSkeleton />
    const status = statusOf(session.error)
    return status === 404 || status === 403 ? (
      <EmptyState
        page
        icon={Waypoints}
        title="There is no such session"
        action={
          <AppLink href={back.href} className={buttonClass({ tone: 'primary' })}>
            {back.label}
          </AppLink>
        }
      >
        Its records may have expired, or you may not read them.
      </EmptyState>
    ) : (
      <ErrorPage
        title="The session could not be read"
        error={session.error}
        onRetry={() => void session.refetch()}
      />
    )
  }
  const threads = session.data?.pages.flatMap((page) => page.threads) ?? []
  const truncated = session.data?.pages.some((page) => page.truncated) === true
  const title = first.last_prompt?.trim().split('\n')[0] ?? ''
  return (
    <Page>
      <div className="pb-3">
        <Breadcrumbs above={[back]} here={first.id.length > 12 ? first.id.slice(0, 8) : first.id} />
      </div>
      <PageHeader
        title={title === '' ? 'Session' : title.length > 120 ? `${title.slice(0, 119)}…` : title}
        documentTitle={`Session of ${first.initiator.username} - AI sessions`}
        context={
          <>
            <bdi>{first.initiator.username}</bdi> with {clientWords(first.client)},{' '}
            <TimeAgo time={first.last_active_at} />
          </>
        }
      />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-w-0 flex-col gap-4 max-lg:order-2">
          {truncated ? (
            <Notice tone="info" title="Not everything is shown">
              Some threads have more requests or tool calls than can be shown here.
            </Notice>
          ) : null}
          <ol aria-label="Threads, oldest first" className="flex min-w-0 flex-col gap-4">
            {threads.map((thread) => (
              <Thread key={thread.id} thread={thread} />
            ))}
          </ol>
          {session.isFetchNextPageError ? (
            <ErrorNotice
              error={session.error}
              title="Later threads could not be read"
              onRetry={() => void session.fetchNextPage()}
            />
          ) : null}
          {session.hasNextPage ? (
            <div className="flex items-center justify-center gap-3 text-xs text-ink-2">
              <span className="tabular-nums">
                {threads.length} of {first.thread_count.toLocaleString('en-US')}
              </span>
              <Button busy={session.isFetchingNextPage} onClick={() => void session.fetchNextPage()}>
                Show later threads
              </Button>
            </div>
          ) : null}
        </div>
        <Facts session={first} />
      </div>
    </Page>
  )
}

/** The list that the session was opened from, as it was; for those who read only their own, these. */
function useWayBack(): { readonly label: string; readonly href: string } {
  const [search] = useAddress()
  return usePermissions()?.viewAnyAIBridgeInterception === true
    ? {
        label: 'AI sessions',
        href: paths.aiSessions({
          ...(search.filter === undefined ? {} : { filter: search.filter }),
          ...(search.page === undefined ? {} : { page: search.page }),
        }),
      }
    : { label: 'AI usage', href: paths.settings('ai') }
}

function Facts({ session }: { readonly session: AIBridgeSessionThreadsResponse }) {
  const permissions = usePermissions()
  const { token_usage_summary: usage, initiator } = session
  const count = (value: number) => <span className="tabular-nums">{value.toLocaleString('en-US')}</span>
  return (
    <aside className="flex min-w-0 flex-col gap-4 max-lg:order-1">
      <Section title="Session">
        <DetailList>
          <Detail label="User">
            {permissions?.viewAllUsers === true ? (
              <AppLink href={paths.user(initiator.username)} className="link">
                <bdi>{initiator.username}</bdi>
              </AppLink>
            ) : (
              <bdi>{initiator.username}</bdi>
            )}
          </Detail>
          <Detail label="Client">{session.client}</Detail>
          <Detail label="Started">
            <TimeAgo time={session.started_at} />
          </Detail>
          <Detail label="Duration">
            <span className="tabular-nums">
              {formatDuration(between(session.started_at, session.ended_at))}
            </span>
          </Detail>
          <Detail label="Threads">{count(session.thread_count)}</Detail>
          {session.network_calls === undefined ? null : (
            <Detail label="Network calls">
              {session.network_calls.total.toLocaleString('en-US')}
              {session.network_calls.blocked > 0
                ? `, ${session.network_calls.blocked.toLocaleString('en-US')} blocked`
                : ''}
            </Detail>
          )}
          <Detail label="Id">
            <CopyableId id={session.id} short />
          </Detail>
        </DetailList>
        <List label="Models">{session.models}</List>
        <List label="Protocols">{session.providers}</List>
      </Section>
      <Section title="Usage">
        <DetailList>
          <Detail label="Cost">
            <span className="font-medium tabular-nums">
              <Cost exact micros={session.cost_micros} />
            </span>
          </Detail>
          <Detail label="Tokens in">{count(tokensIn(usage))}</Detail>
          <Detail label="– from the cache">{count(usage.cache_read_input_tokens)}</Detail>
          <Detail label="– into the cache">{count(usage.cache_write_input_tokens)}</Detail>
          <Detail label="Tokens out">{count(usage.output_tokens)}</Detail>
          {Object.entries(usage.metadata).map(([name, value]) => (
            <Detail key={name} label={name}>
              {count(value)}
            </Detail>
          ))}
        </DetailList>
      </Section>
    </aside>
  )
}

function List({ label, children }: { readonly label: string; readonly children: readonly ReactNode[] }) {
  if (children.length === 0) return null
  return (
    <div className="mt-3 flex flex-col gap-0.5 text-sm">
      <span className="text-ink-2">{label}</span>
      <span className="flex min-w-0 flex-wrap gap-x-3 gap-y-0.5">
        {children.map((one) => (
          <code key={String(one)} className="break-all text-xs">
            {one}
          </code>
        ))}
      </span>
    </div>
  )
}
