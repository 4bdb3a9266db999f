import type { InboxNotification, ListInboxNotificationsResponse } from '@slipway/contract'

/** What a page of the inbox holds (OP-136). */
const PAGE = 25

type Page = ListInboxNotificationsResponse

/** The id after which the next page begins; undefined when this one is the last. */
export function afterId({ notifications }: Page): string | undefined {
  return notifications.length < PAGE ? undefined : notifications.at(-1)?.id
}

/** Pages with a new notification in front, unless it is there already. */
export function withNotification(pages: readonly Page[], fresh: InboxNotification): Page[] {
  if (pages.some(({ notifications }) => notifications.some(({ id }) => id === fresh.id)))
    return withChanged(pages, fresh)
  return pages.map((page, index) =>
    index === 0 ? { ...page, notifications: [fresh, ...page.notifications] } : page,
  )
}

/** Pages with a notification as it is by now, where it was: a list that does not show it has no place for it. */
export function withChanged(pages: readonly Page[], changed: InboxNotification): Page[] {
  return pages.map((page) => ({
    ...page,
    notifications: page.notifications.map((one) => (one.id === changed.id ? changed : one)),
  }))
}

/** Pages of which everything was read by a time. */
export function markedAllRead(pages: readonly Page[], at: string): Page[] {
  return pages.map((page) => ({
    notifications: page.notifications.map((one) => ({ ...one, read_at: one.read_at ?? at })),
    unread_count: 0,
  }))
}

/** The number on the bell (UI-1601). */
export function shownCount(count: number): string {
  return count > 99 ? '99+' : String(count)
}

/** Path of a link when it leads into this dashboard; undefined for one that leads elsewhere. */
export function ownPath(url: string, origin: string): string | undefined {
  const parsed = URL.parse(url)
  return parsed !== null && parsed.origin === origin
    ? `${parsed.pathname}${parsed.search}${parsed.hash}`
    : undefined
}
