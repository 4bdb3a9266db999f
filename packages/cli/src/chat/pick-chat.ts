import { type Chat, listChats } from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { ago } from '../output.ts'
import { pick } from '../prompt.ts'
import { safeLine } from './safe-text.ts'

const OFFERED = 20
const NEW = 'new'

/** Lets somebody at the terminal pick one of their latest chats; undefined for a new one. @throws Declined. */
export async function pickChat(client: Connection): Promise<Chat | undefined> {
  const chats = await client.call(listChats, { query: { limit: OFFERED } })
  if (chats.length === 0) return undefined
  const chosen = await pick('Chat', [
    { value: NEW, label: 'A new chat' },
    ...chats.map(({ id, title, status, updated_at: updated }) => ({
      value: id,
      label: safeLine(title, 60),
      hint: `${status}, ${ago(updated)}`,
    })),
  ])
  return chats.find(({ id }) => id === chosen)
}
