import { type Chat, exportChat as exportRoute } from '@slipway/contract'
import { handedSession } from '../api/handed-session.ts'
import { requestPath } from '../api/http.ts'

/** Saves a chat with its subagents as a file (B-18). @throws Error when the server does not give it. */
export async function exportChat(chat: Chat, format: 'json' | 'markdown'): Promise<void> {
  const address = requestPath(exportRoute.path, { chat: chat.id }, { format })
  const answer = await fetch(address, handedSession.credentials())
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`)
  const [, extended, plain] =
    /filename\*=UTF-8''([^;]+)|filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '') ?? []
  const url = URL.createObjectURL(await answer.blob())
  const link = document.createElement('a')
  link.href = url
  link.download = extended === undefined ? (plain ?? 'chat') : decodeURIComponent(extended)
  link.click()
  // The download has begun by then; before that the address has to stay.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
