import { randomBytes, timingSafeEqual } from 'node:crypto'

import { ApiError } from '../errors/index.ts'

const TOKEN_BYTES = 32

/** What the CSRF rule looks at in a request. */
export interface CsrfInput {
  readonly method: string
  readonly path: string
  readonly cookies: Readonly<Record<string, string | undefined>>
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly query: URLSearchParams
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** Whether requests of this method change nothing, so that they need no proof. */
export function isSafeMethod(method: string): boolean {
  return SAFE.has(method)
}

/** ID-129, narrowed by ID-204 to paths that are not authenticated by the session cookie. */
const EXEMPT = [
  /^\/api\/v2\/users\/first$/,
  /^\/api\/v2\/csp\/reports$/,
  /^\/api\/v2\/workspaceagents\/me(\/|$)/,
  /^\/api\/v2\/workspaceagents\/(aws|azure|google)-instance-identity$/,
  /^\/api\/v2\/workspaceproxies\/me(\/|$)/,
  /^\/api\/v2\/scim(\/|$)/,
  /^\/derp(\/|$)/,
  /^\/api\/v2\/organizations\/[^/]+\/provisionerdaemons(\/|$)/,
]

/**
 * Refuses a cookie-authenticated unsafe request that does not prove that our own page sent it
 * (ID-127…ID-131).
 *
 * @throws ApiError 400 in plain text.
 */
export function checkCsrf(request: CsrfInput, sessionCookie: string): void {
  if (isSafeMethod(request.method)) return
  if (!request.path.startsWith('/api') && request.path !== '/oauth2/authorize') return
  const session = request.cookies[sessionCookie]
  if (session === undefined || session === '') return
  if (EXEMPT.some((pattern) => pattern.test(request.path))) return

  const header = one(request.headers['coder-session-token'])
  if (header !== undefined && header !== '') {
    if (header === session) return
    throw csrfError(
      `CSRF error encountered. Authentication via the session cookie and the "Coder-Session-Token" header is both present and they differ. Send only one of them.`,
    )
  }
  if (request.query.get('coder_session_token') === session) return
  if (/^bearer /i.test(one(request.headers.authorization) ?? '')) return
  if (
    one(request.headers['coder-provisioner-daemon-psk']) ||
    one(request.headers['coder-provisioner-daemon-key'])
  )
    return
  const cookie = request.cookies.csrf_token
  const token = one(request.headers['x-csrf-token'])
  if (cookie !== undefined && token !== undefined && csrfTokenMatches(cookie, token)) return
  throw csrfError(
    'Something is wrong with your CSRF token. Please refresh the page. If this error persists, clear your cookies.',
  )
}

function csrfError(text: string): ApiError {
  return new ApiError(400, text, { plainText: true })
}

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}

/** A new value for the `csrf_token` cookie. */
export function newCsrfCookie(): string {
  return randomBytes(TOKEN_BYTES).toString('base64')
}

/** Whether a cookie value has the shape that {@link newCsrfCookie} gives. */
export function isCsrfCookie(value: string | undefined): value is string {
  return value !== undefined && Buffer.from(value, 'base64').length === TOKEN_BYTES
}

/** The token that a page carries: the cookie's bytes under a fresh pad, so that compression leaks nothing (ID-130). */
export function maskCsrfToken(cookie: string): string {
  const token = Buffer.from(cookie, 'base64')
  const pad = randomBytes(TOKEN_BYTES)
  return Buffer.concat([pad, xor(token, pad)]).toString('base64')
}

function csrfTokenMatches(cookie: string, masked: string): boolean {
  const expected = Buffer.from(cookie, 'base64')
  const given = Buffer.from(masked, 'base64')
  if (expected.length !== TOKEN_BYTES || given.length !== 2 * TOKEN_BYTES) return false
  return timingSafeEqual(xor(given.subarray(TOKEN_BYTES), given.subarray(0, TOKEN_BYTES)), expected)
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)))
}
