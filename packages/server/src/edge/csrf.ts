import { randomBytes, timingSafeEqual } from 'node:crypto'

import { ApiError } from '../errors/index.ts'
import { CSRF_COOKIE } from './cookies.ts'

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
  // Clients of models, behind the name of a provider: no cookie counts there (AG-10).
  /^\/api\/v2\/(?:ai-gateway|aibridge)\/(?!(?:sessions|models|clients|keys|serve|proxy|interceptions)\/)[^/]+\//,
]

/** Pages of ours with forms and no script (OA-6, OA-B12): of those below it the device page has none but its own. */
const FORMS = /^\/oauth2\/(?:authorize(?:\/|$)|device\/)/
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i

/**
 * Refuses a cookie-authenticated unsafe request that does not prove that our own page sent it
 * (ID-127…ID-131). True when the proof can still be in the form that is to come, which {@link checkFormCsrf} then
 * looks at.
 *
 * @throws ApiError 400 in plain text.
 */
export function checkCsrf(request: CsrfInput, sessionCookie: string): boolean {
  if (isSafeMethod(request.method)) return false
  const hasForm = FORMS.test(request.path)
  if (!request.path.startsWith('/api') && !hasForm) return false
  const session = request.cookies[sessionCookie]
  if (session === undefined || session === '') return false
  if (EXEMPT.some((pattern) => pattern.test(request.path))) return false

  const header = one(request.headers['coder-session-token'])
  if (header !== undefined && header !== '') {
    if (header === session) return false
    throw csrfError(
      `CSRF error encountered. Authentication via the session cookie and the "Coder-Session-Token" header is both present and they differ. Send only one of them.`,
    )
  }
  if (request.query.get('coder_session_token') === session) return false
  if (/^bearer /i.test(one(request.headers.authorization) ?? '')) return false
  if (
    one(request.headers['coder-provisioner-daemon-psk']) ||
    one(request.headers['coder-provisioner-daemon-key'])
  )
    return false
  const cookie = request.cookies[CSRF_COOKIE]
  const token = one(request.headers['x-csrf-token'])
  if (token === undefined && hasForm && FORM_TYPE.test(one(request.headers['content-type']) ?? ''))
    return true
  if (cookie !== undefined && token !== undefined && csrfTokenMatches(cookie, token)) return false
  throw wrongToken()
}

/**
 * The rest of the rule for a form (ID-128): its field `csrf_token` is the proof, and it comes from a page of this host.
 *
 * @param form body of the request.
 * @param ownOrigin whether pages of an origin are ours; not asked of requests that name none.
 * @throws ApiError 400 in plain text.
 */
export function checkFormCsrf(
  request: Pick<CsrfInput, 'cookies' | 'headers'>,
  form: URLSearchParams,
  ownOrigin: (origin: string) => boolean,
): void {
  const origin = one(request.headers.origin)
  const sameOrigin =
    origin === undefined || one(request.headers['sec-fetch-site']) === 'same-origin' || ownOrigin(origin)
  const cookie = request.cookies[CSRF_COOKIE]
  const token = form.get('csrf_token')
  if (!sameOrigin || cookie === undefined || token === null || !csrfTokenMatches(cookie, token))
    throw wrongToken()
}

function wrongToken(): ApiError {
  return csrfError(
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
