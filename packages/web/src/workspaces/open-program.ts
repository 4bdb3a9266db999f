import { createSessionKey } from '@slipway/contract'
import { api } from '../api/client.ts'
import { toasts } from '../ui/toast.tsx'

const NOTICE_AFTER_MS = 1500

/**
 * Opens a program on the viewer's machine by its address. The key is minted now, on the click, and put into the
 * address by `url` (UI-726). When the window keeps the focus, the program is probably not installed.
 */
export async function openProgram(
  name: string,
  needsKey: boolean,
  url: (key: string) => string,
): Promise<void> {
  try {
    const key = needsKey ? (await api.call(createSessionKey, { params: { user: 'me' } })).key : ''
    location.href = url(key)
  } catch (error) {
    toasts.failed(`${name} could not be opened`, error)
    return
  }
  setTimeout(() => {
    if (document.hasFocus())
      toasts.failed(`${name} did not open`, new Error(`Install ${name} on this machine, then try again.`))
  }, NOTICE_AFTER_MS)
}
