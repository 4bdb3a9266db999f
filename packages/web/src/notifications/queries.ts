import { type InfiniteData, infiniteQueryOptions, queryOptions } from '@tanstack/react-query'

import {
  getNotificationDispatchMethods,
  getNotificationsSettings,
  getUserNotificationPreferences,
  type InboxNotification,
  type ListInboxNotificationsResponse,
  listCustomNotificationTemplates,
  listInboxNotifications,
  listSystemNotificationTemplates,
  markAllInboxNotificationsAsRead,
  updateInboxNotificationReadStatus,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { afterId, markedAllRead, withChanged, withNotification } from './inbox-pages.ts'

const UNREAD_KEY = ['inbox', 'unread-count'] as const
const LIST_KEY = ['inbox', 'list'] as const

/** How many notifications the viewer has not read. */
export const unreadCountQuery = queryOptions({
  queryKey: UNREAD_KEY,
  queryFn: async ({ signal }) =>
    (await api.call(listInboxNotifications, { query: { read_status: 'unread' }, signal })).unread_count,
  staleTime: 60_000,
})

/** The viewer's notifications, a page at a time. */
export const inboxQuery = (unreadOnly: boolean) =>
  infiniteQueryOptions({
    queryKey: [...LIST_KEY, unreadOnly ? 'unread' : 'all'],
    queryFn: ({ pageParam, signal }) =>
      api.call(listInboxNotifications, {
        query: {
          read_status: unreadOnly ? 'unread' : 'all',
          ...(pageParam === '' ? {} : { starting_before: pageParam }),
        },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: afterId,
  })

/** Every kind of notification. */
export const notificationTemplatesQuery = queryOptions({
  queryKey: ['notification-templates'],
  queryFn: async ({ signal }) =>
    (
      await Promise.all([
        api.call(listSystemNotificationTemplates, { signal }),
        api.call(listCustomNotificationTemplates, { signal }),
      ])
    ).flat(),
  staleTime: 30_000,
})

/** What the viewer has chosen. */
export const notificationPreferencesQuery = queryOptions({
  queryKey: ['notification-preferences'],
  queryFn: ({ signal }) => api.call(getUserNotificationPreferences, { params: { user: 'me' }, signal }),
})

export const notificationsSettingsQuery = queryOptions({
  queryKey: ['notifications-settings'],
  queryFn: ({ signal }) => api.call(getNotificationsSettings, { signal }),
})

export const dispatchMethodsQuery = queryOptions({
  queryKey: ['notification-dispatch-methods'],
  queryFn: ({ signal }) => api.call(getNotificationDispatchMethods, { signal }),
  staleTime: 60_000,
})

/** A new notification has come: it is in the lists that were read, without reading them again. */
export function receiveNotification(notification: InboxNotification, unreadCount: number): void {
  queries.setQueryData(UNREAD_KEY, unreadCount)
  change((pages) => withNotification(pages, notification))
}

/** Reads everything about the inbox again: some of it may have been missed. */
export function refreshInbox(): void {
  void queries.invalidateQueries({ queryKey: ['inbox'] })
}

/** @throws ApiFailure when the server refuses. */
export async function setRead(id: string, isRead: boolean): Promise<void> {
  const { notification, unread_count } = await api.call(updateInboxNotificationReadStatus, {
    params: { id },
    body: { is_read: isRead },
  })
  queries.setQueryData(UNREAD_KEY, unread_count)
  change((pages) => withChanged(pages, notification))
}

/** @throws ApiFailure when the server refuses. */
export async function markAllRead(): Promise<void> {
  await api.call(markAllInboxNotificationsAsRead)
  queries.setQueryData(UNREAD_KEY, 0)
  const now = new Date().toISOString()
  change((pages) => markedAllRead(pages, now))
}

type Pages = readonly ListInboxNotificationsResponse[]

function change(work: (pages: Pages) => ListInboxNotificationsResponse[]): void {
  queries.setQueriesData<InfiniteData<ListInboxNotificationsResponse>>({ queryKey: LIST_KEY }, (data) =>
    data === undefined ? undefined : { ...data, pages: work(data.pages) },
  )
}
