import { type Chat, exportChat as exportRoute } from '@slipway/contract'
import { handedSession } from '../api/handed-session.ts'
import { requestPath } from '../api/http.ts'
import { saveFile } from '../ui/save-file.ts'

/** Saves a chat with its subagents as a file (B-18). @throws Error when the server does not give it. */
export async function exportChat(chat: Chat, format: 'json' | 'markdown'): Promise<void> {
  const address = requestPath(exportRoute.path, { chat: chat.id }, { format })
  const answer = await fetch(address, handedSession.credentials())
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`)
  const [, extended, plain] =
    /filename\*=UTF-8''([^;]+)|filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '') ?? []
  saveFile(extended === undefined ? (plain ?? 'chat') : decodeURIComponent(extended), await answer.blob())
}
