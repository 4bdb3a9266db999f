import type { Chat, ChatWatchEvent } from '@slipway/contract'
import { queries } from '../api/client.ts'
import { chimeChoice } from './device-habits.ts'

/** So long a tab that looks at the chat has to say so, in milliseconds. */
const FIRST_SAY_MS = 200
/** Other tabs hear of the same end within this time. */
const SAME_END_MS = 3000

/** Whether a root chat of the viewer has stopped working by this event; to be asked before the event is merged. */
export function endsWork(event: ChatWatchEvent): boolean {
  if (event.kind !== 'status_change' || event.chat.parent_chat_id !== undefined) return false
  return event.chat.status !== 'running' && statusBefore(event.chat.id) === 'running'
}

/**
 * Is heard once across tabs, and not at all when one of them shows the chat (UI-1110): that one takes the lock of this
 * end at once, the others come later.
 */
export async function chime(chat: Chat, looking: boolean): Promise<void> {
  if (chimeChoice.get() === 'off' || !('locks' in navigator)) return
  if (!looking) await new Promise((done) => setTimeout(done, FIRST_SAY_MS))
  await navigator.locks.request(
    `slipway.chime.${chat.id}.${chat.updated_at}`,
    { ifAvailable: true },
    async (lock) => {
      if (lock === null) return
      if (!looking) playChime()
      await new Promise((done) => setTimeout(done, SAME_END_MS))
    },
  )
}

/** Two soft notes. Browsers keep pages silent that nobody has touched yet. */
export function playChime(): void {
  const context = new AudioContext()
  const now = context.currentTime
  for (const [index, frequency] of [659.3, 880].entries()) {
    const tone = context.createOscillator()
    const volume = context.createGain()
    tone.frequency.value = frequency
    const start = now + index * 0.14
    volume.gain.setValueAtTime(0, start)
    volume.gain.linearRampToValueAtTime(0.08, start + 0.02)
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.5)
    tone.connect(volume).connect(context.destination)
    tone.start(start)
    tone.stop(start + 0.5)
    if (index === 1) tone.addEventListener('ended', () => void context.close())
  }
}

function statusBefore(id: string): string | undefined {
  const open = queries.getQueryData<Chat>(['chat', id])
  if (open !== undefined) return open.status
  for (const [, data] of queries.getQueriesData<{ readonly pages: readonly (readonly Chat[])[] }>({
    queryKey: ['chats'],
  })) {
    const found = data?.pages.flat().find((chat) => chat.id === id)
    if (found !== undefined) return found.status
  }
  return undefined
}
