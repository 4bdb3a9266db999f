import type { ModelProvider } from '../../ai-providers/index.ts'
import type { RequestHeaders } from '../exchange/clients.ts'

/** A request that is ready to be sent but for its credential. */
export interface Unsigned {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

/** What a provider is shown, and what may be said of it. */
export interface Credential {
  readonly kind: 'centralized' | 'byok'
  readonly hint: string
  /** The secret itself; undefined where none is sent, but signatures are. */
  readonly key: string | undefined
  /** Headers with the credential in them. */
  sign(request: Unsigned): Promise<Record<string, string>>
}

/** A key in the header in which this type of provider looks for it (AG-14). */
export function keyCredential(
  provider: ModelProvider,
  kind: Credential['kind'],
  key: string,
  hint: string,
): Credential {
  return {
    kind,
    hint,
    key,
    sign: async ({ headers, url }) => ({ ...headers, ...keyHeader(provider, key, url) }),
  }
}

function keyHeader({ type }: ModelProvider, key: string, url: URL): Record<string, string> {
  switch (type) {
    case 'anthropic':
      return { 'x-api-key': key }
    case 'azure':
      return { 'api-key': key }
    case 'google':
      // The part of Google's API that speaks like OpenAI also takes its credentials like it.
      return url.pathname.includes('/openai/') ? bearer(key) : { 'x-goog-api-key': key }
    case 'bedrock':
    case 'openai':
    case 'openai-compat':
    case 'openrouter':
    case 'vercel':
    case 'copilot':
      return bearer(key)
  }
}

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` }
}

/** Headers that end at the gateway: of the connection, of credentials, and of what is only between it and its clients. */
const OWN = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'proxy-connection',
  'host',
  'accept-encoding',
  'content-length',
  'expect',
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'forwarded',
  'cookie',
])

/** What of a client's headers goes on to the provider (AG-15, AG-18). */
export function forwardedHeaders(headers: RequestHeaders): Record<string, string> {
  const forwarded: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && !isOwn(name)) forwarded[name] = value
  }
  return forwarded
}

function isOwn(name: string): boolean {
  return (
    OWN.has(name) ||
    name.startsWith('x-coder-') ||
    name.startsWith('coder-') ||
    name.startsWith('x-ai-bridge-actor-')
  )
}
