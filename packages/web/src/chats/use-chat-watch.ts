import { useEffect, useRef } from 'react'

import type { Chat, ChatWatchEvent, ChatWatchEventKind } from '@slipway/contract'
import { watchChats } from '@slipway/contract'
import { queries } from '../api/client.ts'
import { requestPath } from '../api/http.ts'
import { useLive } from '../api/use-live.ts'
import { mergeInto, mergeIntoList } from './merge-event.ts'
import { changeLists, refreshChats } from './queries.ts'

const KINDS: ReadonlySet<string> = new Set<ChatWatchEventKind>([
  'created',
  'deleted',
  'status_change',
  'title_change',
  'summary_change',
  'chat_summary_change',
  'diff_status_change',
  'action_required',
  'context_dirty',
])

/** A reading that an event has cut off is made up for once it is quiet, after so many milliseconds. */
const QUIET_MS = 1000

/**
 * Keeps lists and chats in the cache as the server's watch says (UI-1107). `openChat` is the one that the viewer looks
 * at: it is read as it grows, so nothing in it is new.
 */
export function useChatWatch(openChat: string | undefined): boolean {
  const open = useRef(openChat)
  useEffect(() => {
    open.current = openChat
  })
  const late = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(late.current), [])
  return useLive('chats', {
    path: () => requestPath(watchChats.path),
    onOpen: (reopened) => {
      if (reopened) void refreshChats(open.current)
    },
    onMessage: (frame) => {
      if (!isWatchEvent(frame)) return
      const event =
        frame.chat.id === open.current ? { ...frame, chat: { ...frame.chat, has_unread: false } } : frame
      if (cancelReadings()) {
        clearTimeout(late.current)
        late.current = setTimeout(() => void refreshChats(), QUIET_MS)
      }
      changeLists((chats, key) => mergeIntoList(chats, event, key))
      queries.setQueryData<Chat>(['chat', event.chat.id], (chat) =>
        chat === undefined ? undefined : mergeInto(chat, event),
      )
      if (event.chat.parent_chat_id !== undefined)
        queries.setQueryData<Chat>(['chat', event.chat.root_chat_id], (root) =>
          root === undefined
            ? undefined
            : mergeIntoList([root], event, { archived: root.archived, mayInsert: false })[0],
        )
    },
  })
}

/** An answer that is on its way would overwrite the event with what was before it. First readings are left alone. */
function cancelReadings(): boolean {
  const running = queries
    .getQueryCache()
    .findAll({ queryKey: ['chats'], fetchStatus: 'fetching' })
    .filter(({ state }) => state.data !== undefined)
  for (const { queryKey } of running) void queries.cancelQueries({ queryKey, exact: true })
  return running.length > 0
}

function isWatchEvent(frame: unknown): frame is ChatWatchEvent {
  return (
    typeof frame === 'object' &&
    frame !== null &&
    'kind' in frame &&
    typeof frame.kind === 'string' &&
    KINDS.has(frame.kind) &&
    'chat' in frame &&
    typeof frame.chat === 'object' &&
    frame.chat !== null
  )
}
