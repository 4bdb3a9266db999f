import { logout } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { announceSessionEnd } from '../api/session-channel.ts'
import { forgetKeptFiles } from '../offline/service-worker.ts'
import { paths } from '../paths.ts'
import { releasePush } from '../push/browser-push.ts'
import { toasts } from '../ui/toast.tsx'

/**
 * Signs out by the viewer's own wish (UI-205): tells the server, which sends nothing more to this browser, wipes what
 * was read, and loads the sign-in page anew. A server that does not answer leaves the session as it is, and says so.
 */
export function useSignOut(): () => void {
  return () => void signOut()
}

async function signOut(): Promise<void> {
  const push = await releasePush()
  let next = paths.signIn()
  try {
    // The provider sends the browser to the sign-in page afterwards (ID-220).
    next = (await api.call(logout)).end_session_url ?? next
  } catch (error) {
    // Without a session there is nothing left to end.
    if (statusOf(error) !== 401) {
      toasts.failed('You are still signed in', error)
      await push?.restore()
      return
    }
  }
  await push?.end()
  await forgetKeptFiles()
  queries.clear()
  announceSessionEnd()
  location.assign(next)
}
