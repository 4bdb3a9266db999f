export type { AgentCaller } from './agent-access.ts'
export {
  type BoundRoute,
  forAgent,
  forAnyone,
  forSession,
  type Incoming,
  type SessionIncoming,
} from './bind.ts'
export { addressResolver } from './client-address.ts'
export { type CookiePolicy, SESSION_COOKIE, sessionCookieName, setCookie } from './cookies.ts'
export { createEdge, type EdgeOptions, mount } from './pipeline.ts'
export type { KeyOwner, Precheck, ValidatedKey } from './precheck.ts'
export { currentRequest, type RequestContext } from './request-context.ts'
export type { Accepted } from './session-access.ts'
export { type EventStream, OpenStreams } from './streams.ts'
