import { QueryClient } from '@tanstack/react-query'

import { getBuildInfo, getUser } from '@slipway/contract'
import { paths } from '../paths.ts'
import { Connection } from './connection.ts'
import { csrfToken } from './csrf.ts'
import { statusOf } from './errors.ts'
import { handedSession } from './handed-session.ts'
import { createCall, NetworkError } from './http.ts'
import { localPath } from './local-path.ts'
import { isReadAgain, pauseBefore } from './patience.ts'
import { serverBuild } from './server-build.ts'
import { announceSessionEnd, onSessionEndElsewhere } from './session-channel.ts'
import { withStepUp } from './step-up.ts'
import { unauthorizedHandler } from './unauthorized.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD'])
const NOBODY_HOME = new Set([502, 503, 504])
/** Their 401 is about a password and not about the session (UI-202). */
const OWN_401 =
  /^\/api\/v2\/users\/(me|login(\/.+)?|oauth2\/.+|validate-password|[^/]+\/(password|convert-login))$/

/** The one API client: same origin, session cookie, CSRF token on unsafe methods (UI-4). */
export const api = { call: withStepUp(createCall(observedFetch)) }

/** Cache of everything that was read. No retry on an answer that will not change (UI-5); one that was refused for want of room gives way (UI-2104). */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      refetchOnWindowFocus: false,
      retry: isReadAgain,
      retryDelay: (attempt, error) => pauseBefore(attempt, error),
    },
    mutations: { retry: false },
  },
})

/** The state of the connection, fed by every request. */
export const connection = new Connection({
  probe: async () => {
    await api.call(getBuildInfo)
    return true
  },
  onBack: () => void queries.invalidateQueries({ type: 'active' }),
})
window.addEventListener('offline', () => connection.lostNetwork())
window.addEventListener('online', () => connection.foundNetwork())

/** Whether a request got no answer, or one that says that nobody is at home: it may or may not have been carried out. */
export function isLost(error: unknown): boolean {
  return error instanceof NetworkError || NOBODY_HOME.has(statusOf(error) ?? 0)
}

/** Asks whether the session still stands, once for all that wonder at the same time (UI-202, UI-203). */
export const checkSession = unauthorizedHandler(
  async () => {
    try {
      await api.call(getUser, { params: { user: 'me' } })
      return 'alive'
    } catch (error) {
      return statusOf(error) === 401 ? 'expired' : 'unknown'
    }
  },
  () => {
    announceSessionEnd()
    leaveForSignIn('expired')
  },
)
onSessionEndElsewhere(() => void checkSession())

const expiryListeners = new Set<() => void>()

/** Tells before the page is left because its session has ended. Call what it gives to hear no more. */
export function onSessionExpired(listener: () => void): () => void {
  expiryListeners.add(listener)
  return () => expiryListeners.delete(listener)
}

/** Leaves for the sign-in page and comes back to this one afterwards. A full navigation: nothing cached survives. */
export function leaveForSignIn(reason?: 'expired'): void {
  if (location.pathname === paths.signIn() || handedSession.expired()) return
  if (reason === 'expired') for (const listener of expiryListeners) listener()
  const back = localPath(location.pathname + location.search, location.origin)
  location.assign(paths.signIn({ redirect: back, ...(reason === undefined ? {} : { reason }) }))
}

async function observedFetch(made: Request): Promise<Response> {
  const handed = handedSession.token
  const request = new Request(made, { credentials: handed === undefined ? 'same-origin' : 'omit' })
  if (handed !== undefined) request.headers.set('Coder-Session-Token', handed)
  const token = csrfToken()
  if (!SAFE_METHODS.has(request.method) && token !== undefined) request.headers.set('X-CSRF-TOKEN', token)
  let response: Response
  try {
    response = await fetch(request)
  } catch (error) {
    if (!request.signal.aborted) connection.failed()
    throw error
  }
  if (NOBODY_HOME.has(response.status)) connection.failed()
  else connection.answered()
  serverBuild.seen(response.headers.get('X-Coder-Build-Version'))
  if (response.status === 401 && !OWN_401.test(new URL(request.url).pathname)) void checkSession()
  return response
}
