import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query'
import { BellOff, CheckCheck, Inbox, Settings } from 'lucide-react'
import { useEffect, useState } from 'react'

import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { InboxItem } from './inbox-item.tsx'
import { inboxQuery, markAllRead, unreadCountQuery } from './queries.ts'

/** What the bell opens: the newest notifications, all or those that were not read. */
export function InboxPanel({ onLeave }: { readonly onLeave: () => void }) {
  const [shown, setShown] = useState<'all' | 'unread'>('all')
  const list = useInfiniteQuery(inboxQuery(shown === 'unread'))
  const unread = useQuery({ ...unreadCountQuery, enabled: false }).data ?? 0
  const readAll = useMutation({
    mutationFn: markAllRead,
    onError: (error) => toasts.failed('The notifications are still unread', error),
  })
  const { refetch } = list
  // What was read is shown until the panel opens again, so that nothing jumps away under the pointer.
  useEffect(() => void refetch(), [refetch])
  const notifications = list.data?.pages.flatMap((page) => page.notifications)
  return (
    <>
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-2">
        <h2 className="sr-only">Notifications</h2>
        <Segmented
          label="Which notifications"
          value={shown}
          onChange={setShown}
          options={[
            { id: 'all', label: 'All' },
            { id: 'unread', label: 'Unread', count: unread },
          ]}
        />
        <div className="ml-auto flex items-center gap-1">
          <Button
            tone="quiet"
            size="icon"
            aria-label="Mark all as read"
            title="Mark all as read"
            disabled={unread === 0 || readAll.isPending}
            onClick={() => readAll.mutate()}
            icon={<CheckCheck className="size-4" />}
          />
          <AppLink
            href={paths.settings('notifications')}
            onClick={onLeave}
            aria-label="Notification settings"
            title="Notification settings"
            className={buttonClass({ tone: 'quiet', size: 'icon' })}
          >
            <Settings className="size-4" aria-hidden="true" />
          </AppLink>
        </div>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain">
        {list.isError ? (
          <div className="p-3">
            <ErrorNotice
              error={list.error}
              title="The notifications could not be read"
              onRetry={() => void refetch()}
            />
          </div>
        ) : null}
        {notifications === undefined ? (
          list.isError ? null : (
            <AfterDelay>
              <div className="flex flex-col gap-3 p-3" aria-busy="true">
                {[1, 2, 3].map((row) => (
                  <div key={row} className="skeleton h-14" />
                ))}
              </div>
            </AfterDelay>
          )
        ) : notifications.length === 0 ? (
          <EmptyState
            icon={shown === 'unread' ? BellOff : Inbox}
            title={shown === 'unread' ? 'Nothing unread' : 'No notifications yet'}
          >
            {shown === 'unread'
              ? 'You are all caught up.'
              : 'News about your workspaces, chats and account appears here.'}
          </EmptyState>
        ) : (
          <ul className="divide-y divide-line">
            {notifications.map((notification) => (
              <InboxItem key={notification.id} notification={notification} onLeave={onLeave} />
            ))}
          </ul>
        )}
        {list.hasNextPage ? (
          <div className="flex justify-center border-t border-line p-2">
            <Button tone="quiet" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {list.isFetchingNextPage ? 'Loading…' : 'Load more'}
            </Button>
          </div>
        ) : null}
      </div>
    </>
  )
}
