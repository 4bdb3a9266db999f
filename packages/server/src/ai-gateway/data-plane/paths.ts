import type { ModelProvider } from '../../ai-providers/index.ts'
import { GatewayError } from '../exchange/gateway-error.ts'

/** Where a request of a client goes (chapter 05 section 2.1). */
export interface Destination {
  readonly kind: 'intercepted' | 'passthrough'
  /** Without a query it is shared with other requests. */
  readonly url: URL
  /** What was listed and fits: one of few, whatever clients ask for. */
  readonly route: string
}

interface Paths {
  readonly intercepted: readonly string[]
  /** A path ends with `/*` for what lies under it alone, with `(/*)` for it too. */
  readonly passthrough: readonly string[]
}

const PATHS: Readonly<Record<ModelProvider['family'], Paths>> = {
  openai: {
    intercepted: ['/v1/chat/completions', '/v1/responses'],
    passthrough: ['/v1/responses/*', '/v1/conversations(/*)', '/v1/models(/*)'],
  },
  anthropic: {
    intercepted: ['/v1/messages'],
    passthrough: ['/v1/messages/count_tokens', '/v1/models(/*)', '/api/event_logging/*'],
  },
  copilot: {
    intercepted: ['/chat/completions', '/responses', '/v1/messages'],
    passthrough: ['/models(/*)', '/agents/*', '/mcp/*', '/.well-known/*'],
  },
}

/**
 * Where a path behind the name of a provider leads; undefined for what is not relayed: only what is listed is, because
 * the key that is put in may be allowed to do much more (AG-3).
 *
 * @param path without a query, as it was sent.
 * @throws GatewayError 502 for a base URL that cannot be read, which only the database itself can have got.
 */
export function destinationOf(provider: ModelProvider, path: string, query: string): Destination | undefined {
  if (query !== '' || !PATHS[provider.family].intercepted.includes(path))
    return findDestination(provider, path, query)
  let known = intercepted.get(provider)
  if (known === undefined) {
    known = new Map()
    intercepted.set(provider, known)
  }
  let destination = known.get(path)
  if (destination === undefined) {
    destination = findDestination(provider, path, query)
    if (destination !== undefined) known.set(path, destination)
  }
  return destination
}

/** Of each state of a provider, by path: nearly every request goes to one of few. */
const intercepted = new WeakMap<ModelProvider, Map<string, Destination>>()

function findDestination(provider: ModelProvider, path: string, query: string): Destination | undefined {
  const { intercepted, passthrough } = PATHS[provider.family]
  if (leavesItsFolder(path)) return undefined
  const kind = intercepted.includes(path) ? 'intercepted' : 'passthrough'
  const route = kind === 'intercepted' ? path : passthrough.find((pattern) => fits(pattern, path))
  if (route === undefined || (kind === 'passthrough' && callsModel(provider, path))) return undefined
  const base = provider.baseUrl.replace(/\/+$/, '')
  // The base URL of this family has the version already (AG-2).
  const rest = provider.family === 'openai' ? path.slice('/v1'.length) : path
  const url = URL.parse(base + rest)
  if (url === null) throw new GatewayError(502, 'provider_error', 'invalid provider base URL')
  url.search = query
  for (const name of ['coder_session_token', 'access_token'])
    if (url.searchParams.has(name)) url.searchParams.delete(name)
  return { kind, url, route }
}

/**
 * Whether a path may be taken for another one on its way: by segments of dots, by empty ones, which many servers leave
 * out, and by a backslash, which URLs take for a slash. Some servers decode before they look.
 */
function leavesItsFolder(path: string): boolean {
  const [, ...segments] = path.split(/\/|%2f/i)
  return (
    /[\\#]|%5c/i.test(path) ||
    segments.some(
      (segment, index) =>
        /^(?:\.|%2e){1,2}$/i.test(segment) || (segment === '' && index < segments.length - 1),
    )
  )
}

/** Google names what a model is to do behind its name: that is more than to look at it, and would go unrecorded. */
function callsModel({ type }: ModelProvider, path: string): boolean {
  return type === 'google' && /:|%3a/i.test(path)
}

function fits(pattern: string, path: string): boolean {
  if (pattern.endsWith('(/*)')) {
    const stem = pattern.slice(0, -'(/*)'.length)
    return path === stem || path.startsWith(`${stem}/`)
  }
  if (pattern.endsWith('/*')) {
    const stem = pattern.slice(0, -1)
    return path.startsWith(stem) && path.length > stem.length
  }
  return path === pattern
}
