/** Names of our own cookies (ID-46, ID-130, AC-193). */
export const SESSION_COOKIE = 'coder_session_token'
export const CSRF_COOKIE = 'csrf_token'
export const SIGNED_APP_COOKIE = 'coder_signed_app_token'
export const PATH_APP_SESSION_COOKIE = 'coder_path_app_session_token'
export const SUBDOMAIN_APP_SESSION_COOKIE_PREFIX = 'coder_subdomain_app_session_token'
/** The theme that was chosen in the dashboard, which writes it, for pages without scripts. */
export const THEME_COOKIE = 'slipway_theme'

const STRIPPED = new Set([
  SESSION_COOKIE,
  `__Host-${SESSION_COOKIE}`,
  CSRF_COOKIE,
  'oauth_state',
  'oauth_redirect',
  'oauth_pkce_verifier',
  'oauth_redirect_uri',
  'coder_oauth_convert_jwt',
  PATH_APP_SESSION_COOKIE,
  SIGNED_APP_COOKIE,
  THEME_COOKIE,
])

/** How our cookies are written in this deployment. */
export interface CookiePolicy {
  readonly secure: boolean
  readonly sameSite: 'lax' | 'none'
  readonly hostPrefix: boolean
}

const NO_COOKIES: Readonly<Record<string, string>> = Object.freeze(Object.create(null))

/** Cookies of a request by name; the first of two equal names wins, as browsers send the most specific first. */
export function parseCookies(header: string | undefined): Readonly<Record<string, string>> {
  if (header === undefined) return NO_COOKIES
  const cookies: Record<string, string> = Object.create(null)
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at < 0) continue
    const name = pair.slice(0, at).trim()
    const value = pair.slice(at + 1).trim()
    if (!(name in cookies)) cookies[name] = value.startsWith('"') ? value.slice(1, -1) : value
  }
  return cookies
}

/** A `Set-Cookie` value. `maxAge` is in seconds; a negative one deletes the cookie. */
export function setCookie(
  name: string,
  value: string,
  policy: CookiePolicy,
  options: {
    readonly maxAge?: number
    readonly path?: string
    readonly domain?: string
    readonly httpOnly?: boolean
  } = {},
): string {
  const parts = [`${name}=${value}`, `Path=${options.path ?? '/'}`]
  if (options.domain !== undefined) parts.push(`Domain=${options.domain}`)
  if (options.maxAge !== undefined) parts.push(`Max-Age=${options.maxAge}`)
  if (options.httpOnly ?? true) parts.push('HttpOnly')
  if (policy.secure) parts.push('Secure')
  parts.push(`SameSite=${policy.sameSite === 'none' ? 'None' : 'Lax'}`)
  return parts.join('; ')
}

/** Name under which the session cookie is written (ID-58). */
export function sessionCookieName(policy: CookiePolicy): string {
  return policy.hostPrefix ? `__Host-${SESSION_COOKIE}` : SESSION_COOKIE
}

/** Whether a cookie of this name signs somebody in, here or at an app. */
export function isSessionCookie(name: string): boolean {
  return (
    name === SESSION_COOKIE ||
    name === `__Host-${SESSION_COOKIE}` ||
    name === PATH_APP_SESSION_COOKIE ||
    name === SIGNED_APP_COOKIE ||
    name.startsWith(SUBDOMAIN_APP_SESSION_COOKIE_PREFIX)
  )
}

/** Cookie header without any cookie of ours, for forwarding to a workspace app (ID-60, AC-197). */
export function withoutOwnCookies(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const kept = header.split(';').filter((pair) => {
    const name = pair.split('=', 1)[0]?.trim() ?? ''
    return !STRIPPED.has(name) && !name.startsWith(SUBDOMAIN_APP_SESSION_COOKIE_PREFIX)
  })
  return kept.length === 0 ? undefined : kept.map((pair) => pair.trim()).join('; ')
}
