import type { ChatError } from '@slipway/contract'
import type { ChatRow } from '../chats/index.ts'
import type { GenerationParts } from './parts.ts'
import { labelTurn } from './turn-summary.ts'

/** What follows a turn that has ended well, beside the chat (CH-1003, CH-1012). */
export function afterTurn(parts: GenerationParts, chat: ChatRow): void {
  // The next message of the queue goes on.
  if (chat.status !== 'waiting') return
  labelTurn(parts, chat, (label) => tellOwner(parts, chat, label))
}

/** What follows a turn that has failed, beside the chat (CH-1003). */
export function afterFailure(parts: GenerationParts, chat: ChatRow, error: ChatError): void {
  tellOwner(parts, chat, error.message)
}

/** Tells the browsers of the owner; subagents report to their own chat. */
function tellOwner(parts: GenerationParts, chat: ChatRow, text: string): void {
  if (chat.parent_chat_id !== null || chat.root_chat_id !== null) return
  const message = {
    title: chat.title,
    body: text,
    tag: chat.id.replaceAll('-', ''),
    path: `/agents/${chat.id}`,
  }
  parts.pushes.do('web push', async (signal) => {
    await parts.push(chat.owner_id, message, signal)
  })
}
