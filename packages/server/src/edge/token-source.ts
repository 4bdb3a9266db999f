import { SESSION_COOKIE } from './cookies.ts'

/**
 * The token of a request, from the first source that has one (ID-56): session cookie, query
 * `coder_session_token`, header `Coder-Session-Token`, `Authorization: Bearer`, query `access_token`. A
 * Bearer header ends the search even when it is empty (ID-57).
 *
 * @param request `query` without parameters where tokens in it do not count (ID-202).
 */
export function tokenOf(request: {
  readonly cookies: Readonly<Record<string, string | undefined>>
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly query: URLSearchParams
}): string | undefined {
  const header = request.headers['coder-session-token']
  // Most requests have no query, and looking into one costs something.
  const query = request.query.size === 0 ? undefined : request.query
  const direct =
    request.cookies[SESSION_COOKIE] ||
    query?.get('coder_session_token') ||
    (typeof header === 'string' ? header : header?.[0])
  if (direct) return direct
  const authorization = request.headers.authorization
  if (typeof authorization === 'string') {
    const bearer = /^bearer(?:\s+(.*))?$/i.exec(authorization.trim())
    if (bearer !== null) return bearer[1]?.trim() || undefined
  }
  return query?.get('access_token')?.trim() || undefined
}
