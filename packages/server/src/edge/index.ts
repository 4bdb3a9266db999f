export type { AgentCaller } from './agent-access.ts'
export { baseUrl } from './base-url.ts'
export {
  type BoundRoute,
  forAgent,
  forAnyone,
  forPage,
  forSession,
  type Incoming,
  type RouteLimits,
  type SessionIncoming,
  type SessionRequest,
} from './bind.ts'
export { canonicalTarget } from './canonical-target.ts'
export { DPOP_ALGORITHMS, insufficientScopeChallenge } from './challenge.ts'
export { addressResolver, forwardedFor } from './client-address.ts'
export { type Coding, codingFor, compress, isCompressible } from './compression.ts'
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
export { pageCsrfToken } from './csrf-page.ts'
export { type NextStep, sendErrorPage } from './error-page.ts'
export { limit } from './limit.ts'
export { escapeHtml } from './markdown.ts'
export { isMcpEndpoint, MCP_ENDPOINT } from './mcp-endpoint.ts'
export { mount } from './mount.ts'
export type { ClaimedRequest, EdgeOptions } from './options.ts'
export { requireMcpOrigin } from './own-pages.ts'
export { PAGE_STYLE, PAGE_THEME, pageHeader, pageTheme } from './page-theme.ts'
export { createEdge } from './pipeline.ts'
export type { KeyOwner, Precheck, RefusalReason, ValidatedKey } from './precheck.ts'
export {
  limitedSubject,
  RateLimiter,
  type SharedCount,
  type SharedCounters,
  type SharedTake,
} from './rate-limit.ts'
export { accessUrlRedirect } from './redirect-to-access-url.ts'
export { chargeCurrentWork, currentRequest, noteInLog, type RequestContext } from './request-context.ts'
export { normalizedUri } from './resource-uri.ts'
export { lastingAnswer } from './serializer.ts'
export { type Accepted, pageSession, requireSession } from './session-access.ts'
export { closeSoon, type EventStream, OpenStreams } from './streams.ts'
export { TEXT_FONT } from './text-font.ts'
export { type Credential, tokenOf } from './token-source.ts'
export { type BodyCheck, bodyCheck, refuseUnstorable } from './validation.ts'
