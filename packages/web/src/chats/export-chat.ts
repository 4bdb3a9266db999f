import { type Chat, type ChatMessage, listChatMessages } from '@slipway/contract'
import { api } from '../api/client.ts'
import { chatMarkdown, fileNameOf } from './chat-markdown.ts'

const PAGE = 200

/** All messages of a chat, oldest first. */
async function allMessages(chat: string): Promise<readonly ChatMessage[]> {
  const all: ChatMessage[] = []
  let before: number | undefined
  for (;;) {
    const { messages, has_more: more } = await api.call(listChatMessages, {
      params: { chat },
      query: { limit: String(PAGE), ...(before === undefined ? {} : { before_id: String(before) }) },
    })
    all.push(...messages)
    const oldest = Math.min(...messages.map(({ id }) => id))
    if (!more || !Number.isFinite(oldest)) break
    before = oldest
  }
  return all.toSorted((a, b) => a.id - b.id)
}

/** Saves a chat with its messages as a file, made in the browser (UI-B15). */
export async function exportChat(chat: Chat, format: 'json' | 'markdown'): Promise<void> {
  const messages = await allMessages(chat.id)
  const [text, type, extension] =
    format === 'json'
      ? [JSON.stringify({ chat, messages }, undefined, 2), 'application/json', 'json']
      : [chatMarkdown(chat, messages), 'text/markdown', 'md']
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${fileNameOf(chat.title)}.${extension}`
  link.click()
  // The download has begun by then; before that the address has to stay.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
