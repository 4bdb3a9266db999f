export type { AgentCaller } from './agent-access.ts'
export {
  type BoundRoute,
  forAgent,
  forAnyone,
  forPage,
  forSession,
  type Incoming,
  type SessionIncoming,
  type SessionRequest,
} from './bind.ts'
export { addressResolver, forwardedFor } from './client-address.ts'
export {
  type CookiePolicy,
  CSRF_COOKIE,
  isSessionCookie,
  PATH_APP_SESSION_COOKIE,
  SESSION_COOKIE,
  SIGNED_APP_COOKIE,
  SUBDOMAIN_APP_SESSION_COOKIE_PREFIX,
  sessionCookieName,
  setCookie,
  withoutOwnCookies,
} from './cookies.ts'
export { isCsrfCookie, maskCsrfToken, newCsrfCookie } from './csrf.ts'
export { type NextStep, sendErrorPage } from './error-page.ts'
export { mount } from './mount.ts'
export type { ClaimedRequest, EdgeOptions } from './options.ts'
export { createEdge } from './pipeline.ts'
export type { KeyOwner, Precheck, ValidatedKey } from './precheck.ts'
export type { SharedCount, SharedCounters, SharedTake } from './rate-limit.ts'
export { accessUrlRedirect } from './redirect-to-access-url.ts'
export { currentRequest, type RequestContext } from './request-context.ts'
export type { Accepted } from './session-access.ts'
export { closeSoon, type EventStream, OpenStreams } from './streams.ts'
export { tokenOf } from './token-source.ts'
