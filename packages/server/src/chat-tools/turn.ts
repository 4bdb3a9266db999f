import type { ChatSettings } from '../chat-settings/index.ts'
import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import type { ExternalAuth } from '../external-auth/index.ts'
import type { ChatWorkspace } from './workspace/chat-workspace.ts'

/** What the tools of one turn share. */
export interface ToolTurn {
  readonly context: AppContext
  readonly external: ExternalAuth
  readonly settings: ChatSettings
  /** As it was when the turn's pass began. */
  readonly chat: ChatRow
  readonly workspace: ChatWorkspace
}
