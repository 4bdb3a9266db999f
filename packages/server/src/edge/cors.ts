type Headers = Readonly<Record<string, string>>

const OPEN_PREFIXES = ['/oauth2/', '/api/experimental/mcp/', '/.well-known/oauth-']
const OPEN_HEADERS =
  'Content-Type, Accept, Authorization, x-api-key, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, Mcp-Method, Mcp-Name, DPoP'
/** On answers; what a page may send is only said to preflights (Fetch, section 3.3.3). */
const OPEN = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers':
    'Content-Type, Authorization, x-api-key, Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, DPoP-Nonce, Retry-After',
}
const OPEN_PREFLIGHT = {
  ...OPEN,
  'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': OPEN_HEADERS,
  'Access-Control-Max-Age': '86400',
}
const DEFAULT_PREFLIGHT = {
  'Access-Control-Allow-Methods': 'OPTIONS, GET',
  'Access-Control-Allow-Headers': 'Accept, Content-Type, X-LATENCY-CHECK, X-CSRF-TOKEN',
}

/** Whether any page may ask for this path (OA-5). */
export function isOpenToPages(path: string): boolean {
  return OPEN_PREFIXES.some((prefix) => path.startsWith(prefix))
}

/**
 * The headers for this path (ID-132, ID-133, OA-B21), if it gets any; none of them ever allows credentials.
 *
 * @param asked names of headers that a page wants to send, as the preflight gives them.
 */
export function corsFor(
  path: string,
  method: string,
  allowAll: boolean,
  asked?: string | undefined,
): Headers | undefined {
  if (isOpenToPages(path)) {
    if (method !== 'OPTIONS') return OPEN
    const parameters = parameterHeaders(asked)
    return parameters === ''
      ? OPEN_PREFLIGHT
      : {
          ...OPEN_PREFLIGHT,
          'Access-Control-Allow-Headers': `${OPEN_HEADERS}${parameters}`,
          Vary: 'Access-Control-Request-Headers',
        }
  }
  if (path === '/latency-check' || path === '/derp/latency-check')
    return { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' }
  if (!allowAll) return method === 'OPTIONS' ? { Vary: 'Origin' } : undefined
  return method === 'OPTIONS'
    ? { 'Access-Control-Allow-Origin': '*', ...DEFAULT_PREFLIGHT }
    : { 'Access-Control-Allow-Origin': '*' }
}

/** Headers for parameters of tools have names that nobody knows before, and a list takes no patterns. */
function parameterHeaders(asked = ''): string {
  return asked
    .split(',')
    .map((name) => name.trim())
    .filter((name) => /^mcp-param-[\w-]{1,64}$/i.test(name))
    .slice(0, 64)
    .map((name) => `, ${name}`)
    .join('')
}
