import type { WebSocket } from 'ws'

import type { ChatSubscription } from './follow-chat.ts'
import { FRAME_EVENTS, frameSocket, framesOf } from './frame-sink.ts'
import type { EpisodeReader, PartBuffer } from './part-buffer.ts'

const MAX_REQUEST_CHARACTERS = 1_024

/**
 * Sends the parts of the episode that the client names, from the first on, and of another one as soon as it names that
 * (CH-911). One that this replica does not know stays silent.
 *
 * @param mayRead is asked whenever the subscription says that the chat may have changed; absent where nobody can lose
 * the right.
 */
export async function serveParts(
  buffer: PartBuffer,
  chatId: string,
  socket: WebSocket,
  subscription: ChatSubscription,
  mayRead: () => Promise<boolean> = async () => true,
): Promise<void> {
  const sink = frameSocket(socket)
  let reader: EpisodeReader | undefined
  sink.closed.addEventListener('abort', subscription.wake, { once: true })
  socket.on('message', (data) => {
    const wanted = wantedEpisode(String(data))
    if (wanted === undefined) return socket.close(1007, 'name history_version and generation_attempt')
    reader?.[Symbol.dispose]()
    reader = buffer.read({ chatId, ...wanted }, subscription.wake)
    subscription.wake()
  })
  try {
    while (!sink.closed.aborted) {
      if (subscription.takeDirty() && !(await mayRead())) return sink.close(1008, 'the chat may not be read')
      const fresh = reader?.take(FRAME_EVENTS) ?? []
      for (const frame of framesOf(fresh)) await sink.send(frame)
      if (fresh.length === 0) await subscription.woken()
    }
  } finally {
    reader?.[Symbol.dispose]()
  }
}

function wantedEpisode(text: string): { historyVersion: number; attempt: number } | undefined {
  if (text.length > MAX_REQUEST_CHARACTERS) return undefined
  try {
    const asked: unknown = JSON.parse(text)
    if (typeof asked !== 'object' || asked === null) return undefined
    const historyVersion: unknown = Reflect.get(asked, 'history_version')
    const attempt: unknown = Reflect.get(asked, 'generation_attempt')
    if (!Number.isSafeInteger(historyVersion) || !Number.isSafeInteger(attempt)) return undefined
    return { historyVersion: Number(historyVersion), attempt: Number(attempt) }
  } catch {
    return undefined
  }
}
