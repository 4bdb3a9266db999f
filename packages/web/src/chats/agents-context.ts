import { createContext, useContext } from 'react'

import type { Chat } from '@slipway/contract'
import type { MenuItem } from '../ui/menu.tsx'

/** What panes of `/agents` share. */
export interface Agents {
  readonly listOpen: boolean
  readonly setListOpen: (open: boolean) => void
  readonly panelOpen: boolean
  readonly setPanelOpen: (open: boolean) => void
  readonly panelWidth: number
  readonly setPanelWidth: (width: number) => void
  /** The filter of the list as a query: it goes along from chat to chat (UI-1101). */
  readonly query: Readonly<Record<string, string | undefined>>
  /** Unread chats that are known; before the title in the browser's tab (UI-406). */
  readonly unread: number
  /** What can be done with a chat, for menus. */
  readonly actionsFor: (chat: Chat) => readonly (readonly MenuItem[])[]
  readonly share: (chat: Chat) => void
}

export const AgentsContext = createContext<Agents | undefined>(undefined)

export function useAgents(): Agents {
  const agents = useContext(AgentsContext)
  if (agents === undefined) throw new Error('useAgents() outside of the pages of chats')
  return agents
}
