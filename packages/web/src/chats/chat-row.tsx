import { ChevronRight, Pin, UsersRound } from 'lucide-react'
import type { ComponentProps, KeyboardEvent, MouseEvent } from 'react'

import type { Chat } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { classNames } from '../ui/class-names.ts'
import { Menu, type MenuItem } from '../ui/menu.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { exactTime, useNow } from '../ui/time-ago.tsx'
import { chatLook, chatNote, pullRequestLook, shortAge } from './chat-words.ts'

const TONES = {
  ok: 'text-ok',
  run: 'text-run',
  warn: 'text-warn',
  bad: 'text-bad',
  off: 'text-ink-3',
} as const

interface ChatRowProps {
  readonly chat: Chat
  readonly href: string
  readonly level: 1 | 2
  readonly position: { readonly at: number; readonly of: number }
  /** Shown on the right. */
  readonly current: boolean
  /** The one line that Tab comes to. */
  readonly focusable: boolean
  readonly model: string | undefined
  /** Without any it has no chats inside. */
  readonly expanded?: boolean
  readonly onExpand?: (open: boolean) => void
  /** Only where somebody points or is: a menu for every row makes long lists slow. */
  readonly menu: readonly (readonly MenuItem[])[] | undefined
  readonly menuOpen: boolean
  readonly onPoint: () => void
  readonly onMenu: (open: boolean) => void
  readonly onFocus: () => void
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void
  /** Pinned ones are dragged into another order. */
  readonly drag?: { readonly onStart: () => void; readonly onDrop: () => void }
}

/** A chat in the list, an item of the tree pattern: what it does, its title, how the last turn went (UI-1105). */
export function ChatRow(props: ChatRowProps) {
  const { chat, href, level, current, focusable, expanded, onExpand, menu, menuOpen, onMenu, drag } = props
  const now = useNow()
  const look = chatLook(chat)
  const pull = pullRequestLook(chat.diff_status)
  const note = chatNote(chat)
  const Mark = look.icon
  const inside = chat.children.length
  const age = shortAge(Date.parse(chat.updated_at), now)
  const openMenu = (event: MouseEvent) => {
    event.preventDefault()
    onMenu(true)
  }
  return (
    <div
      role="treeitem"
      id={`chat-${chat.id}`}
      data-chat={chat.id}
      tabIndex={focusable ? 0 : -1}
      aria-level={level}
      aria-posinset={props.position.at}
      aria-setsize={props.position.of}
      aria-selected={current}
      aria-label={[
        chat.title,
        chat.has_unread ? 'unread' : '',
        look.label,
        pull?.label ?? '',
        chat.shared ? 'shared' : '',
        note,
        inside === 0 ? '' : `${inside} inside`,
      ]
        .filter((word) => word !== '')
        .join(', ')}
      {...(expanded === undefined ? {} : { 'aria-expanded': expanded })}
      title={[chat.title, note, props.model ?? '', exactTime(chat.updated_at)]
        .filter((line) => line !== '')
        .join('\n')}
      onFocus={props.onFocus}
      onKeyDown={props.onKeyDown}
      onContextMenu={openMenu}
      onPointerEnter={props.onPoint}
      draggable={drag !== undefined}
      onDragStart={drag?.onStart}
      onDragOver={drag === undefined ? undefined : (event) => event.preventDefault()}
      onDrop={drag?.onDrop}
      className={classNames(
        'group relative mx-1.5 flex rounded-control outline-offset-[-2px]',
        level === 1 ? 'h-[52px]' : 'h-9',
        current ? 'bg-accent-wash' : 'hover:bg-hover',
      )}
    >
      <span
        className={classNames(
          'relative flex shrink-0 flex-col items-center',
          level === 1 ? 'w-8 pt-2' : 'w-14 items-end pr-2 pt-2.5',
        )}
      >
        <span className={classNames('flex h-4 items-center', TONES[look.tone])} aria-hidden="true">
          {look.moving === true ? (
            <Spinner />
          ) : chat.status === 'waiting' ? (
            <span
              data-state-icon
              className={classNames(
                'size-2 rounded-full',
                chat.has_unread ? 'bg-accent' : 'border border-line-strong',
              )}
            />
          ) : (
            <Mark className="size-3.5" strokeWidth={2} data-state-icon />
          )}
        </span>
        {inside === 0 || onExpand === undefined ? null : (
          <button
            type="button"
            tabIndex={-1}
            aria-hidden="true"
            onClick={() => onExpand(expanded !== true)}
            className="absolute inset-x-1 bottom-1 inline-flex h-5 items-center justify-center rounded-sm text-ink-3 hover:bg-line hover:text-ink"
          >
            <ChevronRight
              className={classNames(
                'size-3.5 transition-transform duration-(--fast)',
                expanded === true && 'rotate-90',
              )}
            />
          </button>
        )}
      </span>
      <AppLink
        href={href}
        tabIndex={-1}
        draggable={false}
        className="flex min-w-0 flex-1 flex-col justify-center gap-0.5 pr-2.5 outline-none"
      >
        <span className="flex min-w-0 items-baseline gap-2">
          <bdi
            className={classNames(
              'min-w-0 flex-1 truncate text-sm',
              chat.has_unread ? 'font-semibold text-ink' : level === 1 ? 'font-medium' : 'text-ink-2',
            )}
          >
            {chat.title}
          </bdi>
          <span
            className={classNames(
              'shrink-0 text-xs tabular-nums group-hover:invisible group-has-[[data-state=open]]:invisible pointer-coarse:group-hover:visible',
              current ? 'text-ink-2' : 'text-ink-3',
            )}
          >
            {age}
          </span>
        </span>
        {level === 2 ? null : (
          <span className="flex h-4 min-w-0 items-center gap-1.5 text-xs text-ink-2">
            {chat.has_unread && chat.status !== 'waiting' ? (
              <span className="size-1.5 shrink-0 rounded-full bg-accent" data-state-icon />
            ) : null}
            {pull === undefined ? null : (
              <pull.icon className={classNames('size-3 shrink-0', pull.className)} strokeWidth={2} />
            )}
            <span className={classNames('min-w-0 flex-1 truncate', chat.status === 'error' && 'text-bad')}>
              {note === '' ? look.label : note}
            </span>
            <Changes chat={chat} />
            {inside === 0 ? null : (
              <span className="shrink-0 rounded-sm border border-line px-1 text-[11px] leading-[14px]">
                {inside}
              </span>
            )}
            {chat.shared ? <UsersRound className="size-3 shrink-0 text-ink-3" strokeWidth={2} /> : null}
            {chat.pin_order > 0 ? <Pin className="size-3 shrink-0 text-ink-3" strokeWidth={2} /> : null}
          </span>
        )}
      </AppLink>
      {menu === undefined ? null : (
        <span
          className={classNames(
            'absolute right-1 top-1 transition-opacity duration-(--fast) group-hover:opacity-100 group-focus-visible:opacity-100 pointer-coarse:hidden',
            menuOpen ? 'opacity-100' : 'opacity-0',
          )}
        >
          <Menu
            label={`Actions for ${chat.title}`}
            groups={menu}
            open={menuOpen}
            onOpenChange={onMenu}
            trigger={<MenuButton title={chat.title} />}
          />
        </span>
      )}
    </div>
  )
}

function MenuButton({ title, ...rest }: ComponentProps<'button'> & { readonly title: string }) {
  return (
    <button
      type="button"
      {...rest}
      tabIndex={-1}
      aria-label={`Actions for ${title}`}
      className="inline-flex size-6 items-center justify-center rounded-sm bg-hover text-ink-2 hover:bg-line hover:text-ink"
    >
      <svg viewBox="0 0 16 16" className="size-4" fill="currentColor" aria-hidden="true">
        <circle cx="3.5" cy="8" r="1.25" />
        <circle cx="8" cy="8" r="1.25" />
        <circle cx="12.5" cy="8" r="1.25" />
      </svg>
    </button>
  )
}

function Changes({ chat }: { readonly chat: Chat }) {
  const diff = chat.diff_status
  if (diff === undefined || diff.additions + diff.deletions === 0) return null
  return (
    <span className="shrink-0 tabular-nums">
      <span className="text-ok">+{diff.additions}</span> <span className="text-bad">−{diff.deletions}</span>
    </span>
  )
}
