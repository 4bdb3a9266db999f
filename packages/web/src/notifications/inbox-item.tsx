import { useMutation } from '@tanstack/react-query'
import { Bell, Boxes, LayoutTemplate, type LucideIcon, UserRound } from 'lucide-react'

import type { InboxNotification, InboxNotificationAction } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { classNames } from '../ui/class-names.ts'
import { Markdown } from '../ui/markdown.tsx'
import { SafeLink } from '../ui/safe-link.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { ownPath } from './inbox-pages.ts'
import { setRead } from './queries.ts'

const ICONS: Readonly<Record<string, LucideIcon>> = {
  DEFAULT_ICON_WORKSPACE: Boxes,
  DEFAULT_ICON_ACCOUNT: UserRound,
  DEFAULT_ICON_TEMPLATE: LayoutTemplate,
}

/** One notification: what happened, when, and where to go from here. */
export function InboxItem({
  notification,
  onLeave,
}: {
  readonly notification: InboxNotification
  readonly onLeave: () => void
}) {
  const { id, title, content, actions, created_at: createdAt } = notification
  const unread = notification.read_at === null
  const mark = useMutation({
    mutationFn: (isRead: boolean) => setRead(id, isRead),
    onError: (error) => toasts.failed('The notification could not be marked', error),
  })
  const Icon = ICONS[notification.icon] ?? Bell
  const label = unread ? `Mark “${title}” as read` : `Mark “${title}” as unread`
  return (
    <li className="flex gap-3 px-3 py-3">
      <span
        className={classNames(
          'mt-0.5 inline-flex size-7 shrink-0 items-center justify-center rounded-control border border-line bg-bg',
          unread ? 'text-accent' : 'text-ink-3',
        )}
      >
        <Icon className="size-4" strokeWidth={1.75} aria-hidden="true" />
      </span>
      <div className="min-w-0 flex-1">
        <div className="flex items-start gap-2">
          <h3
            className={classNames(
              'min-w-0 flex-1 text-sm [overflow-wrap:anywhere]',
              unread ? 'font-semibold' : 'font-medium text-ink-2',
            )}
          >
            {title}
            {unread ? <span className="sr-only"> (unread)</span> : null}
          </h3>
          <button
            type="button"
            aria-label={label}
            title={unread ? 'Mark as read' : 'Mark as unread'}
            disabled={mark.isPending}
            onClick={() => mark.mutate(unread)}
            className="relative mt-1 inline-flex size-3 shrink-0 items-center justify-center rounded-full before:absolute before:-inset-2"
          >
            <span
              className={classNames(
                'size-2 rounded-full',
                unread ? 'bg-accent' : 'border border-line-strong hover:border-ink-3',
              )}
            />
          </button>
        </div>
        <div className="mt-0.5 text-sm text-ink-2 [overflow-wrap:anywhere]">
          <Markdown text={content} size="small" />
        </div>
        <div className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-ink-3">
          <TimeAgo time={createdAt} />
          {actions.map((action) => (
            <Action
              key={`${action.label} ${action.url}`}
              action={action}
              onOpen={() => {
                if (unread) mark.mutate(true)
                onLeave()
              }}
            />
          ))}
        </div>
      </div>
    </li>
  )
}

function Action({
  action: { label, url },
  onOpen,
}: {
  readonly action: InboxNotificationAction
  readonly onOpen: () => void
}) {
  const path = ownPath(url, location.origin)
  if (path === undefined)
    return (
      <SafeLink href={url} text={label}>
        {label}
      </SafeLink>
    )
  return (
    <AppLink href={path} onClick={onOpen} className="link">
      {label}
    </AppLink>
  )
}
