import { SESSION_COOKIE } from './cookies.ts'

/** A token that the client proves the possession of a key with, and the header with that proof (RFC 9449 section 7.1). */
export interface ProvenToken {
  readonly token: string
  readonly proof: string | readonly string[] | undefined
}

/** What a request says who it is with: a token that is worth something to whoever has it, or one with its proof. */
export type Credential = string | ProvenToken

/**
 * The token of a request, from the first source that has one (ID-56): session cookie, query
 * `coder_session_token`, header `Coder-Session-Token`, `Authorization: Bearer` or `DPoP`, query `access_token`. An
 * Authorization header of these schemes ends the search even when it is empty (ID-57).
 *
 * @param request `query` without parameters where tokens in it do not count (ID-202).
 */
export function tokenOf(request: {
  readonly cookies: Readonly<Record<string, string | undefined>>
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly query: URLSearchParams
}): Credential | undefined {
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
    const text = authorization.trim()
    const bearer = /^bearer(?:\s+(.*))?$/i.exec(text)
    if (bearer !== null) return bearer[1]?.trim() || undefined
    const proven = /^dpop(?:\s+(.*))?$/i.exec(text)
    if (proven !== null) {
      const token = proven[1]?.trim()
      return token ? { token, proof: request.headers.dpop } : undefined
    }
  }
  return query?.get('access_token')?.trim() || undefined
}
