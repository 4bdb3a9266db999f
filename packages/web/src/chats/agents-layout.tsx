import { useInfiniteQuery } from '@tanstack/react-query'
import { Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'

import { parseSearch } from '../navigation/address.ts'
import { useGo, usePathname } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { usePermissions } from '../session/session.tsx'
import { classNames } from '../ui/class-names.ts'
import { AgentsContext } from './agents-context.ts'
import { chatFilterQuery, chatOfPath, readChatFilter } from './chat-filter.ts'
import { needsViewer } from './chat-words.ts'
import { ListPane } from './list-pane.tsx'
import { PaneDivider } from './pane-divider.tsx'
import { LIST_WIDTH, usePanes } from './panes.ts'
import { chatListQuery } from './queries.ts'
import { SearchDialog } from './search-dialog.tsx'
import { useAgentKeys } from './use-agent-keys.ts'
import { useChatActions } from './use-chat-actions.tsx'
import { useChatWatch } from './use-chat-watch.ts'
import { useMedia } from './use-media.ts'

/** `/agents`: the list of chats beside the one that is open, or a new one; one of both at a time where it is narrow (UI-1101). */
export function AgentsLayout() {
  const go = useGo()
  const pathname = usePathname()
  const searchStr = useRouterState({ select: (state) => state.location.searchStr })
  const search = useMemo(() => parseSearch(searchStr), [searchStr])
  const filter = useMemo(() => readChatFilter(search), [search])
  const query = useMemo(() => ({ ...chatFilterQuery(filter), needs: search.needs }), [filter, search.needs])
  const openChat = chatOfPath(pathname)
  const [panes, changePanes] = usePanes()
  const wide = useMedia('(min-width: 800px)')
  const [searching, setSearching] = useState(false)
  const permissions = usePermissions()
  const mayCreate = permissions?.createChat === true
  useChatWatch(openChat)
  const actions = useChatActions((chat) => {
    if (chat.id === openChat || chat.children.some(({ id }) => id === openChat)) go(paths.agents(query))
  })
  const frame = useRef<HTMLDivElement>(null)
  useAgentKeys(frame, {
    onSearch: () => setSearching(true),
    onNew: () => (mayCreate ? go(paths.agents({ ...query, pane: 'new' })) : undefined),
  })
  const known = useInfiniteQuery(chatListQuery(filter)).data?.pages.flat() ?? []
  const unread = filter.archived ? 0 : known.filter((chat) => chat.has_unread).length
  const waiting = filter.archived ? 0 : known.filter(needsViewer).length
  useAppBadge(waiting)
  // Where one pane has room, the list comes first.
  const showsList = openChat === undefined && search.pane !== 'new'
  const agents = {
    listOpen: panes.listOpen,
    setListOpen: (listOpen: boolean) => changePanes({ listOpen }),
    panelOpen: panes.panelOpen,
    setPanelOpen: (panelOpen: boolean) => changePanes({ panelOpen }),
    panelWidth: panes.panel,
    setPanelWidth: (panel: number) => changePanes({ panel }),
    query,
    unread,
    actionsFor: actions.actionsFor,
    share: actions.share,
  }
  return (
    <AgentsContext value={agents}>
      <div ref={frame} className="flex h-[calc(100dvh-var(--table-top))] min-w-0 overflow-hidden">
        <section
          data-pane="list"
          aria-label="Chats"
          style={wide ? { width: panes.list } : undefined}
          className={classNames(
            'min-h-0 min-w-0 shrink-0 flex-col bg-bg max-[799px]:flex-1',
            showsList ? 'flex' : 'max-[799px]:hidden min-[800px]:flex',
            !panes.listOpen && 'min-[800px]:hidden',
          )}
        >
          <ListPane
            filter={filter}
            query={query}
            openChat={openChat}
            mayCreate={mayCreate}
            actionsFor={actions.actionsFor}
            onRename={actions.rename}
            onArchive={actions.archive}
            onPin={actions.pin}
            onSearch={() => setSearching(true)}
            onClose={() => agents.setListOpen(false)}
          />
        </section>
        {panes.listOpen ? (
          <PaneDivider
            label="Width of the list"
            side="left"
            width={panes.list}
            limits={LIST_WIDTH}
            onWidth={(list) => changePanes({ list })}
            onClose={() => agents.setListOpen(false)}
            className="max-[799px]:hidden"
          />
        ) : null}
        <div
          className={classNames(
            'min-h-0 min-w-0 flex-1 flex-col bg-surface',
            showsList ? 'max-[799px]:hidden min-[800px]:flex' : 'flex',
          )}
        >
          <Outlet />
        </div>
      </div>
      <SearchDialog open={searching} query={query} onClose={() => setSearching(false)} />
      {actions.dialogs}
    </AgentsContext>
  )
}

/** On the icon of the installed application: how many chats wait for the viewer (UI-B16). */
function useAppBadge(count: number): void {
  useEffect(() => {
    if (!('setAppBadge' in navigator)) return
    // Where nothing is installed the browser refuses, and nothing is lost.
    void navigator.setAppBadge(count).catch(() => undefined)
  }, [count])
}
