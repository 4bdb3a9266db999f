import type { Config } from '../config/index.ts'

/** Which tokens count in the query of a URL (ID-202). */
export type QueryTokenPolicy = Config['allowQueryTokens']

/** Names under which a query may carry a token (ID-56). */
export const QUERY_TOKEN_PARAMETERS = ['coder_session_token', 'access_token'] as const

const NONE: readonly string[] = Object.freeze([])

/** Browsers come here from an app with nothing but an address. */
const APP_AUTH_REDIRECT = '/api/v2/applications/auth-redirect'

/** Whether the query of this request may say who sends it; tokens of OAuth2 apps are judged when they are known. */
export function queryTokensCount(
  policy: QueryTokenPolicy,
  request: { readonly webSocket: boolean; readonly route: string },
): boolean {
  switch (policy) {
    case 'all':
    case 'no-oauth':
      return true
    case 'websocket':
      return request.webSocket || request.route === APP_AUTH_REDIRECT
    case 'none':
      return false
  }
}

/** The tokens that a query carries, as they would be used. */
export function queryTokensOf(search: URLSearchParams): readonly string[] {
  if (search.size === 0) return NONE
  const found = QUERY_TOKEN_PARAMETERS.flatMap((name) => search.get(name)?.trim() || [])
  return found.length === 0 ? NONE : found
}
