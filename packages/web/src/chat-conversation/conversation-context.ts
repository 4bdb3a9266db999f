import { createContext, useContext, useSyncExternalStore } from 'react'

import type { Chat, ChatModelConfig, UserPreferenceSettings } from '@slipway/contract'
import type { ChatSession, ChatView } from './chat-session.ts'
import type { FileReference } from './diff-rows.ts'
import type { OpenedRows } from './opened-rows.ts'

/** What rows may ask of the composer. */
export interface ComposerHandle {
  readonly focus: () => void
  /** Puts text into the composer without sending it; what is there stays. */
  readonly insert: (text: string) => void
  /** Adds lines of a file that the message points at. */
  readonly refer: (reference: FileReference) => void
}

/** The conversation that a row belongs to. */
export interface Conversation {
  readonly session: ChatSession
  readonly chat: Chat
  readonly preferences: UserPreferenceSettings | undefined
  readonly models: readonly ChatModelConfig[]
  /** The viewer may send, edit and stop (UI-1151). */
  readonly canWrite: boolean
  readonly composer: ComposerHandle
  readonly opened: OpenedRows
  /** Sends something that is not typed: the answer to a question, the go for a plan. */
  readonly say: (text: string, options?: { readonly planMode?: boolean }) => Promise<void>
  readonly startEdit: (message: number) => void
}

export const ConversationContext = createContext<Conversation | undefined>(undefined)

/** The conversation around a row. */
export function useConversation(): Conversation {
  const conversation = useContext(ConversationContext)
  if (conversation === undefined) throw new Error('a row stands outside of a conversation')
  return conversation
}

/** A part of what is known of a chat; `select` has to give the same value for the same view. */
export function useChatView<T>(session: ChatSession, select: (view: ChatView) => T): T {
  return useSyncExternalStore(session.subscribe, () => select(session.view()))
}

/** Whether the model is at work. */
export function useActive(): boolean {
  const { session } = useConversation()
  return useChatView(session, ({ chat }) => isActive(chat.status))
}

/** Whether a chat of this status is at work. */
export function isActive(status: string | undefined): boolean {
  return status === 'running' || status === 'interrupting' || status === 'requires_action'
}

/** Whether a row is open: as the viewer left it, or as it is by default. */
export function useOpened(key: string, byDefault: boolean): readonly [boolean, () => void] {
  const { opened } = useConversation()
  const open = useSyncExternalStore(opened.subscribe, () => opened.get(key)) ?? byDefault
  return [open, () => opened.set(key, !open)]
}
