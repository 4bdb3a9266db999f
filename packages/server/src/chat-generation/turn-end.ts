import type { ChatRow } from '../chats/index.ts'
import type { GenerationParts } from './parts.ts'
import { labelTurn } from './turn-summary.ts'

/** What follows a turn that has ended well, beside the chat (CH-1012). */
export function afterTurn(parts: GenerationParts, chat: ChatRow): void {
  if (chat.status === 'waiting') labelTurn(parts, chat)
}
