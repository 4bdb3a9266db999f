type Headers = Readonly<Record<string, string>>

const OPEN_PREFIXES = ['/oauth2/', '/api/experimental/mcp/', '/.well-known/oauth-']
const OPEN = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, DELETE, OPTIONS',
  'Access-Control-Allow-Headers':
    'Content-Type, Accept, Authorization, x-api-key, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID',
  'Access-Control-Expose-Headers':
    'Content-Type, Authorization, x-api-key, Mcp-Session-Id, MCP-Protocol-Version',
  'Access-Control-Max-Age': '86400',
}
const DEFAULT_PREFLIGHT = {
  'Access-Control-Allow-Methods': 'OPTIONS, GET',
  'Access-Control-Allow-Headers': 'Accept, Content-Type, X-LATENCY-CHECK, X-CSRF-TOKEN',
}

/** The headers for this path (ID-132, ID-133), if it gets any; none of them ever allows credentials. */
export function corsFor(path: string, method: string, allowAll: boolean): Headers | undefined {
  if (OPEN_PREFIXES.some((prefix) => path.startsWith(prefix))) return OPEN
  if (path === '/latency-check' || path === '/derp/latency-check')
    return { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' }
  if (!allowAll) return method === 'OPTIONS' ? { Vary: 'Origin' } : undefined
  return method === 'OPTIONS'
    ? { 'Access-Control-Allow-Origin': '*', ...DEFAULT_PREFLIGHT }
    : { 'Access-Control-Allow-Origin': '*' }
}
