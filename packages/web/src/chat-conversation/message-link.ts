import type { ChatMessage } from '@slipway/contract'
import { paths } from '../paths.ts'

/** The address that opens a chat at a message. */
export function messageLink({ id, chat_id: chat }: Pick<ChatMessage, 'id' | 'chat_id'>): string {
  return location.origin + paths.chat(chat, { message: String(id) })
}
