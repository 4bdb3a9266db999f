import type { QueryKey } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

import type { Chat, ChatWatchEvent, ChatWatchEventKind } from '@slipway/contract'
import { watchChats } from '@slipway/contract'
import { queries } from '../api/client.ts'
import { requestPath } from '../api/http.ts'
import { useSharedLive } from '../api/use-shared-live.ts'
import { useUser } from '../session/session.tsx'
import { chime, endsWork } from './chime.ts'
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
  const owed = useRef(new Map<string, QueryKey>())
  useEffect(() => () => clearTimeout(late.current), [])
  const { id: viewer } = useUser()
  return useSharedLive(`slipway.chats.${viewer}`, {
    path: () => requestPath(watchChats.path),
    onOpen: (reopened) => {
      if (reopened) void refreshChats(open.current)
    },
    onMessage: (frame) => {
      if (!isWatchEvent(frame)) return
      const event =
        frame.chat.id === open.current ? { ...frame, chat: { ...frame.chat, has_unread: false } } : frame
      if (endsWork(event) && event.chat.owner_id === viewer)
        void chime(event.chat, event.chat.id === open.current && document.visibilityState === 'visible')
      const cut = cutReadings(event.chat)
      if (cut.length > 0) {
        for (const key of cut) owed.current.set(JSON.stringify(key), key)
        clearTimeout(late.current)
        late.current = setTimeout(() => {
          for (const queryKey of owed.current.values())
            void queries.invalidateQueries({ queryKey, exact: true })
          owed.current.clear()
        }, QUIET_MS)
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

/**
 * An answer that is on its way would overwrite the event with what was before it. First readings go on, because nothing
 * could be shown without them.
 *
 * @returns what has to be read again.
 */
function cutReadings(chat: Chat): readonly QueryKey[] {
  const running = queries.getQueryCache().findAll({
    fetchStatus: 'fetching',
    predicate: ({ queryKey: [kind, id, ...more] }) =>
      kind === 'chats' ||
      (kind === 'chat' && more.length === 0 && (id === chat.id || id === chat.root_chat_id)),
  })
  for (const { queryKey, state } of running)
    if (state.data !== undefined) void queries.cancelQueries({ queryKey, exact: true })
  return running.map(({ queryKey }) => queryKey)
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
